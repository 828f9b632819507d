import { RequestListener } from 'node:http';
import { apiFronts, AUTH } from './api-front-parts';

const start = apiFronts();
const REASON = 'the database had no free connection';

const answering =
  (status: number): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end('{"detail":"An unknown error occurred"}');
  };
const turn = (origin: string, body = '{}') =>
  fetch(`${origin}/v1/agents/a/messages`, { method: 'POST', headers: AUTH, body });

test('a request that Letta failed on for want of a database connection is told to come back', async () => {
  const { origin, log } = await start({ answer: answering(500), excuse: () => REASON });
  const response = await turn(origin);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await response.json()).toEqual({ detail: REASON });
  expect(log.lines.find(({ event }) => event === 'request')?.fields).toMatchObject({ status: 503 });
});

test('so is one with a large body', async () => {
  const { origin } = await start({ answer: answering(500), excuse: () => REASON });
  expect((await turn(origin, JSON.stringify({ text: 'x'.repeat(200_000) }))).status).toBe(503);
});

test('without a reason Letta’s own failure passes as it is', async () => {
  const { origin } = await start({ answer: answering(500), excuse: () => undefined });
  const response = await turn(origin);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ detail: 'An unknown error occurred' });
});

test.each([200, 404, 422, 502])('a %i passes as it is during a shortage', async (status) => {
  const { origin } = await start({ answer: answering(status), excuse: () => REASON });
  expect((await turn(origin)).status).toBe(status);
});
