import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Signer } from '@aws-sdk/rds-signer';
import { Client } from 'pg';
import { AwsRecord } from './aws-record';
import { KeyIssuer } from './credentials';
import { createAuthority, createServerCertificate } from './parts/certificates';
import { RdsFront } from './rds-front';

const host = 'localhost';
const port = 54329;
const issuer = new KeyIssuer();
const record = new AwsRecord((role) =>
  role === 'Runtime'
    ? [
        {
          Effect: 'Allow',
          Action: 'rds-db:connect',
          Resource: 'arn:aws:rds-db:us-east-1:111122223333:dbuser:db-1/letta',
        },
      ]
    : [],
);
let front: RdsFront;
let folder: string;
let ca: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'front-'));
  const authority = await createAuthority(folder);
  ca = authority.cert;
  front = new RdsFront({
    ...{ host, port, resourceId: 'db-1', issuer, record },
    // Nobody listens there: whoever gets past the token is told so by a lost connection.
    upstream: { host: '127.0.0.1', port: 9 },
    needsToken: async () => true,
    tls: await createServerCertificate(folder, authority, [host]),
  });
  await front.start('127.0.0.1');
});
afterAll(async () => {
  front.stop();
  await rm(folder, { recursive: true });
});

const token = (role: string, changes: { username?: string; port?: number } = {}) =>
  new Signer({
    hostname: host,
    port,
    username: 'letta',
    region: 'us-east-1',
    credentials: issuer.issue(role),
    ...changes,
  }).getAuthToken();

async function logIn(password: string, ssl: object | false = { ca }): Promise<string> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'letta',
    database: 'letta',
    password,
    ssl: ssl && { ...ssl, servername: host },
  });
  client.on('error', () => undefined);
  return client.connect().then(
    () => 'connected',
    (error: Error) => error.message,
  );
}

describe('the lab’s front of RDS', () => {
  test('lets a token of a role through that may connect', async () => {
    const before = front.sessions.length;
    expect(await logIn(await token('Runtime'))).not.toContain('PAM');
    expect(front.sessions.slice(before)).toMatchObject([{ user: 'letta', role: 'Runtime', protocol: 'TLSv1.3' }]);
  });

  test.each([
    ['of a role whose policies do not allow it', () => token('Other')],
    ['for another user', () => token('Runtime', { username: 'postgres' })],
    ['for another port', () => token('Runtime', { port: 5433 })],
    ['that is a password', async () => 'a-long-static-password'],
  ])('refuses a token %s', async (_what, make) => {
    const before = front.sessions.length;
    expect(await logIn(await make())).toContain('PAM authentication failed');
    expect(front.sessions.length).toBe(before);
  });

  test('refuses plaintext', async () => {
    expect(await logIn(await token('Runtime'), false)).toContain('no encryption');
  });

  test('survives a client that says nothing', async () => {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    expect(await logIn('wrong')).toContain('PAM');
  });
});
