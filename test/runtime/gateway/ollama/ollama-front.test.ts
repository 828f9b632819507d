import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { beginning } from '../bedrock/bedrock-answers';
import { chatFront, ChatFrontOptions, llama, nova } from './chat-front';
import { rawExchange } from '../support';

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

async function start(options?: ChatFrontOptions) {
  const front = await chatFront((response) => response.end('{}'), options);
  toStop.push(front.stop);
  const tags = async () => {
    const answer = await fetch(`${front.origin}/api/tags`);
    return { status: answer.status, json: await answer.json() };
  };
  return { ...front, tags };
}

test('lists the embedding models and those chat models that the account has', async () => {
  const { tags } = await start();
  expect((await tags()).json).toEqual({
    models: ['amazon.titan-embed-text-v2:0', nova.id].map((id) => ({ name: id, model: id })),
  });
});

test('a list that AWS does not give is an error: Letta would otherwise forget the models it knew', async () => {
  const { tags } = await start({ offered: () => Promise.reject(new Error('AccessDeniedException')) });
  expect(await tags()).toMatchObject({ status: 503, json: { error: { type: 'server_error' } } });
});

test('describes a chat model by what Letta asks for: tools, and the size of its context', async () => {
  const { post } = await start();
  const show = async (name: string) => (await post('/api/show', { name })).json();
  expect(await show(nova.id)).toEqual({
    capabilities: ['completion', 'tools', 'vision'],
    model_info: { 'general.architecture': 'bedrock', 'bedrock.context_length': 300_000 },
  });
  expect(await show(`${llama.id}:latest`)).toMatchObject({ capabilities: ['completion', 'tools'] });
  expect(await show('us.anthropic.claude-sonnet-4-6')).toMatchObject({ error: { code: 'model_not_found' } });
});

test.each([
  ['GET', '/'],
  // A URL that Letta is made to fetch, such as an image's, comes as these.
  ['GET', '/v1/chat/completions'],
  ['GET', '/v1/embeddings'],
  ['GET', '/api/show'],
  ['POST', '/api/tags'],
  ['POST', '/api/chat'],
  ['POST', '/v1/completions'],
  ['POST', '/v1/chat/completions/'],
  ['POST', '//v1/chat/completions'],
])('%s %s is not served', async (method, path) => {
  const { origin, seen } = await start();
  expect((await fetch(origin + path, { method })).status).toBe(404);
  expect(seen).toEqual([]);
});

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['two lengths', 'POST /api/show HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  ['no Host', 'GET /api/tags HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['headers without end', `GET /api/tags HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
])('%s is refused in the shape of OpenAI', async (_what, bytes, status) => {
  const { port } = await start();
  const [head, body] = (await rawExchange(port, bytes)).split('\r\n\r\n');
  expect(head).toContain(`HTTP/1.1 ${status}`);
  expect(JSON.parse(body)).toMatchObject({ error: { type: 'invalid_request_error' } });
});

test('nonsense behind a request does not get an error written into the stream that answers it', async () => {
  const front = await chatFront((response) => {
    for (const message of beginning) response.write(message);
  });
  toStop.push(front.stop);
  const body = JSON.stringify({ model: nova.id, stream: true, messages: [{ role: 'user', content: 'Hi.' }] });
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const socket = connect({ port: front.port, host: '127.0.0.1' }, () => socket.write(request));
  let answer = '';
  socket.on('data', (piece) => {
    if (answer === '') socket.write('nonsense\r\n\r\n');
    answer += piece.toString();
  });
  await once(socket, 'close');
  expect(answer).toContain('lo.');
  expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
});

test('more calls at once than it holds are told to come again', async () => {
  const waiting: (() => void)[] = [];
  const front = await chatFront((response) => waiting.push(() => response.end('{}')));
  toStop.push(front.stop);
  const calls = Array.from({ length: 260 }, () => front.chat());
  const first = await Promise.race(calls);
  expect([first.status, first.headers.get('retry-after')]).toEqual([429, '1']);
  let refused = 0;
  for (const call of calls) void call.then(({ status }) => (refused += status === 429 ? 1 : 0));
  // Whoever is answered before the last has come would make room for it.
  while (waiting.length + refused < 260) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([waiting.length, refused]).toEqual([256, 4]);
  for (const answer of waiting) answer();
  await Promise.all(calls);
  // And has room again afterwards.
  const next = front.chat();
  while (waiting.length < 257) await new Promise((resolve) => setTimeout(resolve, 5));
  waiting[256]();
  expect((await next).status).toBe(502);
}, 30_000);

test('whatever is posted, it is answered in the shape of OpenAI and never by a crash', async () => {
  const { post, seen } = await start();
  const path = fc.constantFrom('/api/show', '/v1/embeddings', '/v1/chat/completions');
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.record({ model: fc.constant(nova.id), messages: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(path, body, async (to, text) => {
      const before = seen.length;
      const answer = await post(to, text);
      const { error } = (await answer.json()) as { error?: { message: string } };
      // A call that was made, or a model that was described.
      if (seen.length > before || answer.status === 200) return;
      expect([400, 404]).toContain(answer.status);
      expect(typeof error?.message).toBe('string');
    }),
    { numRuns: 200 },
  );
}, 60_000);
