import { Client, ClientConfig, DatabaseError, escapeIdentifier } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnEventRequest, OnEventResponse, stableId, stringProperty } from './custom-resource';
import { execute, setUp, SetupNames, StatementError } from './database-statements';
import { Credentials } from './master-credentials';
import { RetentionNames, setUpRetentionRole } from './retention-role';

/** Where the database is and how it is reached. */
export interface SetupTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** PEM text of the authorities that the server's certificate is verified against. */
  readonly ca: string;
  /** Asked before every attempt, because the master's password rotates. */
  readonly credentials: () => Promise<Credentials>;
  /** How long to try while the database can't be reached or is starting. @default 5 minutes */
  readonly patienceMs?: number;
  /** Pause between two attempts. @default 5 seconds */
  readonly pauseMs?: number;
}

/**
 * Makes the database ready for Letta: extension, roles, schema, privileges. Create and Update do the same; Delete drops
 * nothing, since the database outlives the stack.
 *
 * @throws with the statement and Postgres' code; never with a secret
 */
export async function setUpDatabase(event: OnEventRequest, target: SetupTarget): Promise<OnEventResponse> {
  const PhysicalResourceId = stableId(event);
  if (event.RequestType === 'Delete') return { PhysicalResourceId };

  if (event.ResourceProperties.retentionRole !== undefined) {
    const names: RetentionNames = {
      database: target.database,
      schema: stringProperty(event, 'schema'),
      migratorRole: stringProperty(event, 'migratorRole'),
      retentionRole: stringProperty(event, 'retentionRole'),
    };
    await patiently(target, async () =>
      connected(target, await target.credentials(), target.database, (client) => setUpRetentionRole(client, names)),
    );
    return { PhysicalResourceId };
  }
  const names: SetupNames = {
    database: target.database,
    schema: stringProperty(event, 'schema'),
    migratorRole: stringProperty(event, 'migratorRole'),
    runtimeRole: stringProperty(event, 'runtimeRole'),
  };
  const { vectorVersion } = await patiently(target, () => attempt(target, names));
  return { PhysicalResourceId, Data: { VectorVersion: vectorVersion } };
}

async function attempt(target: SetupTarget, names: SetupNames): Promise<{ vectorVersion: string }> {
  const master = await target.credentials();
  try {
    return await connected(target, master, target.database, (client) => setUp(client, names));
  } catch (error) {
    if (codeOf(error) !== INVALID_CATALOG_NAME) throw error;
  }
  // RDS makes its first database itself; an imported instance may not have it.
  await connected(target, master, 'postgres', (client) => createDatabase(client, target.database));
  return connected(target, master, target.database, (client) => setUp(client, names));
}

async function createDatabase(client: Client, database: string): Promise<void> {
  try {
    await execute(client, `CREATE DATABASE ${escapeIdentifier(database)}`);
  } catch (error) {
    if (codeOf(error) !== DUPLICATE_DATABASE) throw error;
  }
}

async function connected<Result>(
  target: SetupTarget,
  master: Credentials,
  database: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const config: ClientConfig = {
    host: target.host,
    port: target.port,
    user: master.username,
    password: master.password,
    database,
    // Node checks the chain against these authorities alone, and the host name: libpq's verify-full.
    ssl: { ca: target.ca, rejectUnauthorized: true },
    application_name: 'cdk-letta database set-up',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 60_000,
  };
  const client = new Client(config);
  // A connection that breaks also fails the statement that is running.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const INVALID_CATALOG_NAME = '3D000';
const DUPLICATE_DATABASE = '42P04';
const INVALID_AUTHORIZATION = '28000';

/** What passes by itself: a database that is starting, failing over or rotating its password, or two set-ups at once. */
const PASSING = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['57P01', '57P02', '57P03', '53300', '08006', '28P01', '40001', '40P01'],
]);

async function patiently<Result>(target: SetupTarget, work: () => Promise<Result>): Promise<Result> {
  const end = Date.now() + (target.patienceMs ?? 5 * 60_000);
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error) || Date.now() >= end) throw described(error, target, tries);
      await sleep(target.pauseMs ?? 5_000);
    }
  }
}

function passes(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return PASSING.has(code);
  return error instanceof Error && /^(timeout expired|Connection terminated)/.test(error.message);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof StatementError ? error.code : (error as DatabaseError | undefined)?.code;
}

function described(error: unknown, target: SetupTarget, tries: number): Error {
  const { host, port, database } = target;
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const code = error instanceof StatementError ? undefined : codeOf(error);
  const attempts = tries === 1 ? '1 attempt' : `${tries} attempts`;
  const told = `set-up of database ${database} on ${host}:${port} failed after ${attempts}: ${reason}`;
  return new Error(`${told}${code ? ` (${code})` : ''}${hint(code, reason)}`, { cause: error });
}

/** RDS checks IAM tokens by PAM; a password that comes to that check fails, however right it is. */
function hint(code: string | undefined, reason: string): string {
  if (code !== INVALID_AUTHORIZATION || !reason.startsWith('PAM authentication failed')) return '';
  return (
    '; RDS wants an IAM token of the master user instead of its password: it has become a member of rds_iam, itself or ' +
    'through a role granted to it. Log in as it with a token once and revoke that membership, then deploy again'
  );
}
