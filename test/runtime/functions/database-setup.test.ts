import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { setUpDatabase } from '../../../runtime/functions/database-setup';
import { setUp } from '../../../runtime/functions/database-statements';
import { AwsRecord } from '../../lab/aws-record';
import { KeyIssuer } from '../../lab/credentials';
import { createAuthority, createServerCertificate } from '../../lab/parts/certificates';
import { RdsLikeServer, startRdsLikeServer } from '../../lab/parts/rds-like-server';
import { RdsFront } from '../../lab/rds-front';
import { describeDatabaseSetUp, SETUP_PROPERTIES, targetOf } from './database-setup.specification';
import { customResourceEvent } from './event';
import { standInVector } from './stand-in-vector';

const create = customResourceEvent('Create', SETUP_PROPERTIES);

describe('a database that was set up', () => {
  describeDatabaseSetUp(() => standInVector('0.8.5'), /^0\.8\.5$/);
});

describe('a server without the database', () => {
  let server: RdsLikeServer;
  beforeAll(async () => {
    server = await startRdsLikeServer({ vector: await standInVector('0.4.4') });
  }, 60_000);
  afterAll(() => server?.stop());

  test('gets it, and fails clearly where pgvector is too old, leaving nothing half-made', async () => {
    await expect(setUpDatabase(create, targetOf(server))).rejects.toThrow(
      /^set-up of database letta on localhost:\d+ failed after 1 attempt: pgvector is 0\.4\.4, wanted 0\.5\.0 or later; run ALTER/,
    );
    expect(await server.postgres.sql(`SELECT datname FROM pg_database WHERE datname = 'letta'`)).toHaveLength(1);
    expect(
      await server.postgres.sql(`SELECT FROM pg_roles WHERE rolname IN ('letta_migrator', 'letta_runtime')`),
    ).toEqual([]);
  });

  test('fails with the statement and Postgres’ code where pgvector is missing', async () => {
    const bare = await startRdsLikeServer();
    try {
      await expect(setUpDatabase(create, targetOf(bare))).rejects.toThrow(
        /statement "CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public" failed with 0A000: extension "vector" is not available/,
      );
    } finally {
      await bare.stop();
    }
  }, 60_000);

  test('never tells the password it tried', async () => {
    const credentials = async () => ({ username: server.master.username, password: 'the-wrong-password' });
    const error = await setUpDatabase(create, targetOf(server, { credentials })).catch((caught) => caught);
    expect(error.message).toMatch(/password authentication failed for user "letta_master" \(28P01\)$/);
    expect(`${error.stack}${error.cause}`).not.toContain('the-wrong-password');
  });

  test('asks for the password again before every attempt, since it rotates', async () => {
    const passwords = ['outdated', server.master.password];
    const credentials = async () => ({ username: server.master.username, password: passwords.shift() ?? '' });
    const target = targetOf(server, { credentials, patienceMs: 10_000, pauseMs: 1 });
    await expect(setUpDatabase(create, target)).rejects.toThrow('failed after 2 attempts: pgvector is 0.4.4');
    expect(passwords).toEqual([]);
  });

  test('refuses a server whose certificate another authority signed', async () => {
    const { cert } = await createAuthority(await mkdtemp(path.join(tmpdir(), 'other-')), 'another');
    await expect(setUpDatabase(create, targetOf(server, { ca: cert }))).rejects.toThrow(/unable to verify|self.signed/);
  });

  test('refuses a server whose certificate is for another host', async () => {
    await expect(setUpDatabase(create, targetOf(server, { host: '127.0.0.1' }))).rejects.toThrow(
      /Hostname\/IP does not match certificate's altnames/,
    );
  });
});

describe('a fresh database', () => {
  let server: RdsLikeServer;
  beforeAll(async () => {
    server = await startRdsLikeServer({ vector: await standInVector('0.8.5'), database: 'letta' });
  }, 60_000);
  afterAll(() => server?.stop());

  test('is not set up over a session that is not encrypted', async () => {
    const client = new Client(server.postgres.superuser('letta'));
    await client.connect();
    try {
      await expect(setUp(client, { ...SETUP_PROPERTIES, database: 'letta' })).rejects.toThrow(
        'the session with the database is not encrypted; wanted TLS, so check rds.force_ssl',
      );
    } finally {
      await client.end();
    }
  });

  test('is set up by several attempts at once, which wait for each other', async () => {
    const attempts = Array.from({ length: 6 }, () => setUpDatabase(create, targetOf(server)));
    await expect(Promise.all(attempts)).resolves.toHaveLength(6);
  });
});

describe('a database that cannot be reached', () => {
  const unreachable = {
    host: '127.0.0.1',
    database: 'letta',
    ca: '',
    credentials: async () => ({ username: 'u', password: 'p' }),
  };

  test('is tried again until the time is up, then named', async () => {
    const port = await closedPort();
    await expect(setUpDatabase(create, { ...unreachable, port, patienceMs: 50, pauseMs: 20 })).rejects.toThrow(
      new RegExp(`^set-up of database letta on 127.0.0.1:${port} failed after [2-9] attempts: .*ECONNREFUSED`),
    );
  });

  test('is not touched on delete', async () => {
    const event = customResourceEvent('Delete', SETUP_PROPERTIES);
    await expect(setUpDatabase(event, { ...unreachable, port: 1 })).resolves.toEqual({
      PhysicalResourceId: 'the-id-it-was-created-with',
    });
  });
});

test('a master that RDS asks for an IAM token is told how that came and what to do', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'front-'));
  const authority = await createAuthority(folder);
  const port = await closedPort();
  const front = new RdsFront({
    ...{ host: 'localhost', port, resourceId: 'db-1', issuer: new KeyIssuer(), record: new AwsRecord(() => []) },
    upstream: { host: '127.0.0.1', port: 9 },
    needsToken: async () => true,
    tls: await createServerCertificate(folder, authority, ['localhost']),
  });
  await front.start('localhost');
  try {
    const error = await setUpDatabase(create, {
      ...{ host: 'localhost', port, database: 'letta', ca: authority.cert },
      credentials: async () => ({ username: 'letta_master', password: 'the-right-password' }),
    }).catch((caught) => caught);
    expect(error.message).toContain('after 1 attempt: PAM authentication failed for user "letta_master" (28000); RDS ');
    expect(error.message).toContain('it has become a member of rds_iam');
    expect(`${error.stack}${error.cause}`).not.toContain('the-right-password');
  } finally {
    front.stop();
    await rm(folder, { recursive: true });
  }
});

test('a missing property is named with what it got', async () => {
  const event = customResourceEvent('Create', { ...SETUP_PROPERTIES, runtimeRole: '' });
  await expect(
    setUpDatabase(event, {
      host: 'h',
      port: 1,
      database: 'd',
      ca: '',
      credentials: () => Promise.reject(new Error('unused')),
    }),
  ).rejects.toThrow('Resource: property runtimeRole is "", wanted a non-empty string');
});

/** A port of loopback on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
