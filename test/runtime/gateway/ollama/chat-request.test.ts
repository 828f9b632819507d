import fc from 'fast-check';
import { ChatModel } from '../../../../runtime/contract';
import { toChatRequest } from '../../../../runtime/gateway/ollama/chat-request';
import { OpenAIError } from '../../../../runtime/gateway/ollama/openai-error';

const nova: ChatModel = {
  id: 'us.amazon.nova-pro-v1:0',
  format: 'converse',
  contextLength: 300_000,
  maxOutputTokens: 10_000,
  features: ['images', 'streamedTools', 'anyTool', 'namedTool'],
};
const mistral: ChatModel = { ...nova, id: 'mistral.mistral-large-2407-v1:0', features: ['anyTool'] };
const llama: ChatModel = { ...nova, id: 'us.meta.llama4-scout-17b-instruct-v1:0', features: [] };
const hello = { model: nova.id, messages: [{ role: 'user', content: 'Hi.' }] };
const messages = [{ role: 'user', content: [{ text: 'Hi.' }] }];
const look = { type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } };
const note = { type: 'function', function: { name: 'note', parameters: null, description: ' ' } };

const converse = (more: object, model = nova) => toChatRequest({ ...hello, ...more }, model, undefined).converse;
const choice = (tool_choice: unknown, model = nova) => converse({ tools: [look, note], tool_choice }, model).toolConfig;
const named = { type: 'function', function: { name: 'note' } };

test('what the model may write goes to inferenceConfig', () => {
  expect(converse({})).toEqual({ messages });
  expect(converse({ max_tokens: 7, temperature: 0, top_p: 1, stop: 'END' })).toEqual({
    messages,
    inferenceConfig: { maxTokens: 7, temperature: 0, topP: 1, stopSequences: ['END'] },
  });
  expect(converse({ max_tokens: 7, max_completion_tokens: 9, stop: ['A', 'B'], top_p: null }).inferenceConfig).toEqual({
    maxTokens: 9,
    stopSequences: ['A', 'B'],
  });
});

test('a model is asked for no more than it can write: Letta asks each of them for 16,384 tokens', () => {
  expect(converse({ max_completion_tokens: 16_384 }).inferenceConfig).toEqual({ maxTokens: 10_000 });
});

test('tools go with their names, what they are for, and the schema of what they take', () => {
  const parameters = {
    type: 'object',
    properties: { at: { type: 'integer', additionalProperties: false } },
    required: ['at'],
    additionalProperties: false,
    title: 'Look',
  };
  const strict = { ...look, function: { ...look.function, parameters, strict: true } };
  expect(converse({ tools: [strict, note] }).toolConfig).toEqual({
    tools: [
      {
        toolSpec: {
          name: 'look',
          description: 'Looks.',
          // Nova takes nothing else at the top of a schema.
          inputSchema: { json: { type: 'object', properties: parameters.properties, required: ['at'] } },
        },
      },
      { toolSpec: { name: 'note', inputSchema: { json: { type: 'object', properties: {} } } } },
    ],
    toolChoice: { auto: {} },
  });
});

test('a tool that demands nothing has no empty list of what it demands', () => {
  const search = { function: { name: 'search', parameters: { properties: { query: {} }, required: [] } } };
  expect(converse({ tools: [search] }).toolConfig?.tools[0].toolSpec.inputSchema.json).toEqual({
    type: 'object',
    properties: { query: {} },
  });
});

test('a tool choice goes in the words of Converse', () => {
  expect(choice('auto')?.toolChoice).toEqual({ auto: {} });
  expect(choice(null)?.toolChoice).toEqual({ auto: {} });
  expect(choice('required')?.toolChoice).toEqual({ any: {} });
  expect(choice(named)?.toolChoice).toEqual({ tool: { name: 'note' } });
  expect(choice('none')).toBeUndefined();
});

test('to name a tool to a model that can only be made to call any leaves it that one', () => {
  const config = choice(named, mistral);
  expect(config?.toolChoice).toEqual({ any: {} });
  expect(config?.tools.map(({ toolSpec }) => toolSpec.name)).toEqual(['note']);
});

test('a model that cannot be made to call a tool says so', () => {
  for (const forced of ['required', named])
    expect(() => choice(forced, llama)).toThrow(/llama4-scout.*cannot be made to call a tool, so `tool_choice`/);
  expect(choice('auto', llama)?.toolChoice).toEqual({ auto: {} });
});

