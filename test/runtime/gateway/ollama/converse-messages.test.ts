import fc from 'fast-check';
import { converseToolId, toConversation } from '../../../../runtime/gateway/ollama/converse-messages';
import { ConverseBlock } from '../../../../runtime/gateway/ollama/converse-types';

const withTools = { tools: true, images: true };
const system = (content: unknown) => ({ role: 'system', content });
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown, ...calls: [id: string, name: string, args: string][]) => ({
  role: 'assistant',
  content,
  tool_calls: calls.map(([id, name, args]) => ({ id, type: 'function', function: { name, arguments: args } })),
});
const tool = (id: string, content: unknown) => ({ role: 'tool', tool_call_id: id, content });
const turns = (messages: unknown[], options = withTools) => toConversation(messages, options).messages;

test.each(['system', 'developer'])('the first message stands apart if it is of the role %s', (role) => {
  const parts = [
    { type: 'text', text: 'Be kind.' },
    { type: 'text', text: ' ' },
    { type: 'text', text: 'Be brief.' },
  ];
  expect(toConversation([{ role, content: parts }, user('Hi.')], withTools)).toEqual({
    system: ['Be kind.', 'Be brief.'],
    messages: [{ role: 'user', content: [{ text: 'Hi.' }] }],
  });
});

test.each(['system', 'developer'])(
  'a later message of the role %s is the user’s word: callers can write it',
  (role) => {
    const later = (content: unknown) => ({ role, content });
    const parts = [
      { type: 'text', text: 'A' },
      { type: 'text', text: 'B' },
    ];
    const messages = [system('Be kind.'), user('Hi.'), later(parts), assistant('Yes?'), later('C'), later(' ')];
    expect(toConversation(messages, withTools)).toEqual({
      system: ['Be kind.'],
      messages: [
        { role: 'user', content: [{ text: 'Hi.' }, { text: '<event>SYSTEM ALERT: A\n\nB</event>' }] },
        { role: 'assistant', content: [{ text: 'Yes?' }] },
        { role: 'user', content: [{ text: '<event>SYSTEM ALERT: C</event>' }] },
      ],
    });
    expect(toConversation([user('Hi.'), later('A')], withTools).system).toEqual([]);
  },
);

test('messages of one role are one turn, and blank ones none', () => {
  expect(
    turns([user('A'), assistant(null), user(' \n'), user('B'), assistant('C'), assistant('D'), user('E')]),
  ).toEqual([
    { role: 'user', content: [{ text: 'A' }, { text: 'B' }] },
    { role: 'assistant', content: [{ text: 'C' }, { text: 'D' }] },
    { role: 'user', content: [{ text: 'E' }] },
  ]);
});

test('all results of a turn stand in the one user message after it', () => {
  const calls = assistant('Wait.', ['a', 'look', '{"at":1}'], ['b', 'look', '']);
  expect(
    turns([user('Look.'), calls, tool('b', 'two'), tool('a', [{ type: 'text', text: 'one' }]), assistant('Done.')]),
  ).toEqual([
    { role: 'user', content: [{ text: 'Look.' }] },
    {
      role: 'assistant',
      content: [
        { text: 'Wait.' },
        { toolUse: { toolUseId: 'a', name: 'look', input: { at: 1 } } },
        { toolUse: { toolUseId: 'b', name: 'look', input: {} } },
      ],
    },
    {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'b', content: [{ text: 'two' }] } },
        { toolResult: { toolUseId: 'a', content: [{ text: 'one' }] } },
      ],
    },
    { role: 'assistant', content: [{ text: 'Done.' }] },
  ]);
});

test('what the user says after a result is a turn of its own: some models take no text beside results', () => {
  const said = turns([user('Go.'), assistant(null, ['a', 'go', '{}']), tool('a', ''), user('And now?')]);
  expect(said.slice(2)).toEqual([
    { role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ text: '(no output)' }] } }] },
    { role: 'assistant', content: [{ text: '(continued)' }] },
    { role: 'user', content: [{ text: 'And now?' }] },
  ]);
});

test('a conversation that the assistant begins gets a user turn before it', () => {
  expect(turns([system('S'), assistant('Hello.'), user('Hi.')])[0]).toEqual({
    role: 'user',
    content: [{ text: '(continued)' }],
  });
});

