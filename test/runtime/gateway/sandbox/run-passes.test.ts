import { connect, Socket } from 'node:net';
import { createEgressProxy } from '../../../../runtime/gateway/egress/egress-proxy';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { RunPasses, taskAddress } from '../../../../runtime/gateway/sandbox/run-passes';
import { close, listening, rawExchange, recordingLog, until, upstream } from '../support';

async function stand() {
  const destination = await upstream((request, response) => response.end(JSON.stringify(request.headers)));
  const passes = new RunPasses('10.0.0.7:3129');
  const log = recordingLog();
  const proxy = createEgressProxy({
    allow: new Set(['api.example.com:80', 'api.example.com:443']),
    connect: async () => {
      const socket = connect({ port: destination.port, host: '127.0.0.1' });
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    },
    idleTimeoutSeconds: 10,
    admit: (authorization) => passes.find(authorization),
    openedBy: 'ToolSandbox.function({ allowedEndpoints })',
    metrics: embeddedMetrics('Agents', log),
    log,
  });
  const { port } = await listening(proxy.server);
  return {
    passes,
    port,
    log,
    async stop() {
      proxy.stop();
      await Promise.all([close(destination.server), close(proxy.server)]);
    },
  };
}

const authorization = (url: string) => {
  const { username, password } = new URL(url);
  return `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}\r\n`;
};

const GET = (lines = '', host = 'api.example.com') =>
  `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n${lines}Connection: close\r\n\r\n`;
const CONNECT = (lines = '') => `CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n${lines}\r\n`;

test('a run gets out where it is allowed to, and its password no further than the proxy', async () => {
  const { passes, port, stop } = await stand();
  const { url } = passes.admit();
  expect(url).toMatch(/^http:\/\/[0-9a-f]{16}:[0-9a-f]{48}@10\.0\.0\.7:3129$/);
  const answer = await rawExchange(port, GET(authorization(url)));
  expect(answer).toMatch(/^HTTP\/1\.1 200/);
  expect(answer).not.toContain('authorization');
  expect(await rawExchange(port, GET(authorization(url), 'evil.example.com'))).toMatch(
    /^HTTP\/1\.1 403[^]*ToolSandbox\.function\(\{ allowedEndpoints \}\)/,
  );
  await stop();
});

test.each([
  ['no password', ''],
  ['a password of nobody', authorization('http://0123456789abcdef:guess@h')],
  ['something else', 'Proxy-Authorization: Bearer x\r\n'],
])('with %s nobody gets out', async (_, lines) => {
  const { passes, port, log, stop } = await stand();
  passes.admit();
  expect(await rawExchange(port, GET(lines))).toMatch(/^HTTP\/1\.1 407[^]*proxy-authenticate: Basic/);
  expect(await rawExchange(port, CONNECT(lines))).toMatch(/^HTTP\/1\.1 407/);
  expect(log.lines.map(({ fields }) => fields.reason)).toContain('not admitted');
  await stop();
});

test('another run’s password is not one’s own', async () => {
  const { passes, port, stop } = await stand();
  const [one, other] = [new URL(passes.admit().url), new URL(passes.admit().url)];
  one.password = other.password;
  expect(await rawExchange(port, GET(authorization(one.href)))).toMatch(/^HTTP\/1\.1 407/);
  await stop();
});

test('with the run its connections end, and its password', async () => {
  const { passes, port, stop } = await stand();
  const { url, end } = passes.admit();
  const socket = connect({ port, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
  socket.write(CONNECT(authorization(url)));
  await until(() => got.includes('200 Connection Established'), 'the tunnel');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  end();
  await closed;
  expect(await rawExchange(port, GET(authorization(url)))).toMatch(/^HTTP\/1\.1 407/);
  await stop();
});

test('a run holds so many connections and no more', async () => {
  const { passes, port, stop } = await stand();
  const { url, end } = passes.admit();
  const sockets: Socket[] = [];
  let opened = 0;
  for (let index = 0; index < 16; index++) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('data', () => opened++).on('error', () => undefined);
    socket.write(CONNECT(authorization(url)));
    sockets.push(socket);
  }
  await until(() => opened === 16, 'sixteen tunnels');
  expect(await rawExchange(port, CONNECT(authorization(url)))).toMatch(/^HTTP\/1\.1 502[^]*holds 16 connections/);
  end();
  sockets.forEach((socket) => socket.destroy());
  await stop();
});

test('the proxy is at the task’s own interface, not at the one to its metadata', () => {
  const address = (ip: string, internal = false) => [{ address: ip, family: 'IPv4', internal }] as never;
  const interfaces = { lo: address('127.0.0.1', true), eth0: address('169.254.172.2'), eth1: address('10.0.1.5') };
  expect(taskAddress(interfaces)).toBe('10.0.1.5');
  expect(() => taskAddress({ lo: address('127.0.0.1', true) })).toThrow('no address at which');
});
