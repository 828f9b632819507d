import { chunksOf, CompletionChunks } from '../../../../runtime/gateway/ollama/completion-chunks';
import { answerOf, completion, completionUsage } from '../../../../runtime/gateway/ollama/converse-answer';

const head = { id: 'chatcmpl-1', created: 1, model: 'us.amazon.nova-pro-v1:0' };
const usage = {
  inputTokens: 10,
  outputTokens: 5,
  totalTokens: 115,
  cacheReadInputTokens: 70,
  cacheWriteInputTokens: 30,
};
const converse = (content: object[], stopReason: string, more: object = {}) => ({
  output: { message: { role: 'assistant', content } },
  stopReason,
  usage,
  ...more,
});
const toolUse = { toolUse: { toolUseId: 'tooluse_1', name: 'look', input: { at: 1 } } };
const toolCall = { id: 'tooluse_1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } };

test('a text becomes a completion with its tokens', () => {
  const answer = answerOf(converse([{ text: 'Hello' }, { text: ', you.' }], 'end_turn'));
  expect(completion(head, answer)).toEqual({
    ...head,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Hello, you.' }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: 110,
      completion_tokens: 5,
      total_tokens: 115,
      prompt_tokens_details: { cached_tokens: 70 },
    },
  });
});

test('tool calls and thoughts stand beside the text', () => {
  const thought = { reasoningContent: { reasoningText: { text: 'Hm.', signature: 's' } } };
  const { choices } = completion(head, answerOf(converse([thought, { text: 'Wait.' }, toolUse], 'tool_use')));
  expect(choices[0]).toMatchObject({
    message: { content: 'Wait.', reasoning_content: 'Hm.', tool_calls: [toolCall] },
    finish_reason: 'tool_calls',
  });
  expect(completion(head, answerOf(converse([toolUse], 'tool_use'))).choices[0].message.content).toBeNull();
});

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['guardrail_intervened', 'content_filter'],
  ['content_filtered', 'content_filter'],
])('%s is %s', (stopReason, finishReason) => {
  expect(answerOf(converse([{ text: 'x' }], stopReason)).finishReason).toBe(finishReason);
});

test('a model that ends its turn with a tool call and does not say so is understood', () => {
  expect(answerOf(converse([toolUse], 'end_turn')).finishReason).toBe('tool_calls');
  expect(answerOf(converse([toolUse], 'max_tokens')).finishReason).toBe('length');
});

test.each([
  ['a reason that is none of a whole answer', converse([{ text: 'x' }], 'malformed_tool_use'), /"malformed_tool_use"/],
  ['no reason', { ...converse([{ text: 'x' }], ''), stopReason: undefined }, /stopped with null/],
  ['no message', { output: {} }, /no message/],
  ['no object', 'x', /no message/],
  ['a tool call without a name', converse([{ toolUse: { toolUseId: 'x' } }], 'tool_use'), /without id or name/],
])('%s is an error, never an answer', (_what, answer, words) => {
  expect(() => answerOf(answer)).toThrow(words);
});

test('an answer without a count of tokens is still an answer', () => {
  const answer = answerOf(converse([{ text: 'x' }], 'end_turn', { usage: undefined }));
  expect(answer.usage).toBeUndefined();
  expect(completionUsage(answer.usage)).toMatchObject({ prompt_tokens: 0, total_tokens: 0 });
});

interface Chunk {
  choices: {
    delta: { content?: string; tool_calls?: object[]; [name: string]: unknown };
    finish_reason: string | null;
  }[];
  usage?: object;
}

describe('a stream', () => {
  const events: [string, object][] = [
    ['messageStart', { role: 'assistant' }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Hm.' } } }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 's' } } }],
    ['contentBlockStop', { contentBlockIndex: 0 }],
    ['contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'Wait.' } }],
    ['contentBlockStop', { contentBlockIndex: 1 }],
    ['contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { toolUseId: 'a', name: 'look' } } }],
    ['contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{"at"' } } }],
    ['contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: ':1}' } } }],
    ['contentBlockStop', { contentBlockIndex: 2 }],
    ['contentBlockStart', { contentBlockIndex: 3, start: { toolUse: { toolUseId: 'b', name: 'wait' } } }],
    ['contentBlockStop', { contentBlockIndex: 3 }],
    ['messageStop', { stopReason: 'tool_use' }],
    ['metadata', { usage, metrics: { latencyMs: 1 } }],
    ['somethingNew', {}],
  ];
  const play = (chunks: CompletionChunks) =>
    events.flatMap(([type, payload]) => chunks.next({ type, payload: payload as Record<string, unknown> })) as Chunk[];

  test('is told in pieces, tool calls by their own numbers', () => {
    const chunks = play(new CompletionChunks(head));
    expect(chunks.map(({ choices }) => choices[0].delta)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Hm.' },
      { content: 'Wait.' },
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"at"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
      { tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'wait', arguments: '' } }] },
      // A call without arguments: an empty text would be no JSON.
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ]);
    expect(chunks.map(({ choices }) => choices[0].finish_reason).filter((reason) => reason)).toEqual(['tool_calls']);
  });

  test('is complete once the message stopped, and then knows its tokens', () => {
    const chunks = new CompletionChunks(head);
    chunks.next({ type: 'messageStart', payload: {} });
    expect([chunks.complete, chunks.usage]).toEqual([false, undefined]);
    play(chunks);
    expect(chunks.complete).toBe(true);
    expect(chunks.usageChunk()).toMatchObject({ choices: [], usage: { prompt_tokens: 110, completion_tokens: 5 } });
  });

  test('that gives input to a tool it did not call is an error', () => {
    const delta = { contentBlockIndex: 0, delta: { toolUse: { input: '{}' } } };
    expect(() => new CompletionChunks(head).next({ type: 'contentBlockDelta', payload: delta })).toThrow(
      /before the call/,
    );
  });
});

test('a whole answer can be told as a stream', () => {
  const answer = answerOf(converse([{ text: 'Wait.' }, toolUse], 'tool_use'));
  const chunks = chunksOf(head, answer, true) as Chunk[];
  expect(chunks.map(({ choices }) => choices.map(({ delta, finish_reason }) => [delta, finish_reason]))).toEqual([
    [[{ role: 'assistant', content: 'Wait.', tool_calls: [{ index: 0, ...toolCall }] }, null]],
    [[{}, 'tool_calls']],
    [],
  ]);
  expect(chunks[2].usage).toMatchObject({ total_tokens: 115 });
  expect(chunksOf(head, answer, false)).toHaveLength(2);
});
