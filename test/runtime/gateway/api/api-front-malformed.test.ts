import { startApiFront } from './api-front-parts';
import { close, rawExchange, until } from '../support';

let started: Awaited<ReturnType<typeof startApiFront>>;
beforeEach(async () => (started = await startApiFront()));
afterEach(() => started.stop());

test.each([
  ['garbage', 'private hello\r\n\r\n', 400],
  ['length and chunked', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['large headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'private'.repeat(6_000)}\r\n\r\n`, 431],
  ['no Host', 'GET /private HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: private\r\nConnection: close\r\n\r\n', 417],
])(
  '%s is refused as Letta refuses, under an id that the log has too, and nothing else of it',
  async (_what, bytes, status) => {
    const [head, body] = (await rawExchange(started.port, bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const { detail } = JSON.parse(body) as { detail: string };
    const requestId = /^x-request-id: (.+)$/m.exec(head)?.[1].trim();
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    const { lines } = started.log;
    await until(() => lines.length > 0, 'a log line');
    expect(lines).toEqual([{ level: 'warn', event: 'request-refused', fields: { requestId, status, reason: detail } }]);
    expect(JSON.stringify(lines)).not.toContain('private');
  },
);

test('a flood of them leaves twenty lines and a count', async () => {
  await Promise.all(Array.from({ length: 50 }, () => rawExchange(started.port, 'hello\r\n\r\n')));
  await close(started.server);
  const { lines } = started.log;
  expect(lines.filter(({ event }) => event === 'request-refused')).toHaveLength(20);
  expect(lines.at(-1)).toEqual({ level: 'warn', event: 'requests-refused', fields: { count: 30 } });
});
