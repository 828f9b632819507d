import { Socket } from 'node:net';
import { CacheLifetime } from '../../../../runtime/gateway/cache/cache-session';
import { until } from '../support';
import { CacheStand } from './cache-stand';

const stand = new CacheStand();
beforeAll(() => stand.make());
afterEach(() => stand.end());
afterAll(() => stand.remove());

const times = (text: string, part: string) => text.split(part).length - 1;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('before ElastiCache ends it, a connection', () => {
  const soon: CacheLifetime = {
    renewAfterMs: 100,
    retryAfterMs: 50,
    retireAfterMs: 60_000,
    retireAtLatestMs: 60_000,
    checkEveryMs: 10,
  };

  test('is authenticated anew with a fresh token, again and again, and the client sees nothing of it', async () => {
    const { relay, redis, log } = await stand.relay({ lifetime: soon });
    const { received, ask } = stand.client(relay.port);
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
    const { relay, redis } = await stand.relay({ lifetime: { ...soon, renewAfterMs: 20 } });
    const { socket, received, ask } = stand.client(relay.port);
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
    const { relay, redis } = await stand.relay({ lifetime: { ...soon, renewAfterMs: 20 } });
    const { received } = stand.client(relay.port);
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
    const { relay, redis } = await stand.relay({ lifetime: soon });
    const { ask, socket } = stand.client(relay.port);
    await until(() => redis.passwords.length === 1, 'authenticated');
    doing(ask, socket);
    await pause(300);
    expect(redis.passwords.filter((password) => password !== 'else')).toEqual(['token-1']);
  });

  test('is left alone while half of something is said to it', async () => {
    const { relay, redis } = await stand.relay({ lifetime: soon });
    stand.client(relay.port);
    await until(() => redis.passwords.length === 1, 'authenticated');
    redis.say('>2\r\n$10\r\ninval');
    await pause(300);
    expect(redis.passwords).toEqual(['token-1']);
    redis.say('idate\r\n*0\r\n');
    await until(() => redis.passwords.length === 2, 'the renewal');
  });

  test('is authenticated anew as soon as its slow answer or its transaction is done', async () => {
    const { relay, redis } = await stand.relay({ lifetime: soon });
    const { ask, received } = stand.client(relay.port);
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
    const { relay, redis, log } = await stand.relay({ lifetime: soon, token: fails });
    redis.refuse((password) => password === 'token-3');
    const { ask, received } = stand.client(relay.port);
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
    const { relay } = await stand.relay({ lifetime });
    const [idle, waiting] = [stand.client(relay.port), stand.client(relay.port)];
    waiting.ask('SLOW', 'done', '5000');
    await until(idle.closed, 'the end of the idle one');
    expect(waiting.closed()).toBe(false);
    await until(waiting.closed, 'the end of the other');
  });
});
