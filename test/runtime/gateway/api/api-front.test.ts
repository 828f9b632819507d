import { RouteGroup } from '../../../../runtime/contract';
import { apiFronts, AUTH, PASSWORD } from './api-front-parts';
import { until } from '../support';

const start = apiFronts();

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
      { detail: expect.stringMatching(/^Unauthorized: got no password in either form, wanted /) },
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

test('a closed route is answered with the prop that opens it, and Letta never hears of it', async () => {
  const { origin, seen, log } = await start();
  const response = await fetch(`${origin}/v1/tools/run?secret=1`, {
    method: 'POST',
    headers: AUTH,
    body: '{"source_code":"import os"}',
  });
  expect(response.status).toBe(403);
  expect(await response.json()).toEqual({ detail: expect.stringContaining('`customTools`') });
  expect(seen).toEqual([]);
  await until(() => log.lines.length > 0, 'an access log line');
  expect(log.lines[0]).toMatchObject({
    event: 'request',
    fields: { method: 'POST', path: '/v1/tools/run', route: '/tools/run', status: 403 },
  });
});

test('the same route is forwarded once its prop opens it', async () => {
  const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER]) });
  expect((await fetch(`${origin}/v1/tools/run`, { method: 'POST', headers: AUTH, body: '{}' })).status).toBe(200);
  expect(seen.map(({ url, method }) => [method, url])).toEqual([['POST', '/v1/tools/run']]);
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
