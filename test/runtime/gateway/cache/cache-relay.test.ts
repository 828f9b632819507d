import { Socket } from 'node:net';
import { until } from '../support';
import { CacheStand, RelaySettings } from './cache-stand';

const stand = new CacheStand();
beforeAll(() => stand.make());
afterEach(() => stand.end());
afterAll(() => stand.remove());

test('each connection is authenticated with a token of its own, and the client sees nothing of it', async () => {
  const { relay, redis } = await stand.relay();
  const [one, two] = [stand.client(relay.port), stand.client(relay.port)];
  one.ask('ECHO', '1');
  two.ask('ECHO', '2');
  await until(() => one.received() === '$1\r\n1\r\n' && two.received() === '$1\r\n2\r\n', 'both answers');
  expect(redis.passwords.toSorted()).toEqual(['token-1', 'token-2']);
});

test('bytes pass unchanged both ways, also much and fast', async () => {
  const { relay } = await stand.relay();
  const { socket, received } = stand.client(relay.port);
  const content = Buffer.alloc(1_000_000, 'x\r\n$-1\0\xff', 'latin1').toString('latin1');
  const answer = `$${content.length}\r\n${content}\r\n`;
  for (let nth = 0; nth < 5; nth++) socket.write(`*2\r\n$4\r\nECHO\r\n${answer}`, 'latin1');
  await until(() => received().length >= 5 * answer.length, 'all bytes back');
  expect(received() === answer.repeat(5)).toBe(true);
});

test('commands on a line pass as they are', async () => {
  const { relay } = await stand.relay();
  const { socket, received } = stand.client(relay.port);
  socket.write('\r\nPING\r\nECHO a\n');
  await until(() => received() === '+PONG\r\n$1\r\na\r\n', 'both answers');
});

test('a client that hangs up frees its connection to the cache', async () => {
  const { relay, redis } = await stand.relay();
  const { socket } = stand.client(relay.port);
  await until(() => redis.passwords.length === 1, 'authenticated');
  socket.destroy();
  await until(() => redis.connections.size === 0, 'upstream closed');
});

test('a cache that hangs up ends the client, which then connects anew', async () => {
  const { relay, redis } = await stand.relay();
  const first = stand.client(relay.port);
  first.ask('PING');
  await until(() => first.received() === '+PONG\r\n', 'first answer');
  redis.connections.forEach((socket) => socket.destroy());
  await until(first.closed, 'client closed');
  const second = stand.client(relay.port);
  second.ask('PING');
  await until(() => second.received() === '+PONG\r\n', 'second answer');
});

test.each<[string, () => Promise<RelaySettings & { refused?: boolean }>, RegExp]>([
  [
    'a certificate of another name',
    async () => ({ certificate: await stand.certificateOf('elsewhere.example.com') }),
    /certificate|altnames/,
  ],
  ['an authority that is not ours', async () => ({ ca: await stand.otherAuthority() }), /certificate/],
  ['a refused token', async () => ({ refused: true }), /refused user letta: -WRONGPASS/],
  [
    'a token that cannot be had',
    async () => ({ token: async () => Promise.reject(new Error('no credentials')) }),
    /no credentials/,
  ],
])('%s is a RESP error that says why, without the token', async (_what, setting, words) => {
  const { refused, ...options } = await setting();
  const { relay, redis, log } = await stand.relay(options);
  if (refused) redis.refuse(() => true);
  const { received, closed, ask } = stand.client(relay.port);
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
  const { relay, redis, log } = await stand.relay();
  const { socket, received, closed, ask } = stand.client(relay.port);
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
  const { relay, redis } = await stand.relay();
  const all = [];
  for (let batch = 0; batch < 8; batch++) {
    const more = Array.from({ length: 64 }, () => stand.client(relay.port));
    all.push(...more);
    await until(() => redis.passwords.length === all.length, 'authenticated');
  }
  const excess = stand.client(relay.port);
  excess.ask('PING');
  await until(excess.closed, 'closed');
  expect(excess.received()).toBe('-ERR max number of clients reached: 512 connections are open\r\n');
  all[0].socket.destroy();
  await until(() => redis.connections.size === 511, 'one left');
  const next = stand.client(relay.port);
  next.ask('PING');
  await until(() => next.received() === '+PONG\r\n', 'the answer');
}, 30_000);

test('beyond 128 that wait for the cache a client is told so at once', async () => {
  const hangs: ((error: Error) => void)[] = [];
  const { relay } = await stand.relay({ token: () => new Promise((_, reject) => hangs.push(reject)) });
  for (let nth = 0; nth < 128; nth++) stand.client(relay.port);
  await until(() => hangs.length === 128, 'all of them to wait');
  const excess = stand.client(relay.port);
  await until(excess.closed, 'closed');
  expect(excess.received()).toBe('-ERR max number of clients reached: 128 connections wait for the cache\r\n');
  hangs.forEach((fail) => fail(new Error('the end of the test')));
});
