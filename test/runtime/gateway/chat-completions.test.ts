import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { BedrockAnswer, chatFront, ChatFrontOptions, keys, llama, nova } from './chat-front';
import { converseEvent, exceptionMessage } from './event-stream';
import { isSignedBy } from './signature-by-the-book';
import { rawExchange, until } from './support';

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

const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
const said = (text: string) => ({
  output: { message: { role: 'assistant', content: [{ text }] } },
  stopReason: 'end_turn',
  usage,
});
const answers: BedrockAnswer = (response) =>
  response
    .writeHead(200, { 'content-type': 'application/json', 'x-amzn-requestid': 'r-1' })
    .end(JSON.stringify(said('Hello.')));
const fails =
  (status: number, code: string, message: string, headers: Record<string, string> = {}): BedrockAnswer =>
  (response) =>
    response
      .writeHead(status, { 'x-amzn-errortype': `${code}:http://internal.amazon.com/`, ...headers })
      .end(JSON.stringify({ message }));
const delta = (text: string) => converseEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } });
const beginning = [converseEvent('messageStart', { role: 'assistant' }), delta('Hel'), delta('lo.')];
const ending = [converseEvent('messageStop', { stopReason: 'end_turn' }), converseEvent('metadata', { usage })];
const streams =
  (...messages: Buffer[]): BedrockAnswer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.end(Buffer.concat(messages));
  };

