import { validateConverse } from './fake-aws/converse-validation';

const nova = 'us.amazon.nova-pro-v1:0';
const llama = 'us.meta.llama4-scout-17b-instruct-v1:0';
const user = (...content: object[]) => ({ role: 'user', content });
const assistant = (...content: object[]) => ({ role: 'assistant', content });
const toolUse = { toolUse: { toolUseId: 'a', name: 'look', input: {} } };
const toolResult = { toolResult: { toolUseId: 'a', content: [{ text: 'a cat' }] } };
const tool = (json: object = { type: 'object' }) => ({ toolSpec: { name: 'look', inputSchema: { json } } });
const toolConfig = { tools: [tool()] };
const hi = user({ text: 'Hi.' });
const messages = [hi];

describe('the fake Converse', () => {
  test('takes what AWS takes', () => {
    const conversation = [hi, assistant({ text: 'Wait.' }, toolUse), user(toolResult), assistant({ text: 'x' }), hi];
    const inferenceConfig = { maxTokens: 10_000, temperature: 1, topP: 0, stopSequences: ['END'] };
    expect(() =>
      validateConverse(nova, { messages: conversation, system: [{ text: 'S' }], inferenceConfig, toolConfig }, true),
    ).not.toThrow();
  });

  test.each<[string, object, RegExp, string?, boolean?]>([
    ['a field it does not know', { messages, model: nova }, /extraneous key \[model\]/],
    ['no messages', {}, /\[messages\] not found/],
    ['an assistant first', { messages: [assistant({ text: 'x' }), hi] }, /must start with a user message/],
    ['one role twice', { messages: [hi, hi] }, /roles must alternate/],
    ['an assistant last', { messages: [hi, assistant({ text: 'x' })] }, /must end with a user message/],
    ['a blank text', { messages: [user({ text: ' ' })] }, /is blank/],
    ['an empty turn', { messages: [user()] }, /is empty/],
    [
      'a call without tools',
      { messages: [hi, assistant(toolUse), user(toolResult)] },
      /toolConfig field must be defined/,
    ],
    ['a call without result', { messages: [hi, assistant(toolUse), hi], toolConfig }, /Expected toolResult blocks/],
    ['a result without call', { messages: [user(toolResult)], toolConfig }, /Expected toolResult blocks/],
    [
      'text beside a result',
      { messages: [hi, assistant(toolUse), user(toolResult, { text: 'x' })], toolConfig },
      /same turn/,
    ],
    ['too many tokens', { messages, inferenceConfig: { maxTokens: 16_384 } }, /exceeds the model limit of 10000/],
    ['a temperature of 2', { messages, inferenceConfig: { temperature: 2 } }, /temperature/],
    [
      'another key in a schema',
      { messages, toolConfig: { tools: [tool({ type: 'object', title: 'x' })] } },
      /\[title\]/,
    ],
    ['half a guardrail', { messages, guardrailConfig: { guardrailIdentifier: 'x' } }, /\[guardrailVersion\] not found/],
    ['a forced tool', { messages, toolConfig: { ...toolConfig, toolChoice: { any: {} } } }, /toolChoice\.any/, llama],
    ['tools in a stream', { messages, toolConfig }, /tool use in streaming mode/, llama, true],
  ])('refuses %s', (_what, body, words, model = nova, stream = false) => {
    expect(() => validateConverse(model, body as Record<string, unknown>, stream)).toThrow(words);
  });
});
