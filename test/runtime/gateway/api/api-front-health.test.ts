import { ServerResponse } from 'node:http';
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
  expect(started.seen.map(({ url }) => url)).toEqual(['/v1/health/']);
});

describe('Letta is asked for its health', () => {
  let stop: () => Promise<void>;
  afterEach(() => stop());

  /** A front before a Letta that counts, and that answers what a test says. */
  async function front(answer: (response: ServerResponse, time: number) => void) {
    let asked = 0;
    const front = await startApiFront({ answer: (_request, response) => answer(response, ++asked) });
    stop = front.stop;
    const ask = async (path = '/v1/health/') => {
      const response = await fetch(front.origin + path, { redirect: 'manual' });
      return [response.status, response.headers.get('content-type'), await response.text()] as const;
    };
    return { ask, asked: () => asked };
  }

  const letta = (response: ServerResponse, status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  test('once a second at most, however many ask, and all get its answer', async () => {
    const well = { version: '0.16.8', status: 'ok' };
    const { ask, asked } = await front((response) => void setTimeout(() => letta(response, 200, well), 50));
    const path = (at: number) => (at % 2 ? '/v1/health' : '/v1/health/');
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(path(at))));
      for (const answer of answers) expect(answer).toEqual([200, 'application/json', JSON.stringify(well)]);
    }
    expect(asked()).toBe(1);
    await pause(1_050);
    await ask();
    expect(asked()).toBe(2);
  });

  test('again a second after a failure, and what it says then is what callers get', async () => {
    const { ask, asked } = await front((response, time) => {
      if (time === 1) response.destroy();
      else letta(response, time === 2 ? 503 : 200, { status: `look ${time}` });
    });
    expect((await ask())[0]).toBe(502);
    expect((await ask())[0]).toBe(502);
    await pause(1_050);
    expect(await ask()).toEqual([503, 'application/json', '{"status":"look 2"}']);
    await pause(1_050);
    expect(await ask()).toEqual([200, 'application/json', '{"status":"look 3"}']);
    expect(asked()).toBe(3);
  });
});