/** Events of an SSE answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const eventsOf = (text: string): any[] =>
  text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      expect(event).toMatch(/^data: /);
      return event === 'data: [DONE]' ? 'DONE' : JSON.parse(event.slice(6));
    });

test('a request goes to Converse, signed, and its answer comes back in the shape of OpenAI', async () => {
  const { chat, seen } = await start(answers);
  const answer = await chat({ max_completion_tokens: 16_384 });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    id: 'chatcmpl-r-1',
    object: 'chat.completion',
    model: nova.id,
    choices: [{ message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
  expect(seen[0].target).toBe('/model/us.amazon.nova-pro-v1%3A0/converse');
  expect(seen[0].json).toEqual({
    messages: [{ role: 'user', content: [{ text: 'Hi.' }] }],
    inferenceConfig: { maxTokens: 10_000 },
  });
  expect(isSignedBy(seen[0], keys)).toBe(true);
});

test('a stream comes in pieces, and its end says what it cost to a client that asked', async () => {
  const { chat, seen } = await start(streams(...beginning, ...ending));
  const answer = await chat({ stream: true, stream_options: { include_usage: true } });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const events = eventsOf(await answer.text());
  expect(events.map((event) => event.choices?.[0]?.delta.content ?? event.usage?.total_tokens ?? event)).toEqual([
    '',
    'Hel',
    'lo.',
    expect.objectContaining({ choices: [expect.objectContaining({ finish_reason: 'stop' })] }),
    15,
    'DONE',
  ]);
  expect(seen[0].target).toBe('/model/us.amazon.nova-pro-v1%3A0/converse-stream');
  expect(isSignedBy(seen[0], keys)).toBe(true);
  expect(eventsOf(await (await chat({ stream: true })).text()).filter((event) => event.usage)).toEqual([]);
});

test('each piece comes when Bedrock says it, not at the end', async () => {
  let goOn = () => {};
  const { chat } = await start((response) => {
    response.writeHead(200).write(Buffer.concat(beginning));
    goOn = () => response.end(Buffer.concat(ending));
  });
  const reader = (await chat({ stream: true })).body!.getReader();
  let text = '';
  while (!text.includes('lo.')) text += Buffer.from((await reader.read()).value!).toString();
  goOn();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read())
    text += Buffer.from(piece.value).toString();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
});

test('a model that does not stream while it has tools is asked for the whole answer, and streams it as one', async () => {
  const { chat, seen } = await start((response, request) =>
    (request.target.endsWith('/converse') ? answers : streams(...beginning, ...ending))(response, request),
  );
  const tools = [{ type: 'function', function: { name: 'look' } }];
  const events = eventsOf(await (await chat({ model: llama.id, stream: true, tools })).text());
  expect(events.map((event) => event.choices?.[0].delta.content ?? event.choices?.[0].finish_reason ?? event)).toEqual([
    'Hello.',
    'stop',
    'DONE',
  ]);
  await (await chat({ model: llama.id, stream: true })).text();
  await (await chat({ stream: true, tools })).text();
  expect(seen.map(({ target }) => target.split('/').at(-1))).toEqual([
    'converse',
    'converse-stream',
    'converse-stream',
  ]);
});

test('the configured guardrail is in every body, plain and streamed', async () => {
  const guardrail = { identifier: 'gr4ab2', version: '3' };
  const { chat, seen } = await start(answers, { guardrail });
  await (await chat()).text();
  await (await chat({ stream: true })).text().catch(() => undefined);
  expect(seen.map(({ json }) => json.guardrailConfig)).toEqual(
    Array(2).fill({ guardrailIdentifier: 'gr4ab2', guardrailVersion: '3' }),
  );
});

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
  expect((await (await chat()).json()).error.code).toBe('context_length_exceeded');
});

test('an exception before the first event is an answer with its status', async () => {
  const { chat } = await start(streams(exceptionMessage('throttlingException', 'slow down')));
  const answer = await chat({ stream: true });
  expect([answer.status, (await answer.json()).error.code]).toEqual([429, 'throttlingException']);
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
  expect([answer.status, (await answer.json()).error.type]).toEqual([503, 'server_error']);
});

test('an answer that is not what Converse answers with is an error', async () => {
  const { chat } = await start((response) => response.end('{"hello":1}'));
  expect((await chat()).status).toBe(502);
  const { chat: other } = await start((response) => response.end('<html>'));
  expect((await other()).status).toBe(502);
});

test('a client that goes away ends the call, before the answer and in the middle of it', async () => {
  let gone = 0;
  const { chat, records, seen } = await start((response, { json }) => {
    response.once('close', () => gone++);
    if (json.inferenceConfig) response.writeHead(200).write(Buffer.concat(beginning));
  });
  for (const more of [{}, { stream: true, max_tokens: 7 }]) {
    const abort = new AbortController();
    const before = seen.length;
    const answer = chat(more, abort.signal).then((response) => response.text());
    await until(() => seen.length > before, 'the call');
    await new Promise((resolve) => setTimeout(resolve, 50));
    abort.abort();
    await expect(answer).rejects.toThrow();
    await until(() => gone === seen.length, 'the end of the call');
  }
  await until(() => records().length === 2, 'the records');
  // Nobody's fault: it is no failed call.
  for (const record of records()) expect(record).toMatchObject({ complete: false, ModelCallsFailed: 0 });
});

test('a client that reads slowly holds Bedrock up', async () => {
  const piece = delta('x'.repeat(60_000));
  let written = 0;
  const { port } = await start((response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && written < 2_000) {
        written++;
        if (!response.write(piece)) return void response.once('drain', more);
      }
    };
    response.write(beginning[0]);
    more();
  });
  const body = JSON.stringify({ model: nova.id, stream: true, messages: [{ role: 'user', content: 'Hi.' }] });
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => written > 10, 'the beginning of the stream');
  let before = 0;
  do {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  } while (written > before);
  // 120 MB wait to be written; what the sockets' buffers hold is far less.
  expect(written).toBeLessThan(1_000);
  socket.destroy();
}, 30_000);

test('one line tells of each call what it cost and whose it is, and nothing of what was said', async () => {
  const agent = 'agent-01234567-89ab-4cde-8f01-23456789abcd';
  const metadata = `<memory_metadata>\n- AGENT_ID: ${agent}\n- CONVERSATION_ID: default\n</memory_metadata>`;
  const messages = [
    { role: 'system', content: `Be kind.\n\n${metadata}` },
    { role: 'user', content: 'My secret is teal.' },
  ];
  const { chat, records, log } = await start((response, request) =>
    (request.target.endsWith('/converse') ? answers : streams(...beginning, ...ending))(response, request),
  );
  await (await chat({ messages })).text();
  await (await chat({ messages, stream: true })).text();
  await until(() => records().length === 2, 'the records');
  const common = {
    model: nova.id,
    agent,
    status: 200,
    complete: true,
    InputTokens: 10,
    OutputTokens: 5,
    ModelCalls: 1,
  };
  expect(records()).toEqual([
    expect.objectContaining({ ...common, operation: 'converse', requestId: 'r-1' }),
    expect.objectContaining({ ...common, operation: 'converse-stream' }),
  ]);
  expect(JSON.stringify(log.lines)).not.toMatch(/teal|Hello|Be kind/);
});

test('a throttled call is recorded as one', async () => {
  const { chat, records } = await start(fails(429, 'ThrottlingException', 'slow down'));
  await (await chat()).text();
  expect(records()).toEqual([
    expect.objectContaining({ status: 429, ModelCallsThrottled: 1, failure: 'ThrottlingException', complete: false }),
  ]);
});

test.each([
  ['a model of another listener', { model: 'us.anthropic.claude-sonnet-4-6' }, 404, '`models`'],
  ['an embedding model', { model: 'amazon.titan-embed-text-v2:0' }, 404, '`models`'],
  ['a field that Converse does not know', { response_format: { type: 'json_object' } }, 400, '`response_format`'],
  ['no messages', { messages: [] }, 400, '`messages`'],
])('%s never reaches Bedrock', async (_what, more, status, words) => {
  const { chat, seen } = await start(answers);
  const answer = await chat(more);
  expect([answer.status, (await answer.json()).error.message]).toEqual([status, expect.stringContaining(words)]);
  expect(seen).toEqual([]);
});

test('a large conversation goes through whole, a larger one than Bedrock takes is refused', async () => {
  const { chat, seen } = await start(answers);
  const content = 'x'.repeat(20 * 1024 * 1024);
  expect((await chat({ messages: [{ role: 'user', content }] })).status).toBe(200);
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  expect(digest(seen[0].json.messages[0].content[0].text)).toBe(digest(content));
  const refused = await chat({ messages: [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }] }).catch(
    () => undefined,
  );
  // The connection may break while the rest is still being sent.
  expect([413, undefined]).toContain(refused?.status);
  expect(seen).toHaveLength(1);
}, 30_000);
