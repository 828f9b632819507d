import { beginning, delta, ending, fails, streams } from '../bedrock/bedrock-answers';
import { BedrockAnswer, chatFront, ChatFrontOptions, nova, errorOf } from './chat-front';
import { converseEvent, exceptionMessage } from '../bedrock/event-stream';
import { rawExchange, until } from '../support';

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

async function start(answer: BedrockAnswer, options?: ChatFrontOptions) {
  const front = await chatFront(answer, options);
  toStop.push(front.stop);
  return front;
}

test.each([
  [429, 'ThrottlingException', 'rate_limit_error'],
  [400, 'ValidationException', 'invalid_request_error'],
  [403, 'AccessDeniedException', 'permission_error'],
  [408, 'ModelTimeoutException', 'invalid_request_error'],
  [424, 'ModelErrorException', 'invalid_request_error'],
  [503, 'ServiceUnavailableException', 'server_error'],
])('%i %s keeps its status, code and Retry-After, asked for a stream or not', async (status, code, type) => {
  const { chat } = await start(fails(status, code, 'no', { 'retry-after': '7' }));
  for (const stream of [false, true]) {
    const answer = await chat({ stream });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, '7']);
    expect(await answer.json()).toEqual({
      error: { message: `Bedrock answered ${code}: no`, type, param: null, code },
    });
  }
});

test.each([
  'Input is too long for requested model.',
  'The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
  "This model's maximum context length is 131072 tokens. Please reduce the length of the prompt",
  'Prompt contains 40000 tokens, too large for model with 32768 maximum context length',
])('a prompt that is too long gets the code by which Letta shortens it: %s', async (message) => {
  const { chat } = await start(fails(400, 'ValidationException', message));
  expect((await errorOf(await chat())).code).toBe('context_length_exceeded');
});

test('an exception before the first event is an answer with its status', async () => {
  const { chat } = await start(streams(exceptionMessage('throttlingException', 'slow down')));
  const answer = await chat({ stream: true });
  expect([answer.status, (await errorOf(answer)).code]).toEqual([429, 'throttlingException']);
});

describe('a stream that cannot go on', () => {
  const damaged = Buffer.from(delta('x'));
  damaged[damaged.length - 1] ^= 1;
  test.each<[string, BedrockAnswer, string]>([
    [
      'after an exception',
      streams(...beginning, exceptionMessage('modelStreamErrorException', 'oh')),
      'modelStreamErrorException: oh',
    ],
    ['after a damaged event', streams(...beginning, damaged), 'damaged'],
    ['when it ends before the message does', streams(...beginning), 'broke off before its end'],
    ['when it ends in an event', streams(...beginning, ending[0].subarray(0, 20)), 'broke off in the middle'],
    [
      'after an end that is none',
      streams(...beginning, converseEvent('messageStop', { stopReason: 'malformed_tool_use' })),
      'malformed_tool_use',
    ],
    [
      'when its connection breaks',
      (response) => void response.writeHead(200).write(Buffer.concat(beginning), () => response.destroy()),
      'the gateway could not make this call',
    ],
  ])('%s says so in an event and is cut', async (_what, answer, words) => {
    const { port, records } = await start(answer);
    const body = JSON.stringify({ model: nova.id, stream: true, messages: [{ role: 'user', content: 'Hi.' }] });
    const bytes = await rawExchange(
      port,
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(bytes).toContain('"content":"lo."');
    const last = bytes.slice(bytes.lastIndexOf('data: '));
    expect(JSON.parse(last.slice(6, last.indexOf('\n')))).toEqual({
      error: expect.objectContaining({ message: expect.stringContaining(words) }),
    });
    expect(bytes).not.toContain('[DONE]');
    // The chunk of length zero that would end the answer never comes.
    expect(bytes.endsWith('0\r\n\r\n')).toBe(false);
    await until(() => records().length === 1, 'the record of the call');
    expect(records()[0]).toMatchObject({ status: 200, complete: false, ModelCallsFailed: 1 });
  });
});

test('a model that is silent for too long is a 504, and a refused connection a 503', async () => {
  const silent = await start(() => undefined, { patience: 100 });
  expect((await silent.chat()).status).toBe(504);
  const { chat, behind } = await start((response) => response.destroy());
  expect((await chat()).status).toBe(503);
  behind.server.close();
  behind.server.closeAllConnections();
  const answer = await chat({ stream: true });
  expect([answer.status, (await errorOf(answer)).type]).toEqual([503, 'server_error']);
});

test('an answer that is not what Converse answers with is an error', async () => {
  const { chat } = await start((response) => response.end('{"hello":1}'));
  expect((await chat()).status).toBe(502);
  const { chat: other } = await start((response) => response.end('<html>'));
  expect((await other()).status).toBe(502);
});

test('a throttled call is recorded as one', async () => {
  const { chat, records } = await start(fails(429, 'ThrottlingException', 'slow down', { 'x-amzn-requestid': 'r-9' }));
  await (await chat()).text();
  expect(records()).toMatchObject([
    {
      status: 429,
      ModelCallsThrottled: 1,
      failure: 'ThrottlingException',
      complete: false,
      bedrockRequestId: 'r-9',
    },
  ]);
});
