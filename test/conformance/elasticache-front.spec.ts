import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { cacheToken } from '../../runtime/gateway/cache/cache-token';
import { AwsRecord } from '../lab/aws-record';
import { type IssuedKeys, KeyIssuer } from '../lab/credentials';
import { ElastiCacheFront } from '../lab/elasticache-front';
import { LogFile } from '../lab/logs';
import { type Authority, createAuthority, createServerCertificate } from '../lab/parts/certificates';
import { command, Redis } from '../lab/redis';

const host = 'cache.example';
const group = 'letta-cache';
const user = 'letta';
const issuer = new KeyIssuer();
const record = new AwsRecord((role) =>
  role === 'Service'
    ? [
        {
          Effect: 'Allow',
          Action: 'elasticache:Connect',
          Resource: [
            `arn:aws:elasticache:us-east-1:111122223333:replicationgroup:${group}`,
            `arn:aws:elasticache:us-east-1:111122223333:user:${user}`,
          ],
        },
      ]
    : [],
);
let folder: string;
let authority: Authority;
let redis: Redis;
let front: ElastiCacheFront;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cache-front-'));
  authority = await createAuthority(folder);
  const certificate = await createServerCertificate(folder, authority, [host]);
  redis = new Redis({
    folder,
    port: await freePort(),
    tls: { ...certificate, ca: authority.cert, caFile: authority.certFile },
    users: { [user]: 'on ~* +@all', other: 'on ~* +@all' },
    log: new LogFile(path.join(folder, 'redis.log')),
  });
  await redis.start();
  front = new ElastiCacheFront({ replicationGroupId: group, redis, issuer, record, tls: certificate });
  port = await freePort();
  await front.start('127.0.0.1', port);
});
afterAll(async () => {
  front?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Signing {
  readonly role?: string;
  readonly keys?: IssuedKeys;
  readonly name?: string;
  readonly user?: string;
  readonly region?: string;
  readonly date?: Date;
}

/** A token as the gateway makes it, signed with keys of a role. */
const token = ({ role = 'Service', keys = issuer.issue(role), date, ...identity }: Signing = {}) =>
  cacheToken({ name: group, user, region: 'us-east-1', ...identity }, async () => keys, date);

/** Sends commands over TLS and gives what came back until it held so many lines or the server hung up. */
function ask(commands: string[][], lines: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: authority.cert, servername: host }, () =>
      socket.write(commands.map((parts) => command(...parts)).join('')),
    );
    let answer = '';
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer in 5 s, only '${answer}'`)));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.split('\r\n').length > lines) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

const logIn = async (password: string, as = user) => ask([['AUTH', as, password], ['PING']], 2);

describe('the lab’s front of ElastiCache', () => {
  test('lets a token of a role through that may connect, to the real Redis', async () => {
    const before = front.connections.length;
    expect(await logIn(await token())).toBe('+OK\r\n+PONG\r\n');
    expect(front.connections.slice(before)).toEqual([{ user, role: 'Service', protocol: 'TLSv1.3' }]);
  });

  test.each<[string, () => Promise<string>, string]>([
    ['of a role whose policies do not allow it', () => token({ role: 'Other' }), 'may not connect to'],
    ['for another user', () => token({ user: 'other' }), 'signed for user other'],
    ['for another cache', () => token({ name: 'another-cache' }), 'signed for another-cache/'],
    ['for another region', () => token({ region: 'us-west-2' }), 'signed for elasticache in us-west-2'],
    ['with another signature', async () => (await token()).replace(/Signature=./, 'Signature=g'), 'does not match'],
    [
      'signed with another secret',
      () => token({ keys: { ...issuer.issue('Service'), secretAccessKey: 'wrong' } }),
      'does not match',
    ],
    [
      'with a user put in after signing',
      async () => (await token({ user: 'other' })).replace('User=other', `User=${user}`),
      'does not match',
    ],
    ['that is older than 15 minutes', () => token({ date: new Date(Date.now() - 901_000) }), 'the token has expired'],
    ['of keys that nobody handed out', () => token({ keys: new KeyIssuer().issue('Service') }), 'handed out'],
    ['that is a password', async () => 'a-long-static-password', 'X-Amz-Credential'],
  ])('refuses a token %s', async (_what, make, reason) => {
    const before = front.connections.length;
    expect(await logIn(await make())).toMatch(/^-WRONGPASS [^\r]*\r\n$/);
    expect(front.connections.length).toBe(before);
    expect(record.refused.at(-1)).toEqual({
      what: `elasticache login of ${user}`,
      reason: expect.stringContaining(reason),
    });
  });

  test('refuses a token of expired keys', async () => {
    const keys = issuer.issue('Service');
    keys.expiration.setTime(Date.now() - 1);
    expect(await logIn(await token({ keys }))).toMatch(/^-WRONGPASS /);
    expect(record.refused.at(-1)?.reason).toContain('the keys have expired');
  });

  test('refuses the right token of one user to another', async () => {
    expect(await logIn(await token(), 'other')).toMatch(/^-WRONGPASS /);
    expect(record.refused.at(-1)).toEqual({
      what: 'elasticache login of other',
      reason: `signed for user ${user}`,
    });
  });

  test('answers nothing before the login', async () => {
    expect(await ask([['PING'], ['GET', 'a']], 3)).toBe('-NOAUTH Authentication required.\r\n');
  });

  test('refuses plaintext', async () => {
    const before = front.refused.length;
    await plaintext(command('AUTH', user, await token()));
    expect(front.refused.slice(before)).toEqual([expect.stringContaining('no TLS')]);
  });
});

/** Sends something without TLS and waits until the server hangs up. */
function plaintext(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(5_000, () => reject(new Error('it did not hang up in 5 s')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** A port of loopback on which nothing listens. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
