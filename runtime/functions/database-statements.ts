import { Client, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { SetupProperties } from '../contract';

/** Oldest pgvector whose types and operators Letta's migrations use. */
export const MINIMUM_VECTOR_VERSION = '0.5.0';

/** Roles, schema and database that the set-up makes. */
export type SetupNames = Omit<SetupProperties, 'revision'> & { readonly database: string };

/** A statement that Postgres refused: which one, and Postgres' code. */
export class StatementError extends Error {
  constructor(
    statement: string,
    readonly code: string | undefined,
    cause: Error,
  ) {
    super(`statement "${statement}" failed with ${code ?? 'no code'}: ${cause.message}`, { cause });
  }
}

/** Runs one statement. @throws StatementError */
export async function execute(client: Client, statement: string): Promise<Record<string, unknown>[]> {
  try {
    return (await client.query(statement)).rows;
  } catch (error) {
    throw new StatementError(statement, (error as DatabaseError).code, error as Error);
  }
}

/**
 * Makes roles, schema, extension and privileges in one transaction; running it again changes nothing.
 *
 * @throws StatementError, or an Error when the session isn't encrypted or pgvector is too old
 */
export async function setUp(client: Client, names: SetupNames): Promise<{ vectorVersion: string }> {
  await requireTls(client);
  await execute(client, 'BEGIN');
  // One at a time: attempts of the same deployment may overlap.
  await execute(client, `SELECT pg_advisory_xact_lock(hashtext('cdk-letta database set-up'))`);
  const vector = await createVector(client);
  for (const role of [names.migratorRole, names.runtimeRole]) await createRole(client, role);
  for (const statement of privileges(names, vector.schema)) await execute(client, statement);
  await execute(client, 'COMMIT');
  return { vectorVersion: vector.version };
}

/** @throws when the session isn't encrypted */
export async function requireTls(client: Client): Promise<void> {
  const [session] = await execute(client, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  if (session?.ssl !== true) {
    throw new Error('the session with the database is not encrypted; wanted TLS, so check rds.force_ssl');
  }
}

async function createVector(client: Client): Promise<{ version: string; schema: string }> {
  await execute(client, 'CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public');
  const [row] = await execute(
    client,
    `SELECT extversion AS version, extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'vector'`,
  );
  const version = String(row.version);
  if (isOlder(version, MINIMUM_VECTOR_VERSION)) {
    const fix = 'run ALTER EXTENSION vector UPDATE as the master user, after an upgrade of the engine if need be';
    throw new Error(`pgvector is ${version}, wanted ${MINIMUM_VECTOR_VERSION} or later; ${fix}`);
  }
  return { version, schema: String(row.schema) };
}

/** Compares dotted versions number by number. */
export function isOlder(version: string, minimum: string): boolean {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  const at = b.findIndex((part, index) => (a[index] ?? 0) !== part);
  return at >= 0 && (a[at] ?? 0) < b[at];
}

async function createRole(client: Client, role: string): Promise<void> {
  const exists = await execute(client, `SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(role)}`);
  if (exists.length === 0) await execute(client, `CREATE ROLE ${escapeIdentifier(role)} LOGIN`);
  await execute(client, `GRANT rds_iam TO ${escapeIdentifier(role)}`);
}

/**
 * The master is no superuser, so it acts as the migrator for what the migrator owns. That membership must neither
 * inherit nor outlast the transaction: whoever inherits from a member of `rds_iam` can log in by token only, and the
 * master would be locked out.
 */
function privileges(names: SetupNames, vectorSchema: string): string[] {
  const [database, schema, migrator, runtime] = [
    names.database,
    names.schema,
    names.migratorRole,
    names.runtimeRole,
  ].map(escapeIdentifier);
  const searchPath = names.schema === 'public' ? schema : `${schema}, ${vectorSchema}`;
  const defaults = `ALTER DEFAULT PRIVILEGES FOR ROLE ${migrator} IN SCHEMA ${schema} GRANT`;
  return [
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    // Migrations use temporary tables; the server does not.
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${migrator}`,
    `GRANT CONNECT ON DATABASE ${database} TO ${runtime}`,
    `GRANT USAGE ON SCHEMA ${vectorSchema} TO ${migrator}, ${runtime}`,
    `ALTER ROLE ${migrator} IN DATABASE ${database} SET search_path = ${searchPath}`,
    `ALTER ROLE ${runtime} IN DATABASE ${database} SET search_path = ${searchPath}`,
    `GRANT ${migrator} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE`,
    `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${migrator}`,
    `SET LOCAL ROLE ${migrator}`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${runtime}`,
    `${defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${runtime}`,
    `${defaults} USAGE, SELECT, UPDATE ON SEQUENCES TO ${runtime}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${runtime}`,
    `GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${runtime}`,
    // As alembic makes it: made before the migration, so that what the server may do with it can be taken away here. Whoever
    // writes it decides which migrations run next.
    `CREATE TABLE IF NOT EXISTS ${schema}.alembic_version (
       version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))`,
    `REVOKE INSERT, UPDATE, DELETE ON ${schema}.alembic_version FROM ${runtime}`,
    'RESET ROLE',
    `REVOKE ${migrator} FROM CURRENT_USER`,
  ];
}
