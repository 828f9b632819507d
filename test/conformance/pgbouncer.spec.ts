import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Signer } from '@aws-sdk/rds-signer';
import { Client } from 'pg';
import { Pgbouncer } from '../../runtime/gateway/database/pgbouncer';
import { AwsRecord } from '../lab/aws-record';
import { KeyIssuer } from '../lab/credentials';
import { createAuthority, createServerCertificate } from '../lab/parts/certificates';
import { Postgres, startPostgres } from '../lab/parts/postgres';
import { RdsFront } from '../lab/rds-front';
import { close, listening, recordingLog, until } from '../runtime/gateway/support';

// The real PgBouncer between the gateway's token and a database that verifies it. A task renews it every ten minutes.

const RENEWAL_MS = 1_000;
const host = '127.0.0.1';
const user = 'letta';
const issuer = new KeyIssuer();
/** The one role that may connect: a token of another one is worth nothing any more. */
let allowed = 'First';
const record = new AwsRecord((role) => [
  {
    Effect: role === allowed ? 'Allow' : 'Deny',
    Action: 'rds-db:connect',
    Resource: `arn:aws:rds-db:us-east-1:111122223333:dbuser:db-1/${user}`,
  },
]);
const log = recordingLog();
const deaths: string[] = [];
const searchPath = process.env.PATH;
let folder: string;
let postgres: Postgres;
let front: RdsFront;
let pgbouncer: Pgbouncer;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'pgbouncer-'));
  const authority = await createAuthority(folder);
  const tls = await createServerCertificate(folder, authority, [host]);
  postgres = await startPostgres({ tls, hba: [`hostssl all ${user} 127.0.0.1/32 trust`] });
  await postgres.sql(`CREATE ROLE ${user} LOGIN`);
  await postgres.sql(`CREATE DATABASE letta OWNER ${user}`);
  const frontPort = await freePort();
  front = new RdsFront({
    ...{ host, port: frontPort, resourceId: 'db-1', upstream: postgres, issuer, record, tls },
    needsToken: async () => true,
  });
  await front.start(host);
  process.env.PATH = `${await pathForThisUser()}:${searchPath}`;
  port = await freePort();
  const token = () =>
    new Signer({
      hostname: host,
      port: frontPort,
      username: user,
      region: 'us-east-1',
      credentials: issuer.issue(allowed),
    }).getAuthToken();
  pgbouncer = new Pgbouncer({
    database: { host, port: frontPort, name: 'letta', user, caFile: authority.certFile, maxConnections: 10 },
    listen: { host, port },
    folder,
    token,
    onDeath: (reason) => deaths.push(reason),
    renewal: { everyMs: RENEWAL_MS, retryMs: RENEWAL_MS },
    log,
  });
  await pgbouncer.start(await token());
});
afterAll(async () => {
  await pgbouncer?.stop();
  front?.stop();
  await postgres?.stop();
  process.env.PATH = searchPath;
  await rm(folder, { recursive: true, force: true });
});

test('an open session lives through renewals, and a new one logs in with the new token', async () => {
  const open = await session();
  await open.query('CREATE TEMPORARY TABLE kept AS SELECT 42 AS answer');
  expect(front.sessions.map(({ role }) => role)).toEqual(['First']);

  allowed = 'Second';
  const renewals = () => log.lines.filter(({ event }) => event === 'database-token-renewed').length;
  const before = renewals();
  // The one under way may have been signed before.
  await until(() => renewals() >= before + 2, 'two renewals');

  const fresh = await session();
  expect((await fresh.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  // A login that meets the reading of the file is broken off by PgBouncer and tried again: there may be two.
  const [first, ...later] = front.sessions.map(({ role }) => role);
  expect([first, ...new Set(later)]).toEqual(['First', 'Second']);
  expect((await open.query('SELECT answer FROM kept')).rows).toEqual([{ answer: 42 }]);
  await Promise.all([open.end(), fresh.end()]);
  expect([record.refused, deaths]).toEqual([[], []]);
});

async function session(): Promise<Client> {
  const client = new Client({ host, port, user, database: 'letta' });
  await client.connect();
  return client;
}

async function freePort(): Promise<number> {
  const free = await listening(createServer());
  await close(free.server);
  return free.port;
}

/** PgBouncer does not run as root, whose files it must read here: elsewhere both are the gateway's own user. */
async function pathForThisUser(): Promise<string> {
  const binaries = path.join(folder, 'bin');
  await mkdir(binaries);
  if (process.getuid?.() !== 0) return binaries;
  const real = execFileSync('which', ['pgbouncer'], { encoding: 'utf8' }).trim();
  const reads = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  await writeFile(
    path.join(binaries, 'pgbouncer'),
    `#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups ${reads.join(' ')} ${real} "$@"\n`,
    { mode: 0o755 },
  );
  return binaries;
}