test('the guardrail is the configured one, streamed or not, whatever the caller says', () => {
  const guardrail = { identifier: 'gr4ab2', version: '3' };
  for (const stream of [true, false]) {
    expect(toChatRequest({ ...hello, stream }, nova, guardrail).converse.guardrailConfig).toEqual({
      guardrailIdentifier: 'gr4ab2',
      guardrailVersion: '3',
    });
  }
  expect(() => toChatRequest({ ...hello, guardrailConfig: {} }, nova, guardrail)).toThrow(/`guardrailConfig`/);
});

test('a stream, its usage, and the prompt that tells whose call it is', () => {
  const request = (more: object) => toChatRequest({ ...hello, ...more }, nova, undefined);
  expect(request({})).toMatchObject({ stream: false, streamUsage: false, system: '' });
  expect(request({ stream: true, stream_options: { include_usage: true } })).toMatchObject({
    stream: true,
    streamUsage: true,
  });
  const [letta, caller] = ["Letta's", "a caller's"].map((content) => ({ role: 'system', content }));
  expect(request({ messages: [letta, ...hello.messages, caller] }).system).toBe("Letta's");
});

test.each([
  'user',
  'metadata',
  'seed',
  'store',
  'service_tier',
  'parallel_tool_calls',
  'reasoning_effort',
  'prompt_cache_key',
])('%s changes nothing', (field) => {
  expect(converse({ [field]: 'x' })).toEqual({ messages });
});

test.each([
  ['n', 1, 2],
  ['logprobs', false, true],
  ['presence_penalty', 0, 0.5],
  ['frequency_penalty', 0, 0.5],
  ['logit_bias', {}, { 50256: -100 }],
  ['response_format', { type: 'text' }, { type: 'json_object' }],
  ['modalities', ['text'], ['text', 'audio']],
])('%s may stand there as long as it asks for nothing', (field, neutral, asking) => {
  expect(converse({ [field]: neutral })).toEqual({ messages });
  expect(converse({ [field]: null })).toEqual({ messages });
  expect(() => converse({ [field]: asking })).toThrow(`\`${field}\` cannot be said to Bedrock's Converse`);
});

test.each<[string, object, string]>([
  ['a field that nobody knows', { wings: 2 }, '`wings`'],
  ["a field of Converse's", { additionalModelRequestFields: {} }, '`additionalModelRequestFields`'],
  ['an own __proto__', JSON.parse('{"__proto__":{"stream":true}}') as object, '`__proto__`'],
  ['a temperature above 1', { temperature: 1.5 }, '`temperature` is 1.5, Bedrock wants 0 to 1'],
  ['no tokens', { max_tokens: 0 }, '`max_tokens` is 0'],
  ['half a token', { max_completion_tokens: 1.5 }, '`max_completion_tokens` is not a whole number'],
  ['a blank stop', { stop: [''] }, '`stop`'],
  ['tools that are no list', { tools: {} }, '`tools` must be a list'],
  ['a tool without a name', { tools: [{}] }, '`tools[0].function.name` is null'],
  ['a tool with a strange name', { tools: [look, { function: { name: 'a b' } }] }, '`tools[1].function.name` is "a b"'],
  ['a choice without tools', { tool_choice: 'required' }, '`tool_choice` asks for a tool'],
  ['a choice of another tool', { tools: [look], tool_choice: named }, '`tool_choice` asks for a tool'],
  [
    'another choice',
    { tools: [look], tool_choice: 'always' },
    '`tool_choice` must be auto, none, required or a function',
  ],
  ['a stream that is no truth', { stream: 'yes' }, '`stream` must be true or false'],
])('%s is refused by its name', (_what, more, words) => {
  const refusal = () => converse(Object.assign(Object.create(null), more));
  expect(refusal).toThrow(words);
});

test('whatever the request is, it becomes one for Converse or a 400', () => {
  const field = fc.constantFrom(
    ...[
      'messages',
      'tools',
      'tool_choice',
      'max_tokens',
      'temperature',
      'top_p',
      'stop',
      'stream',
      'stream_options',
      'n',
    ],
  );
  fc.assert(
    fc.property(fc.dictionary(field, fc.jsonValue()), (body) => {
      try {
        toChatRequest({ ...hello, ...body }, nova, undefined);
      } catch (error) {
        expect(error).toBeInstanceOf(OpenAIError);
        expect(error).toMatchObject({ status: 400 });
      }
    }),
    { numRuns: 2000 },
  );
});