test('without tools in the request, tool calls and results are told as text', () => {
  const messages = [user('Look.'), assistant(null, ['a', 'look', '{"at":1}']), tool('a', 'a cat'), user('Sum up.')];
  expect(turns(messages, { tools: false, images: false })).toEqual([
    { role: 'user', content: [{ text: 'Look.' }] },
    { role: 'assistant', content: [{ text: '(called the tool look with {"at":1})' }] },
    { role: 'user', content: [{ text: '(the tool look answered:)' }, { text: 'a cat' }, { text: 'Sum up.' }] },
  ]);
});

test('arguments that are no JSON object are kept as they were written', () => {
  const input = (args: string) => {
    const said = turns([user('x'), assistant(null, ['a', 'f', args]), tool('a', 'y')])[1].content[0];
    return 'toolUse' in said && said.toolUse.input;
  };
  expect(input('{"a":')).toEqual({ arguments: '{"a":' });
  expect(input('[1]')).toEqual({ arguments: '[1]' });
});

test('an image comes as a data: URL, for a model that takes images', () => {
  const image = (url: unknown) =>
    user([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url } },
    ]);
  expect(turns([image('data:image/png;base64,aGk=')])[0].content).toEqual([
    { text: 'What is it?' },
    { image: { format: 'png', source: { bytes: 'aGk=' } } },
  ]);
  for (const url of ['https://example.com/a.png', 'http://169.254.170.2/', 'data:text/plain;base64,aGk=', 7]) {
    expect(() => turns([image(url)])).toThrow(/messages\[0\]\.content\[1\].*fetches no other URL/);
  }
  expect(() => turns([image('data:image/png;base64,aGk=')], { tools: true, images: false })).toThrow(
    /messages\[0\]\.content\[1\].*does not take/,
  );
});

test.each<[string, unknown, RegExp]>([
  ['no list', 'Hi.', /`messages` must be a list/],
  ['an empty list', [], /`messages` must be a list/],
  ['nothing to answer', [system('S'), user(' ')], /nothing in it/],
  ['no object', [7], /messages\[0\]/],
  ['another role', [user('a'), { role: 'function', content: 'x' }], /messages\[1\]\.role.*"function"/],
  ['another content', [user([{ type: 'input_audio' }])], /messages\[0\]\.content\[0\].*"input_audio"/],
  ['a result without its call', [user('a'), tool('x', 'y')], /messages\[1\].*"x".*does not make/],
  [
    'a result of an older call',
    [user('a'), assistant(null, ['x', 'f', '{}']), tool('x', '1'), tool('x', '2')],
    /already/,
  ],
  ['a call without its result', [user('a'), assistant(null, ['x', 'f', '{}']), user('b')], /"x" has no answer/],
  [
    'a result that comes too late',
    [user('a'), assistant(null, ['x', 'f', '{}']), user('b'), tool('x', 'y')],
    /"x" has no answer before messages\[2\]/,
  ],
  ['a call at the end', [user('a'), assistant(null, ['x', 'f', '{}'])], /"x" has no answer/],
  ['an id twice', [user('a'), assistant(null, ['x', 'f', '{}'], ['x', 'f', '{}'])], /"x" twice/],
  ['a call without a name', [{ role: 'assistant', tool_calls: [{ id: 'x' }] }], /without an id or a function's name/],
])('%s is refused by its place', (_what, messages, words) => {
  expect(() => toConversation(messages, withTools)).toThrow(words);
});

test('an id that Converse does not take is replaced by one that it does, always by the same', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(converseToolId(one)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(converseToolId(one) === converseToolId(other)).toBe(one === other);
    }),
  );
  expect(converseToolId('tooluse_1')).toBe('tooluse_1');
});

test('a caller has no part that narrows what the guardrail looks at', () => {
  const guard = { guardContent: { text: { text: 'only this' } }, guard_content: {} };
  expect(turns([user([{ type: 'text', text: 'Hi.', ...guard }])])).toEqual([
    { role: 'user', content: [{ text: 'Hi.' }] },
  ]);
  for (const part of [guard, { type: 'guardContent', ...guard }, { type: 'guarded_text', text: 'x' }]) {
    for (const message of [user([part]), system([part]), assistant([part])])
      expect(() => turns([message])).toThrow(/wanted text or image_url|must be a text/);
  }
});

