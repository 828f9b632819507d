import { randomBytes } from 'node:crypto';
import { IncomingMessage, request as httpRequest } from 'node:http';
import { apiFronts, AUTH } from './api-front-parts';
import { close, until } from '../support';

const start = apiFronts();

test('bodies arrive whole, with a length and chunked', async () => {
  const { origin, seen } = await start();
  const body = randomBytes(3_000_000);
  const init = { method: 'POST', headers: { ...AUTH, 'content-type': 'application/octet-stream' } };
  await fetch(`${origin}/v1/folders/source-1/upload`, { ...init, body });
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < body.length; at += 65_536) controller.enqueue(body.subarray(at, at + 65_536));
      controller.close();
    },
  });
  await fetch(`${origin}/v1/folders/source-1/upload`, { ...init, body: stream, duplex: 'half' } as RequestInit);
  expect(seen.map((request) => request.body.equals(body))).toEqual([true, true]);
});

test('a stream passes event by event, as Letta sends it', async () => {
  const events = ['data: {"a":1}\n\n', ': ping\n\n', 'data: \u00e9\u{1f600}\n\n', 'data: [DONE]\n\n'];
  let release: () => void = () => undefined;
  const { origin } = await start({
    answer: async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) {
        response.write(event);
        await new Promise<void>((resolve) => (release = resolve));
      }
      response.end();
    },
  });
  const response = await fetch(`${origin}/v1/agents/a/messages/stream`, { method: 'POST', headers: AUTH, body: '{}' });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const got: string[] = [];
  for await (const chunk of response.body!) {
    got.push(Buffer.from(chunk).toString());
    release();
  }
  expect(got).toEqual(events);
});

test('a client that goes away ends the call to Letta', async () => {
  let closed = false;
  let started = false;
  const { port, log } = await start({
    answer: (_request, response) => {
      response.on('close', () => (closed = true));
      response.write('data: 1\n\n');
      started = true;
    },
  });
  const client = httpRequest({
    port,
    host: '127.0.0.1',
    path: '/v1/agents/a/messages/stream',
    method: 'POST',
    headers: AUTH,
  });
  client.on('error', () => undefined);
  client.end('{}');
  await until(() => started, 'the stream started');
  client.destroy();
  await until(() => closed, 'Letta saw the end of its connection');
  await until(() => log.lines.some(({ fields }) => fields.complete === false), 'logged as incomplete');
});

test('a client that does not read stops Letta from sending, instead of filling memory', async () => {
  let sent = 0;
  const { port } = await start({
    answer: (_request, response) => {
      const chunk = Buffer.alloc(256 * 1024);
      const pump = () => {
        while (!response.destroyed && sent < 512 * 1024 * 1024) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', pump);
        }
      };
      pump();
    },
  });
  const response = await new Promise<IncomingMessage>((resolve) =>
    httpRequest({ port, host: '127.0.0.1', path: '/v1/agents/', headers: AUTH }, resolve).end(),
  );
  // All that the sockets take in between; unpaused, it would go on to the 512 MiB.
  for (let before = -1; sent !== before; await new Promise((resolve) => setTimeout(resolve, 500))) before = sent;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  response.destroy();
});

test('an answer that breaks off is cut for the client too: it never looks whole', async () => {
  const { origin, log } = await start({
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: half');
      setTimeout(() => response.socket?.destroy(), 30);
    },
  });
  const response = await fetch(`${origin}/v1/agents/a/messages/stream`, { method: 'POST', headers: AUTH, body: '{}' });
  await expect(response.text()).rejects.toThrow();
  await until(() => log.lines.some(({ fields }) => fields.failure !== undefined), 'the failure in the log');
});

test('while Letta is down: 503 with Retry-After, health too', async () => {
  const { origin, behind } = await start();
  await close(behind.server);
  for (const path of ['/v1/health/', '/v1/agents/']) {
    const response = await fetch(origin + path, { headers: AUTH });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toEqual({ detail: expect.stringContaining('not answering') });
  }
});

test('a Letta that stays silent for longer than the idle time-out: 504 naming the prop', async () => {
  const { origin } = await start({ answer: () => undefined, idleTimeoutSeconds: 1 });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  expect(response.status).toBe(504);
  expect(await response.json()).toEqual({ detail: expect.stringContaining('`idleTimeout`') });
});

test('a Letta that hangs up without an answer: 502', async () => {
  const { origin } = await start({ answer: (request) => request.socket.destroy() });
  expect((await fetch(`${origin}/v1/agents/`, { headers: AUTH })).status).toBe(502);
});

test('redirects and errors of Letta pass unchanged', async () => {
  const { origin } = await start({
    answer: (_request, response) => {
      response.writeHead(307, { location: 'http://x/v1/agents/', 'x-of-letta': 'yes' });
      response.end();
    },
  });
  const response = await fetch(`${origin}/v1/agents`, { headers: AUTH, redirect: 'manual' });
  expect([response.status, response.headers.get('location'), response.headers.get('x-of-letta')]).toEqual([
    307,
    'http://x/v1/agents/',
    'yes',
  ]);
});
