import { startApiFront } from './api-front-parts';
import { rawExchange } from '../support';

let started: Awaited<ReturnType<typeof startApiFront>>;
beforeEach(async () => (started = await startApiFront()));
afterEach(() => started.stop());

const health = (headers: string, body = '') =>
  rawExchange(started.port, `GET /v1/health/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n${body}`);

test.each([
  ['of 100 MiB', 'Content-Length: 104857600\r\n', ''],
  ['of one byte', 'Content-Length: 1\r\n', 'x'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'],
])(
  'a body %s never reaches Letta with a question for health, which needs no password',
  async (_what, headers, body) => {
    const answer = await health(headers, body);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"detail":"the question for health has no body');
    expect(started.seen).toEqual([]);
  },
);

test('the query of a question for health does not reach Letta', async () => {
  expect((await fetch(`${started.origin}/v1/health/?a=b`)).status).toBe(200);
  expect(await health('Content-Length: 0\r\n')).toMatch(/^HTTP\/1.1 200 /);
  expect(started.seen.map(({ url }) => url)).toEqual(['/v1/health/', '/v1/health/']);
});
