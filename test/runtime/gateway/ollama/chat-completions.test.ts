import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { answers, beginning, delta, ending, streams } from '../bedrock/bedrock-answers';
import { BedrockAnswer, chatFront, ChatFrontOptions, keys, llama, nova, errorOf } from './chat-front';
import { isSignedBy } from '../bedrock/signature-by-the-book';
import { until } from '../support';

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
  await (await chat({ messages, user: 'user-00000000-0000-4000-8000-000000000000' })).text();
  await (await chat({ messages, user: 'somebody', stream: true })).text();
  await until(() => records().length === 2, 'the records');
  expect(records().map(({ user }) => user)).toEqual(['user-00000000-0000-4000-8000-000000000000', undefined]);
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
    expect.objectContaining({ ...common, operation: 'converse', bedrockRequestId: 'r-1' }),
    expect.objectContaining({ ...common, operation: 'converse-stream' }),
  ]);
  expect(JSON.stringify(log.lines)).not.toMatch(/teal|Hello|Be kind/);
});

test.each([
  ['a model of another listener', { model: 'us.anthropic.claude-sonnet-4-6' }, 404, '`models`'],
  ['an embedding model', { model: 'amazon.titan-embed-text-v2:0' }, 404, '`models`'],
  ['a field that Converse does not know', { response_format: { type: 'json_object' } }, 400, '`response_format`'],
  ['no messages', { messages: [] }, 400, '`messages`'],
])('%s never reaches Bedrock', async (_what, more, status, words) => {
  const { chat, seen } = await start(answers);
  const answer = await chat(more);
  expect([answer.status, (await errorOf(answer)).message]).toEqual([status, expect.stringContaining(words)]);
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
