import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, Log } from '../log';

/** Two numbers of our own: Letta's scheduler takes locks of one number. */
const LOCK = '7236, 1';
/** Seen as `application_name` by whoever waits. */
const NAME = 'cdk-letta-migration-lock';

export interface MigrationLockOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** How long to wait for another migration. */
  readonly waitMs: number;
  /** Between two attempts to get the lock. @default 1,000 */
  readonly attemptEveryMs?: number;
  /** Between two looks at whether the session that holds it still stands. @default 5,000 */
  readonly lookEveryMs?: number;
  /** Told once, if the lock is lost before it is released: what runs under it must not go on. */
  readonly onLost: (reason: string) => void;
  readonly log: Log;
}

/**
 * Keeps two migrations of a database apart: a PostgreSQL advisory lock, held by a session of its own for as long as the
 * task runs. A task that ends in any way gives it back, since its session ends.
 */
export class MigrationLock {
  private released = false;

  private constructor(
    private readonly client: Client,
    private readonly options: MigrationLockOptions,
  ) {
    client.on('error', (error) => this.lost(describeError(error)));
    client.on('end', () => this.lost('its session ended'));
    void this.watch();
  }

  /**
   * Waits until no other migration runs.
   *
   * @throws when another one still runs after `waitMs`, naming it, or the database cannot be asked
   */
  static async take(options: MigrationLockOptions): Promise<MigrationLock> {
    const deadline = Date.now() + options.waitMs;
    const { attemptEveryMs = 1_000, log } = options;
    let told = '';
    for (;;) {
      const left = deadline - Date.now();
      const attempt = await attemptToLock(options).catch((error: unknown) => ({ why: describeError(error) }));
      if ('client' in attempt) return new MigrationLock(attempt.client, options);
      if (left <= 0) throw new Error(`the lock on migrations was not to be had: ${attempt.why}`);
      if (attempt.why !== told) log.info('migration-waits', { reason: attempt.why, seconds: Math.ceil(left / 1000) });
      told = attempt.why;
      await sleep(Math.min(attemptEveryMs, left));
    }
  }

  async release(): Promise<void> {
    this.released = true;
    await this.client.end().catch(() => undefined);
  }

  private async watch(): Promise<void> {
    const { lookEveryMs = 5_000 } = this.options;
    while (!this.released) {
      await sleep(lookEveryMs, undefined, { ref: false });
      if (this.released) return;
      await this.client.query('SELECT 1').catch((error: unknown) => this.lost(describeError(error)));
    }
  }

  private lost(reason: string): void {
    if (this.released) return;
    this.released = true;
    this.options.onLost(`the lock on migrations was lost: ${reason}`);
  }
}

async function attemptToLock(options: MigrationLockOptions): Promise<{ client: Client } | { why: string }> {
  const { host, port, user, database } = options;
  const client = new Client({
    ...{ host, port, user, database, application_name: NAME },
    ...{ connectionTimeoutMillis: 10_000, query_timeout: 10_000, keepAlive: true },
  });
  // There for as long as the client lives: an error that nobody listens to would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const locked = await client.query<{ locked: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS locked`);
    if (locked.rows[0].locked) return { client };
    const why = await otherMigration(client);
    await client.end();
    return { why };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

async function otherMigration(client: Client): Promise<string> {
  const { rows } = await client.query<{ pid: number; since: Date }>(
    `SELECT a.pid, a.backend_start AS since FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid) = (${LOCK})
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  const [other] = rows;
  if (!other) return 'another migration of this database runs; wait until it has ended, then deploy again';
  const since = other.since instanceof Date ? ` since ${other.since.toISOString()}` : '';
  return `another migration of this database runs${since} (session ${other.pid}); wait until it has ended, then deploy again`;
}
