import { mkdtempSync, rmSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCacheRelay } from '../../../../runtime/gateway/cache/cache-relay';
import { CacheLifetime } from '../../../../runtime/gateway/cache/cache-session';
import { respCommand } from '../../../../runtime/gateway/cache/resp-framing';
import {
  Authority,
  createAuthority,
  createServerCertificate,
  ServerCertificate,
} from '../../../lab/parts/certificates';
import { startSmallRedis } from './small-redis';
import { close, listening, recordingLog, until } from '../support';

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

interface Setting {
  readonly certificate?: ServerCertificate;
  readonly ca?: string;
  readonly lifetime?: CacheLifetime;
  readonly token?: (nth: number) => Promise<string>;
}

/** The n-th token is `token-n`. */
async function start({ certificate = localhost, ca = authority.cert, lifetime, token }: Setting = {}) {
  const redis = await startSmallRedis(certificate);
  const log = recordingLog();
  let tokens = 0;
  const relay = await listening(
    createCacheRelay({
      host: 'localhost',
      port: redis.port,
      ca,
      user: 'letta',
      token: async () => (token ?? (async (nth) => `token-${nth}`))((tokens += 1)),
      lifetime,
      log,
    }),
  );
  toStop.push(
    () => redis.stop(),
    () => close(relay.server),
  );
  return { relay, redis, log };
}

function client(port: number): {
  socket: Socket;
  received: () => string;
  closed: () => boolean;
  ask: (...words: string[]) => void;
} {
  let text = '';
  let closed = false;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  toStop.unshift(() => socket.destroy());
  const ask = (...words: string[]) => void socket.write(respCommand(...words));
  return { socket, received: () => text, closed: () => closed, ask };
}

const times = (text: string, part: string) => text.split(part).length - 1;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('each connection is authenticated with a token of its own, and the client sees nothing of it', async () => {
  const { relay, redis } = await start();
  const [one, two] = [client(relay.port), client(relay.port)];
  one.ask('ECHO', '1');
  two.ask('ECHO', '2');
  await until(() => one.received() === '$1\r\n1\r\n' && two.received() === '$1\r\n2\r\n', 'both answers');
  expect(redis.passwords.toSorted()).toEqual(['token-1', 'token-2']);
});

test('bytes pass unchanged both ways, also much and fast', async () => {
  const { relay } = await start();
  const { socket, received } = client(relay.port);
  const content = Buffer.alloc(1_000_000, 'x\r\n$-1\0\xff', 'latin1').toString('latin1');
  const answer = `$${content.length}\r\n${content}\r\n`;
  for (let nth = 0; nth < 5; nth++) socket.write(`*2\r\n$4\r\nECHO\r\n${answer}`, 'latin1');
  await until(() => received().length >= 5 * answer.length, 'all bytes back');
  expect(received() === answer.repeat(5)).toBe(true);
});

test('commands on a line pass as they are', async () => {
  const { relay } = await start();
  const { socket, received } = client(relay.port);
  socket.write('\r\nPING\r\nECHO a\n');
  await until(() => received() === '+PONG\r\n$1\r\na\r\n', 'both answers');
});

test('a client that hangs up frees its connection to the cache', async () => {
  const { relay, redis } = await start();
  const { socket } = client(relay.port);
  await until(() => redis.passwords.length === 1, 'authenticated');
  socket.destroy();
  await until(() => redis.connections.size === 0, 'upstream closed');
});

test('a cache that hangs up ends the client, which then connects anew', async () => {
  const { relay, redis } = await start();
  const first = client(relay.port);
  first.ask('PING');
  await until(() => first.received() === '+PONG\r\n', 'first answer');
  redis.connections.forEach((socket) => socket.destroy());
  await until(first.closed, 'client closed');
  const second = client(relay.port);
  second.ask('PING');
  await until(() => second.received() === '+PONG\r\n', 'second answer');
});

test.each<[string, () => Promise<Setting & { refused?: boolean }>, RegExp]>([
  ['a certificate of another name', async () => ({ certificate: elsewhere }), /certificate|altnames/],
  ['an authority that is not ours', async () => ({ ca: (await createAuthority(folder, 'other')).cert }), /certificate/],
  ['a refused token', async () => ({ refused: true }), /refused user letta: -WRONGPASS/],
  [
    'a token that cannot be had',
    async () => ({ token: async () => Promise.reject(new Error('no credentials')) }),
    /no credentials/,
  ],
])('%s is a RESP error that says why, without the token', async (_what, setting, words) => {
  const { refused, ...options } = await setting();
  const { relay, redis, log } = await start(options);
  if (refused) redis.refuse(() => true);
  const { received, closed, ask } = client(relay.port);
  ask('PING');
  await until(closed, 'closed');
  expect(received()).toMatch(/^-ERR the gateway could not reach the cache: [^\r\n]*\r\n$/);
  expect(received()).toMatch(words);
  expect(JSON.stringify(log.lines) + received()).not.toContain('token-1');
});

