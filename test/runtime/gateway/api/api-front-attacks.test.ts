import { apiFronts, AUTH, PASSWORD } from './api-front-parts';
import { RouteGroup } from '../../../../runtime/contract';
import { rawExchange, until } from '../support';

const start = apiFronts();

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

test('a tool’s definition is refused above 2 MiB, announced or not: Letta parses it while all others wait', async () => {
  const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.CUSTOM_TOOLS]) });
  const definition = JSON.stringify({ source_code: ' '.repeat(2 * 1024 * 1024) });
  const inChunks = () => new ReadableStream({ start: (c) => (c.enqueue(Buffer.from(definition)), c.close()) });
  for (const path of ['/v1/tools/', '/v1/tools/run']) {
    for (const body of [definition, inChunks()]) {
      const response = await fetch(origin + path, {
        method: 'POST',
        headers: AUTH,
        body,
        duplex: 'half',
      } as RequestInit);
      expect([path, response.status]).toEqual([path, 413]);
      expect(await response.json()).toEqual({
        detail: expect.stringContaining('wanted at most 2097152 bytes') as string,
      });
    }
    const { status } = await fetch(origin + path, {
      method: 'POST',
      headers: AUTH,
      body: definition.slice(0, 2_000_000),
    });
    expect([path, status]).toEqual([path, 200]);
  }
  expect(seen.filter(({ body }) => body.length > 2_000_000)).toEqual([]);
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

test('no log line holds a password, a query string or a body', async () => {
  const { origin, log } = await start();
  await fetch(`${origin}/v1/agents/?query=private`, { method: 'POST', headers: AUTH, body: 'private text' });
  await fetch(`${origin}/v1/agents/?query=private`, { headers: { authorization: 'Bearer wrong-private' } });
  await until(() => log.lines.length === 2, 'two log lines');
  expect(JSON.stringify(log.lines)).not.toMatch(/private|battery/);
});