describe('a request that is made to be slow', () => {
  const many = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));
  const parts = (count: number) => many(count, () => ({ type: 'text', text: 'x' }));

  test.each([
    ['messages of one role', () => many(50_000, () => user('x'))],
    ['parts of one message', () => [user('x'), user(parts(99_000))]],
    ['parts of one system prompt', () => [system(parts(99_000)), user('x')]],
    ['results of one turn', () => [assistant(null, ...calls(24_000)), ...calls(24_000).map(([id]) => tool(id, 'x'))]],
    ['turns', () => many(10_000, (at) => [assistant('x', [`${at}`, 'f', '']), tool(`${at}`, 'x')]).flat()],
  ])('is translated soon although it has many %s', (_, messages: () => unknown[]) => {
    const said = messages();
    for (const tools of [true, false]) {
      const startedAt = performance.now();
      expect(turns(said, { tools, images: false }).length).toBeGreaterThan(0);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
  });

  test.each([
    ['messages', () => many(100_000, () => user('x')), /has 100000 messages, wanted at most 50000/],
    ['parts', () => [user(parts(200_000))], /has 200000 parts .*, wanted at most 100000/],
    [
      'tool calls',
      () => [assistant('x', ...calls(60_000)), assistant('x', ...calls(60_000))],
      /has 120000 parts .*, wanted at most 100000/,
    ],
  ])('is refused for more %s than any model takes', (_, messages: () => unknown[], reason) => {
    const said = messages();
    const startedAt = performance.now();
    expect(() => turns(said)).toThrow(reason);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  function calls(count: number) {
    return many(count, (at): [string, string, string] => [`${at}`, 'f', '']);
  }
});

describe('whatever a conversation is', () => {
  const text = fc.oneof(fc.constant(''), fc.constant(' \n'), fc.string());
  const step = fc.oneof(
    fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text }).map((message) => [message]),
    fc
      .tuple(text, fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }), text)
      .map(([said, ids, result]) => [
        assistant(said, ...ids.map((id): [string, string, string] => [id, 'f', said])),
        ...ids.reverse().map((id) => tool(id, result)),
      ]),
  );
  const conversation = fc.array(step, { maxLength: 12 }).map((steps) => [...steps.flat(), user('The end.')]);
  const kinds = (content: readonly ConverseBlock[]) => new Set(content.map((block) => Object.keys(block)[0]));
  const ids = (content: readonly ConverseBlock[], kind: 'toolUse' | 'toolResult') =>
    content.flatMap((block) =>
      kind in block ? [(block as Record<string, { toolUseId: string }>)[kind].toolUseId] : [],
    );

  test('roles alternate from the user to the user, and no turn or text is blank', () => {
    fc.assert(
      fc.property(conversation, fc.boolean(), (messages, tools) => {
        const said = turns(messages, { tools, images: false });
        said.forEach(({ role, content }, at) => {
          expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant');
          expect(content.length).toBeGreaterThan(0);
          for (const block of content) if ('text' in block) expect(block.text.trim()).not.toBe('');
        });
        expect(said.length % 2).toBe(1);
      }),
    );
  });

  test('every call is answered in the turn after it, once, and nothing stands beside the answers', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const said = turns(messages);
        said.forEach(({ content }, at) => {
          const answers = ids(content, 'toolResult');
          expect([...answers].sort()).toEqual(at === 0 ? [] : ids(said[at - 1].content, 'toolUse').sort());
          if (answers.length > 0) expect(kinds(content)).toEqual(new Set(['toolResult']));
        });
        const called = messages.flatMap((message) => ('tool_calls' in message ? message.tool_calls : []));
        expect(said.flatMap(({ content }) => ids(content, 'toolUse'))).toHaveLength(called.length);
      }),
    );
  });

  test('without tools there is no tool block', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        for (const { content } of turns(messages, { tools: false, images: false }))
          expect(kinds(content)).toEqual(new Set(['text']));
      }),
    );
  });
});
