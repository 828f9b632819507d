import { createServer } from 'node:net';
import { createEgressProxy } from '../../../../runtime/gateway/egress/egress-proxy';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { connectOutside } from '../../../../runtime/gateway/egress/outside-connection';
import { close, listening, rawExchange, recordingLog } from '../support';

const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0)) await end();
});

/** A proxy that lets `allow` out, by the gateway's own way of connecting. */
async function start(...allow: string[]) {
  const log = recordingLog();
  const proxy = createEgressProxy({
    allow: new Set(allow),
    connect: connectOutside,
    idleTimeoutSeconds: 10,
    metrics: embeddedMetrics('Agents', log),
    log,
  });
  const { port } = await listening(proxy.server);
  toEnd.push(() => close(proxy.server));
  return { proxy, port, log };
}

const ask = (port: number, line: string) =>
  rawExchange(port, `${line} HTTP/1.1\r\nHost: evil.example.com\r\nProxy-Authorization: Basic secret\r\n\r\n`);

test.each([
  ['CONNECT nltk.example.com:443', 'nltk.example.com:443'],
  ['CONNECT [2001:db8::1]:8443', '[2001:db8::1]:8443'],
  ['GET http://evil.example.com/path?secret=1', 'evil.example.com:80'],
  ['POST http://user:secret@evil.example.com:81/', 'evil.example.com:81'],
  ['GET wss://evil.example.com/', 'evil.example.com:443'],
])('%s is refused at once, and only its host and port are kept', async (line, destination) => {
  const { port, log } = await start('mcp.example.com:443');
  const startedAt = Date.now();
  const answer = await ask(port, line);
  expect(Date.now() - startedAt).toBeLessThan(5_000);
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  const { detail } = JSON.parse(answer.split('\r\n\r\n')[1]);
  expect(detail).toContain(`no way out to ${destination}`);
  expect(detail).toContain('allowedEgress');
  expect(log.lines).toEqual([
    {
      level: 'info',
      event: 'egress-refused',
      fields: expect.objectContaining({ method: line.split(' ')[0], destination, EgressRefused: 1 }),
    },
  ]);
  expect(JSON.stringify(log.lines)).not.toContain('secret');
});

test.each([
  'GET /secret',
  'CONNECT evil.example.com',
  'CONNECT evil.example.com:0',
  'CONNECT user@evil:443',
  'GET ftp://a/',
])('%s is malformed: 400, counted as a try to leave', async (line) => {
  const { port, log } = await start();
  const answer = await ask(port, line);
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(JSON.parse(answer.split('\r\n\r\n')[1]).detail).toMatch(/^the target is not '/);
  expect(log.lines.map(({ fields }) => [fields.destination, fields.reason, fields.EgressRefused])).toEqual([
    ['unknown', 'malformed target', 1],
  ]);
});

test.each([
  ['\x16\x03\x01 a TLS client\r\n\r\n', 400, 'is not HTTP'],
  [
    `GET http://evil.example.com/ HTTP/1.1\r\nHost: evil.example.com\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    431,
    'too large',
  ],
])('what is no request gets the shape of every other refusal', async (bytes, status, detail) => {
  const { port } = await start();
  const [head, body] = (await rawExchange(port, bytes)).split('\r\n\r\n');
  expect(head).toContain(`HTTP/1.1 ${status} `);
  expect(head).toContain('content-type: application/json');
  expect(JSON.parse(body)).toEqual({ detail: expect.stringContaining(detail) });
});

test('another port of an allowed host is another destination', async () => {
  const { port } = await start('mcp.example.com:443');
  expect(await ask(port, 'CONNECT mcp.example.com:444')).toMatch(/^HTTP\/1.1 403 /);
  expect(await ask(port, 'CONNECT a.mcp.example.com:443')).toMatch(/^HTTP\/1.1 403 /);
});

test('an allowed name that leads to the task itself is refused, and counted', async () => {
  let reached = 0;
  const inside = await listening(createServer((socket) => void ((reached += 1), socket.destroy())));
  toEnd.push(() => close(inside.server));
  const { port, log } = await start(`localhost:${inside.port}`, `127.0.0.1:${inside.port}`);
  for (const line of [`CONNECT localhost:${inside.port}`, `GET http://127.0.0.1:${inside.port}/`]) {
    const answer = await ask(port, line);
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(answer).toContain('closed network');
  }
  expect(log.lines.map(({ fields }) => fields.reason)).toEqual(['closed address', 'closed address']);
  expect(reached).toBe(0);
});

test('an allowed destination by a form the proxy does not serve is 400', async () => {
  const { port } = await start('mcp.example.com:443', 'mcp.example.com:80');
  expect(await ask(port, 'GET https://mcp.example.com/')).toMatch(/^HTTP\/1.1 400 [^]*wants CONNECT/);
  expect(await ask(port, 'GET http://user:secret@mcp.example.com/')).toMatch(/^HTTP\/1.1 400 [^]*user information/);
});

test('repeated tries are all counted, the last ones when the proxy stops', async () => {
  const { proxy, port, log } = await start();
  for (let times = 0; times < 5; times++) await ask(port, 'CONNECT nltk.example.com:443');
  proxy.stop();
  expect(log.lines.map(({ fields }) => fields.EgressRefused)).toEqual([1, 4]);
});
