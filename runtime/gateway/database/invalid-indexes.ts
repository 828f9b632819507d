import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { describeError, Log } from '../log';

const LOOK_EVERY_MS = 200;

export interface InvalidIndexesOptions {
  readonly host: string;
  readonly port: number;
  /** Owner of the tables that migrations make. */
  readonly user: string;
  readonly database: string;
  /**
   * How long to wait for whoever builds an index, and for transactions that use its table. The start of a migration's gateway has
   * room for it beside the wait for the lock. @default 30,000
   */
  readonly waitMs?: number;
  readonly log: Log;
}

interface InvalidIndex {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly table: number;
  readonly definition: string;
}

/**
 * Drops the indexes of `user` that were not built to their end. A migration that is killed during `CREATE INDEX CONCURRENTLY IF
 * NOT EXISTS` leaves one: no query uses it, each write pays for it, and the next attempt takes it for made.
 *
 * One that is still being built, by a session that outlived its migration or an operator's `REINDEX CONCURRENTLY`, is waited for
 * and stays if it was built to its end. Nobody who reads or writes the table waits meanwhile.
 *
 * @throws when one could not be dropped within `waitMs`: the migration would take it for made
 */
export async function dropInvalidIndexes(options: InvalidIndexesOptions): Promise<void> {
  const { host, port, user, database, waitMs = 30_000, log } = options;
  const client = new Client({ host, port, user, database, connectionTimeoutMillis: 10_000, keepAlive: true });
  // The query itself tells that the session ended; without a listener the client's event would end the process.
  client.on('error', () => undefined);
  const deadline = Date.now() + waitMs;
  await client.connect();
  try {
    for (const index of await invalidIndexes(client)) await drop(client, index, deadline, log);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function drop(client: Client, index: InvalidIndex, deadline: number, log: Log): Promise<void> {
  while (await isBeingBuilt(client, index)) {
    if (Date.now() > deadline) throw notDropped(index, 'an index of its table is being built');
    await sleep(LOOK_EVERY_MS);
  }
  if (!(await invalidIndexes(client)).some(({ oid }) => oid === index.oid)) return;
  const [schema, name] = [index.schema, index.name].map(escapeIdentifier);
  try {
    // PostgreSQL takes 0 for no limit.
    await client.query(`SET lock_timeout = ${Math.max(1, deadline - Date.now())}`);
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${schema}.${name}`);
  } catch (error) {
    throw notDropped(index, describeError(error));
  }
  // Names and columns only: with them it can be made again, if no migration makes it.
  log.warn('invalid-index-dropped', { index: `${index.schema}.${index.name}`, definition: index.definition });
}

/**
 * Whether a session builds an index of the table concurrently. Looks and takes no lock: whoever waits for the lock of such a
 * session is waited for by it, and PostgreSQL ends one of the two.
 */
async function isBeingBuilt(client: Client, { table }: InvalidIndex): Promise<boolean> {
  // Of sessions of other users the view shows little more than that they build one.
  const { rows } = await client.query(
    `SELECT FROM pg_locks JOIN pg_stat_progress_create_index USING (pid)
     WHERE relation = $1::oid AND granted AND mode = 'ShareUpdateExclusiveLock' AND pid <> pg_backend_pid()`,
    [table],
  );
  return rows.length > 0;
}

function notDropped({ schema, name }: InvalidIndex, reason: string): Error {
  // In the words of the lock on migrations: a rollback passes beside it.
  return new Error(
    `another migration of this database runs, or its table is in use: index ${schema}.${name} was not built to its end and could ` +
      `not be dropped: ${reason}; wait until that has ended (see pg_stat_activity), then deploy again`,
  );
}

/** Those that back a constraint or a partitioned table are none of these, and cannot be dropped like that. */
async function invalidIndexes(client: Client): Promise<InvalidIndex[]> {
  const { rows } = await client.query<InvalidIndex>(
    `SELECT c.oid, n.nspname AS schema, c.relname AS name, i.indrelid AS table, pg_get_indexdef(c.oid) AS definition
     FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'
       AND pg_get_userbyid(c.relowner) = current_user
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
     ORDER BY schema, name`,
  );
  return rows;
}
