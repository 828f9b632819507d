import { createEgressProxy, destinationOf } from '../../../runtime/gateway/egress-proxy';
import { close, listening, rawExchange, recordingLog } from './support';

test.each([
  ['CONNECT nltk.example.com:443 HTTP/1.1', 'nltk.example.com:443'],
  ['CONNECT [2001:db8::1]:8443 HTTP/1.1', '[2001:db8::1]:8443'],
  ['GET http://evil.example.com/path?secret=1 HTTP/1.1', 'evil.example.com:80'],
  ['POST http://user:secret@evil.example.com:81/ HTTP/1.1', 'evil.example.com:81'],
  ['GET /secret HTTP/1.1', 'unknown'],
])('%s is refused at once, and only its host and port are kept', async (line, destination) => {
  const log = recordingLog();
  const { server: _, ...proxy } = createEgressProxy(log);
  const { server, port } = await listening(_);
  const startedAt = Date.now();
  const answer = await rawExchange(
    port,
    `${line}\r\nHost: evil.example.com\r\nProxy-Authorization: Basic secret\r\n\r\n`,
  );
  expect(Date.now() - startedAt).toBeLessThan(1_000);
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  expect(JSON.parse(answer.split('\r\n\r\n')[1])).toEqual({ detail: expect.stringContaining('no way out') });
  expect(log.lines).toEqual([
    { level: 'warn', event: 'egress-refused', fields: { method: line.split(' ')[0], destination, refused: 1 } },
  ]);
  expect(proxy.refused()).toBe(1);
  await close(server);
});

test('a destination that makes no sense is unknown, never an error', () => {
  for (const url of ['', '::', 'a b:1', '%', 'http://', 'x'.repeat(9_000)]) {
    for (const method of ['CONNECT', 'GET']) expect(destinationOf({ method, url }).length).toBeLessThanOrEqual(260);
  }
});
