import { mkdtempSync, rmSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, TLSSocket } from 'node:tls';
import { createCacheRelay, mayRetire, respCommand } from '../../../runtime/gateway/cache-relay';
import { Authority, createAuthority, createServerCertificate, ServerCertificate } from '../../lab/parts/certificates';
import { close, listening, recordingLog, until } from './support';

const folder = mkdtempSync(path.join(tmpdir(), 'cache-relay-'));
let authority: Authority;
let localhost: ServerCertificate;
let elsewhere: ServerCertificate;
beforeAll(async () => {
  authority = await createAuthority(folder);
  localhost = await createServerCertificate(folder, authority, ['localhost']);
  elsewhere = await createServerCertificate(folder, authority, ['elsewhere.example.com']);
});
afterAll(() => rmSync(folder, { recursive: true }));

let toStop: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

/** A Redis that demands a token, then gives every byte back. */
async function start({ certificate = localhost, ca = authority.cert, tokens = ['token-1'], refuse = false } = {}) {
  const auths: string[] = [];
  const sockets = new Set<TLSSocket>();
  const redis = await listening(
    createServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', (chunk) => {
        auths.push(chunk.toString());
        if (refuse) return void socket.end('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
        socket.write('+OK\r\n');
        socket.pipe(socket);
      });
    }),
  );
  redis.server.on('tlsClientError', () => undefined);
  const log = recordingLog();
  const relay = await listening(
    createCacheRelay({
      host: 'localhost',
      port: redis.port,
      ca,
      user: 'letta',
      token: async () => tokens.shift()!,
      log,
    }),
  );
  toStop.push(
    () => sockets.forEach((socket) => socket.destroy()),
    () => close(relay.server),
    () => close(redis.server),
  );
  return { relay, auths, log, sockets };
}

function client(port: number): { socket: Socket; received: () => string; closed: () => boolean } {
  let text = '';
  let closed = false;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  toStop.unshift(() => socket.destroy());
  return { socket, received: () => text, closed: () => closed };
}

test('each connection is authenticated with a token of its own, and the client sees nothing of it', async () => {
  const { relay, auths } = await start({ tokens: ['token-1', 'token-2'] });
  const [one, two] = [client(relay.port), client(relay.port)];
  one.socket.write('PING 1\r\n');
  two.socket.write('PING 2\r\n');
  await until(() => one.received() === 'PING 1\r\n' && two.received() === 'PING 2\r\n', 'both answers');
  expect(auths.sort()).toEqual([respCommand('AUTH', 'letta', 'token-1'), respCommand('AUTH', 'letta', 'token-2')]);
});

test('bytes pass unchanged both ways, also much and fast', async () => {
  const { relay } = await start();
  const { socket, received } = client(relay.port);
  const sent = Buffer.alloc(5_000_000, 'x\r\n$-1\0\xff', 'latin1').toString('latin1');
  socket.write(sent, 'latin1');
  await until(() => received().length >= sent.length, 'all bytes back');
  expect(received() === sent).toBe(true);
});

test('a client that hangs up frees its connection to the cache', async () => {
  const { relay, sockets, auths } = await start();
  const { socket } = client(relay.port);
  await until(() => auths.length === 1, 'authenticated');
  socket.destroy();
  await until(() => [...sockets].every((upstream) => upstream.destroyed), 'upstream closed');
});

test('a cache that hangs up ends the client, which then connects anew', async () => {
  const { relay, sockets } = await start({ tokens: ['1', '2'] });
  const first = client(relay.port);
  first.socket.write('a');
  await until(() => first.received() === 'a', 'first answer');
  sockets.forEach((socket) => socket.destroy());
  await until(first.closed, 'client closed');
  const second = client(relay.port);
  second.socket.write('b');
  await until(() => second.received() === 'b', 'second answer');
});

test.each([
  ['a certificate of another name', async () => start({ certificate: elsewhere }), /certificate|altnames/],
  [
    'an authority that is not ours',
    async () => start({ ca: (await createAuthority(folder, 'other')).cert }),
    /certificate/,
  ],
  ['a refused token', async () => start({ refuse: true, tokens: ['secret-token'] }), /refused user letta: -WRONGPASS/],
])('%s is a RESP error that says why, without the token', async (_what, started, words) => {
  const { relay, log } = await started();
  const { socket, received, closed } = client(relay.port);
  socket.write('PING\r\n');
  await until(closed, 'closed');
  expect(received()).toMatch(/^-ERR the gateway could not reach the cache: [^\r\n]*\r\n$/);
  expect(received()).toMatch(words);
  expect(JSON.stringify(log.lines) + received()).not.toContain('secret-token');
});

test('a connection is retired before 12 hours, between two commands if there is such a moment', () => {
  const hour = 3_600_000;
  const now = 100 * hour;
  const idle = { lastAsked: now - 2_000, lastAnswered: now - 1_000 };
  const waiting = { lastAsked: now - 1_000, lastAnswered: now - 2_000 };
  const answering = { lastAsked: now - 1_000, lastAnswered: now - 10 };
  expect([1, 11, 11.6, 11.95].map((hours) => mayRetire({ age: hours * hour, ...idle }, now))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect([11.6, 11.95].map((hours) => mayRetire({ age: hours * hour, ...waiting }, now))).toEqual([false, true]);
  expect([11.6, 11.95].map((hours) => mayRetire({ age: hours * hour, ...answering }, now))).toEqual([false, true]);
});