test.each([
  ['a client', (socket: Socket) => void socket.write('*1\r\n:1\r\n'), () => undefined],
  ['the cache', () => undefined, (say: (bytes: string) => void) => say('?what\r\n')],
])('bytes of %s that are none of the protocol end the connection with an error', async (_who, send, say) => {
  const { relay, redis, log } = await start();
  const { socket, received, closed, ask } = client(relay.port);
  ask('PING');
  await until(() => received() === '+PONG\r\n', 'an answer');
  send(socket);
  say(redis.say);
  await until(closed, 'closed');
  expect(received()).toMatch(/^\+PONG\r\n-ERR MalformedFrame: the bytes are not in Redis' protocol: [^\r\n]+\r\n$/);
  expect(log.lines.map(({ event }) => event)).toEqual(['cache-connection-refused']);
  await until(() => redis.connections.size === 0, 'upstream closed');
});

test('beyond 512 connections a client is told so, and served once another one has left', async () => {
  const { relay, redis } = await start();
  const all = [];
  for (let batch = 0; batch < 8; batch++) {
    const more = Array.from({ length: 64 }, () => client(relay.port));
    all.push(...more);
    await until(() => redis.passwords.length === all.length, 'authenticated');
  }
  const excess = client(relay.port);
  excess.ask('PING');
  await until(excess.closed, 'closed');
  expect(excess.received()).toBe('-ERR max number of clients reached: 512 connections are open\r\n');
  all[0].socket.destroy();
  await until(() => redis.connections.size === 511, 'one left');
  const next = client(relay.port);
  next.ask('PING');
  await until(() => next.received() === '+PONG\r\n', 'the answer');
}, 30_000);

test('beyond 128 that wait for the cache a client is told so at once', async () => {
  const hangs: ((error: Error) => void)[] = [];
  const { relay } = await start({ token: () => new Promise((_, reject) => hangs.push(reject)) });
  for (let nth = 0; nth < 128; nth++) client(relay.port);
  await until(() => hangs.length === 128, 'all of them to wait');
  const excess = client(relay.port);
  await until(excess.closed, 'closed');
  expect(excess.received()).toBe('-ERR max number of clients reached: 128 connections wait for the cache\r\n');
  hangs.forEach((fail) => fail(new Error('the end of the test')));
});

describe('before ElastiCache ends it, a connection', () => {
  const soon: CacheLifetime = {
    renewAfterMs: 100,
    retryAfterMs: 50,
    retireAfterMs: 60_000,
    retireAtLatestMs: 60_000,
    checkEveryMs: 10,
  };

  test('is authenticated anew with a fresh token, again and again, and the client sees nothing of it', async () => {
    const { relay, redis, log } = await start({ lifetime: soon });
    const { received, ask } = client(relay.port);
    ask('PING');
    await until(() => redis.passwords.length >= 4, 'three renewals');
    ask('PING');
    await until(() => times(received(), '+PONG') === 2, 'the answer');
    expect(received()).toBe('+PONG\r\n+PONG\r\n');
    expect(redis.passwords.slice(0, 4)).toEqual(['token-1', 'token-2', 'token-3', 'token-4']);
    expect(redis.connections.size).toBe(1);
    expect(log.lines[0]).toEqual({ level: 'info', event: 'cache-connection-renewed', fields: {} });
  });

  test('that is never idle for long loses no answer and gets none that is not its own', async () => {
    const { relay, redis } = await start({ lifetime: { ...soon, renewAfterMs: 20 } });
    const { socket, received, ask } = client(relay.port);
    let asked = 0;
    const more = () => ask('ECHO', `<${(asked += 1)}>`);
    socket.on('data', () => {
      if (asked < 3_000 && times(received(), '>') === asked) more();
    });
    more();
    await until(() => times(received(), '>') === 3_000, 'all answers');
    const answers = Array.from({ length: 3_000 }, (_, nth) => `<${nth + 1}>`);
    expect(received()).toBe(answers.map((text) => `$${text.length}\r\n${text}\r\n`).join(''));
    expect(redis.passwords.length).toBeGreaterThan(3);
  }, 20_000);

  test('keeps what is said unasked while it is renewed', async () => {
    const { relay, redis } = await start({ lifetime: { ...soon, renewAfterMs: 20 } });
    const { received } = client(relay.port);
    await until(() => redis.passwords.length === 1, 'authenticated');
    const push = '>2\r\n$10\r\ninvalidate\r\n*0\r\n';
    for (let nth = 0; nth < 50; nth++) {
      redis.say(push);
      await pause(2);
    }
    await until(() => received().length === 50 * push.length, 'all of it');
    expect(received()).toBe(push.repeat(50));
    expect(redis.passwords.length).toBeGreaterThan(1);
  });

  test.each<[string, (ask: (...words: string[]) => void, socket: Socket) => void]>([
    ['has sent half of a command', (_ask, socket) => void socket.write('*2\r\n$4\r\nEC')],
    ['waits for a slow answer', (ask) => ask('SLOW', 'done', '400')],
    ['is in a transaction', (ask) => ask('MULTI')],
    ['listens to a channel', (ask) => ask('SUBSCRIBE', 'a', 'b')],
    ['has logged in by itself', (ask) => ask('AUTH', 'somebody', 'else')],
    ['gets no answers any more', (ask) => ask('CLIENT', 'REPLY', 'OFF')],
    ['has logged in by itself while it says hello', (ask) => ask('hello', '2', 'auth', 'somebody', 'else')],
    ['hides the name of its command', (_ask, socket) => void socket.write('"SUBSCRIBE" a\r\n')],
    ['hides a part of it', (_ask, socket) => void socket.write("SUB'SCRI'BE a\r\n")],
    ['hides what it wants of it', (_ask, socket) => void socket.write('CLIENT "REPLY" OFF\r\n')],
  ])('is left alone while it %s', async (_what, doing) => {
    const { relay, redis } = await start({ lifetime: soon });
    const { ask, socket } = client(relay.port);
    await until(() => redis.passwords.length === 1, 'authenticated');
    doing(ask, socket);
    await pause(300);
    expect(redis.passwords.filter((password) => password !== 'else')).toEqual(['token-1']);
  });

  test('is left alone while half of something is said to it', async () => {
    const { relay, redis } = await start({ lifetime: soon });
    client(relay.port);
    await until(() => redis.passwords.length === 1, 'authenticated');
    redis.say('>2\r\n$10\r\ninval');
    await pause(300);
    expect(redis.passwords).toEqual(['token-1']);
    redis.say('idate\r\n*0\r\n');
    await until(() => redis.passwords.length === 2, 'the renewal');
  });

  test('is authenticated anew as soon as its slow answer or its transaction is done', async () => {
    const { relay, redis } = await start({ lifetime: soon });
    const { ask, received } = client(relay.port);
    ask('SLOW', 'done', '300');
    await until(() => redis.passwords.length === 2, 'the first renewal');
    expect(received()).toBe('$4\r\ndone\r\n');
    ask('MULTI');
    ask('PING');
    await pause(300);
    ask('EXEC');
    const before = redis.passwords.length;
    await until(() => redis.passwords.length > before, 'another renewal');
    expect(received()).toBe('$4\r\ndone\r\n+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n');
  });

  test('goes on with the authentication it has when the new one fails, and tries again', async () => {
    const fails = async (nth: number) => (nth === 2 ? Promise.reject(new Error('no credentials')) : `token-${nth}`);
    const { relay, redis, log } = await start({ lifetime: soon, token: fails });
    redis.refuse((password) => password === 'token-3');
    const { ask, received } = client(relay.port);
    await until(() => redis.passwords.includes('token-4'), 'the renewal that succeeds');
    ask('PING');
    await until(() => received() === '+PONG\r\n', 'the answer');
    expect(log.lines.slice(0, 3).map(({ event, fields }) => [event, fields.reason])).toEqual([
      ['cache-renewal-failed', 'no credentials'],
      ['cache-renewal-failed', expect.stringContaining('-WRONGPASS')],
      ['cache-connection-renewed', undefined],
    ]);
    expect(JSON.stringify(log.lines)).not.toContain('token-');
  });

  test('is closed when it could not be authenticated anew: between two commands, or at the very end', async () => {
    const lifetime = { ...soon, renewAfterMs: 60_000, retireAfterMs: 300, retireAtLatestMs: 800 };
    const { relay } = await start({ lifetime });
    const [idle, waiting] = [client(relay.port), client(relay.port)];
    waiting.ask('SLOW', 'done', '5000');
    await until(idle.closed, 'the end of the idle one');
    expect(waiting.closed()).toBe(false);
    await until(waiting.closed, 'the end of the other');
  });
});
