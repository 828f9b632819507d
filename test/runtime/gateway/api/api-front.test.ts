import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { IncomingHttpHeaders, IncomingMessage, request as httpRequest, RequestListener, Server } from 'node:http';
import { connect } from 'node:net';
import { Pool } from 'undici';
import { RouteGroup } from '../../../../runtime/contract';
import { drain } from '../../../../runtime/gateway/http-listener';
import { apiFront, AUTH, PASSWORD } from './api-front-parts';
import { bodyOf, close, listening, rawExchange, recordingLog, until, upstream } from '../support';

interface Seen {
  readonly method?: string;
  readonly url?: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

async function start({
  letta,
  openRoutes = [],
  idleTimeoutSeconds = 30,
}: { letta?: RequestListener; openRoutes?: RouteGroup[]; idleTimeoutSeconds?: number } = {}) {
  const seen: Seen[] = [];
  const behind = await upstream(async (request, response) => {
    if (letta) return letta(request, response);
    // A body that the gateway breaks off is not one that Letta has seen.
    const body = await bodyOf(request).catch(() => undefined);
    if (body === undefined) return;
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('x-of-letta', '1');
    response.end('{"ok":true}');
  });
  const log = recordingLog();
  const pool = new Pool(behind.origin, {
    headersTimeout: idleTimeoutSeconds * 1000,
    bodyTimeout: idleTimeoutSeconds * 1000,
  });
  const front = await listening(
    await apiFront({ letta: pool, openRoutes: new Set(openRoutes), idleTimeoutSeconds, log }),
  );
  toStop.push(
    () => close(front.server),
    () => pool.destroy(),
    () => close(behind.server),
  );
  return { ...front, seen, log, behind };
}

test('health passes without password, everything else needs it', async () => {
  const { origin, seen } = await start();
  expect((await fetch(`${origin}/v1/health/`)).status).toBe(200);
  for (const path of [
    '/v1/agents/',
    '/latest/ready/',
    '/latest/health/',
    '/v1/health/x',
    '/nothing',
    '/v1/tools/run',
  ]) {
    const response = await fetch(origin + path);
    expect([path, response.status, await response.json()]).toEqual([
      path,
      401,
      { detail: expect.stringMatching(/^Unauthorized: got no password, wanted /) },
    ]);
  }
  expect((await fetch(`${origin}/v1/health/`, { method: 'POST' })).status).toBe(401);
  expect(seen.map(({ url }) => url)).toEqual(['/v1/health/']);
});

test.each([
  ['Bearer', { authorization: `Bearer ${PASSWORD}` }, 200],
  ['bearer in small letters', { authorization: `bearer ${PASSWORD}` }, 200],
  ['X-BARE-PASSWORD', { 'x-bare-password': `password ${PASSWORD}` }, 200],
  ['wrong password', { authorization: `Bearer ${PASSWORD}x` }, 401],
  ['empty password', { authorization: 'Bearer ' }, 401],
  ['Basic', { authorization: `Basic ${PASSWORD}` }, 401],
  ['bare password without its word', { 'x-bare-password': PASSWORD }, 401],
])('password by %s', async (_how, headers, status) => {
  const { origin } = await start();
  expect((await fetch(`${origin}/v1/agents/`, { headers: headers as Record<string, string> })).status).toBe(status);
});

test('neither password header nor any other header off the list reaches Letta', async () => {
  const { origin, seen } = await start();
  await fetch(`${origin}/v1/agents/?limit=2`, {
    headers: {
      ...AUTH,
      'x-bare-password': `password ${PASSWORD}`,
      user_id: 'user-00000000-0000-4000-8000-000000000000',
      'user-id': 'user-1',
      'x-experimental-modal-sandbox': 'true',
      'x-billing-plan-type': 'free',
      cookie: 'a=b',
      'x-request-id': 'mine-1',
      accept: 'application/json',
    },
  });
  expect(seen[0].url).toBe('/v1/agents/?limit=2');
  const { headers } = seen[0];
  expect(Object.keys(headers).sort()).toEqual(['accept', 'connection', 'host', 'user-agent', 'x-api-request-log-id']);
  expect(headers).toMatchObject({ accept: 'application/json', 'x-api-request-log-id': 'mine-1' });
});

test.each([
  ['https', 'https'],
  ['http', 'http'],
  ['https://elsewhere.example/?', undefined],
  ['javascript', undefined],
])('the scheme %s that a load balancer saw reaches Letta only as a scheme', async (given, forwarded) => {
  const { origin, seen } = await start();
  await fetch(`${origin}/v1/agents/`, { headers: { ...AUTH, 'x-forwarded-proto': given } });
  expect(seen[0].headers['x-forwarded-proto']).toBe(forwarded);
});

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

test('a body over the limit is refused with 413, announced or not', async () => {
  const { port, origin } = await start();
  const announced = await rawExchange(
    port,
    `POST /v1/blocks/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\nContent-Length: 99999999\r\n\r\n`,
  );
  expect(announced).toMatch(/^HTTP\/1.1 413 /);
  expect(announced).toContain('"the body is too large: got 99999999 bytes, wanted at most 67108864 bytes');
  const chunk = Buffer.alloc(8 * 1024 * 1024);
  let left = 10;
  const stream = new ReadableStream(
    { pull: (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close()) },
    { highWaterMark: 0 },
  );
  const init = { method: 'POST', headers: AUTH, body: stream, duplex: 'half' } as RequestInit;
  const response = await fetch(`${origin}/v1/blocks/`, init);
  expect([response.status, await response.json()]).toEqual([
    413,
    { detail: expect.stringContaining('got more, in chunks') },
  ]);
});

test('a closed route is answered with the prop that opens it, and Letta never hears of it', async () => {
  const { origin, seen, log } = await start();
  const response = await fetch(`${origin}/v1/tools/run?secret=1`, {
    method: 'POST',
    headers: AUTH,
    body: '{"source_code":"import os"}',
  });
  expect(response.status).toBe(403);
  expect(await response.json()).toEqual({ detail: expect.stringContaining('`unsafeToolsInLettaContainer`') });
  expect(seen).toEqual([]);
  await until(() => log.lines.length > 0, 'an access log line');
  expect(log.lines[0]).toMatchObject({
    event: 'request',
    fields: { method: 'POST', path: '/v1/tools/run', route: '/tools/run', status: 403 },
  });
});

test('the same route is forwarded once its prop opens it', async () => {
  const { origin, seen } = await start({ openRoutes: [RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER] });
  expect((await fetch(`${origin}/v1/tools/run`, { method: 'POST', headers: AUTH, body: '{}' })).status).toBe(200);
  expect(seen.map(({ url, method }) => [method, url])).toEqual([['POST', '/v1/tools/run']]);
});

test.each([
  'http://127.0.0.1/v1/tools/run',
  '//v1/tools/run',
  '/v1//tools/run',
  '/v1/tools//run',
  '/v1/agents/../tools/run',
  '/v1/agents/%2e%2e/tools/run',
  '/v1/./tools/run',
  '/v1/tools%2frun',
  '/v1/tools%252frun',
  '/v1/tools/%72un',
  '/v1/tools/run;x',
  '/v1/tools;/run',
  '/v1/tools\\run',
  '/v1/tools/run%00',
  '/v1/tools/run#',
  '/V1/tools/run',
  '/v1/TOOLS/run',
  '/v1/tools/run/',
  '/latest/tools/run',
  '/v1/tools/run?x=/v1/health/',
  '/v1/health/../tools/run',
  '/v1/tools/run//',
  '/v1/messages/',
  '/v1/messages?x',
  '/v1/admin/users/',
  '/openapi.json',
  '*',
])('path trick %s never reaches Letta', async (target) => {
  const { port, seen } = await start();
  for (const method of ['POST', 'GET']) {
    const answer = await rawExchange(
      port,
      `${method} ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\nX-Original-URL: /v1/health/\r\nConnection: close\r\n\r\n`,
    );
    // `GET /v1/tools/{tool_id}` is an open route, with whatever id.
    if (seen.length > 0)
      expect([method, seen[0].url]).toEqual(['GET', expect.stringMatching(/^\/(v1|latest)\/tools\/run(\/|\?.*)?$/)]);
    else expect(answer).toMatch(/^HTTP\/1.1 40[034] /);
    seen.length = 0;
  }
});

test.each([
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 30\r\n'],
  ['length and chunked', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'],
  ['unknown transfer coding', 'Transfer-Encoding: xchunked\r\n'],
  ['a chunked that is not last', 'Transfer-Encoding: chunked, identity\r\n'],
  ['a folded length', 'Content-Length:\r\n 4\r\n'],
])('a request with %s does not smuggle another one', async (_what, headers) => {
  const { port, seen } = await start();
  const hidden = 'POST /v1/tools/run HTTP/1.1\r\nHost: x\r\n\r\n';
  await rawExchange(
    port,
    `POST /v1/blocks/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\nConnection: close\r\n${headers}\r\n0\r\n\r\n${hidden}`,
  );
  expect(seen.filter(({ url }) => url !== '/v1/blocks/')).toEqual([]);
});

test('a stream passes event by event, as Letta sends it', async () => {
  const events = ['data: {"a":1}\n\n', ': ping\n\n', 'data: \u00e9\u{1f600}\n\n', 'data: [DONE]\n\n'];
  let release: () => void = () => undefined;
  const { origin } = await start({
    letta: async (_request, response) => {
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
    letta: (_request, response) => {
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
    letta: (_request, response) => {
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
  await new Promise((resolve) => setTimeout(resolve, 500));
  const settled = sent;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sent).toBe(settled);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  response.destroy();
});

test('an answer that breaks off is cut for the client too: it never looks whole', async () => {
  const { origin, log } = await start({
    letta: (_request, response) => {
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
  const { origin } = await start({ letta: () => undefined, idleTimeoutSeconds: 1 });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  expect(response.status).toBe(504);
  expect(await response.json()).toEqual({ detail: expect.stringContaining('`idleTimeout`') });
});

test('a Letta that hangs up without an answer: 502', async () => {
  const { origin } = await start({ letta: (request) => request.socket.destroy() });
  expect((await fetch(`${origin}/v1/agents/`, { headers: AUTH })).status).toBe(502);
});

test('redirects and errors of Letta pass unchanged', async () => {
  const { origin } = await start({
    letta: (_request, response) => {
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

describe('browsers', () => {
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };

  test('a preflight of a configured origin is answered without password and without Letta', async () => {
    const { origin, seen } = await start();
    const response = await fetch(`${origin}/v1/agents/`, {
      method: 'OPTIONS',
      headers: { origin: 'https://ade.example.com', ...preflight },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://ade.example.com');
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    expect(seen).toEqual([]);
  });

  test('a preflight of any other origin is refused', async () => {
    const { origin } = await start();
    const response = await fetch(`${origin}/v1/agents/`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.letta.com', ...preflight },
    });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('answers carry the configured origin only, never the one that Letta would set', async () => {
    const { origin } = await start();
    const get = (from: string) => fetch(`${origin}/v1/agents/`, { headers: { ...AUTH, origin: from } });
    expect((await get('https://ade.example.com')).headers.get('access-control-expose-headers')).toBe(
      'x-request-id, retry-after',
    );
    expect((await get('https://ade.example.com')).headers.get('access-control-allow-origin')).toBe(
      'https://ade.example.com',
    );
    expect((await get('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('no log line holds a password, a query string or a body', async () => {
  const { origin, log } = await start();
  await fetch(`${origin}/v1/agents/?query=private`, { method: 'POST', headers: AUTH, body: 'private text' });
  await fetch(`${origin}/v1/agents/?query=private`, { headers: { authorization: 'Bearer wrong-private' } });
  await until(() => log.lines.length === 2, 'two log lines');
  expect(JSON.stringify(log.lines)).not.toMatch(/private|battery/);
});

test('on a stop, what is in flight finishes and nothing new comes in', async () => {
  let finish: () => void = () => undefined;
  const { origin, server } = await start({
    letta: (_request, response) => {
      response.write('first ');
      finish = () => response.end('last');
    },
  });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  const stopped = drain(server as Server, 5_000);
  await expect(fetch(`${origin}/v1/agents/`, { headers: AUTH })).rejects.toThrow();
  finish();
  expect(await response.text()).toBe('first last');
  await stopped;
});

test('on a stop, what does not finish in time is cut', async () => {
  const { origin, server } = await start({ letta: (_request, response) => void response.write('first ') });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  await drain(server as Server, 200);
  await expect(response.text()).rejects.toThrow();
});

test('on a stop, a connection that never sent a request holds nothing up, and one that was sending is heard', async () => {
  const { origin, server } = await start({ letta: (_request, response) => void response.end('heard') });
  const { port } = new URL(origin);
  let accepted = 0;
  (server as Server).on('connection', () => accepted++);
  const silent = connect(Number(port), '127.0.0.1');
  const late = connect(Number(port), '127.0.0.1');
  await until(() => accepted === 2, 'two connections');
  const began = performance.now();
  const stopped = drain(server as Server, 30_000);
  const gone = once(silent, 'close');
  const answer = once(late, 'data');
  late.write(
    `GET /v1/agents/ HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTH.authorization}\r\nConnection: close\r\n\r\n`,
  );
  expect(String((await answer)[0])).toMatch(/^HTTP\/1.1 200/);
  await Promise.all([gone, stopped]);
  expect(performance.now() - began).toBeLessThan(15_000);
});
