import { Client } from 'pg';
import { waitFor } from '../wait';
import type { Postgres } from './postgres';

/** Builds an index concurrently, with a transaction in its way that it waits for. */
export class HeldBuild {
  private constructor(
    private readonly postgres: Postgres,
    private readonly inTheWay: Client,
    private readonly building: Promise<unknown>,
    private readonly pid: number,
  ) {}

  /** @param what `role` runs `statement`, a `CREATE INDEX CONCURRENTLY` or `REINDEX INDEX CONCURRENTLY` of `table` */
  static async start(
    postgres: Postgres,
    what: { database: string; table: string; role: string; statement: string },
  ): Promise<HeldBuild> {
    const [inTheWay, builder] = [0, 1].map(() => new Client(postgres.superuser(what.database)));
    for (const client of [inTheWay, builder]) {
      client.on('error', () => undefined);
      await client.connect();
    }
    await inTheWay.query(`BEGIN; LOCK TABLE ${what.table} IN ROW EXCLUSIVE MODE`);
    await builder.query(`SET ROLE ${what.role}`);
    const { rows } = await builder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const building = builder
      .query(what.statement)
      .catch((error: Error) => error)
      .finally(() => void builder.end().catch(() => undefined));
    const waiting = `SELECT FROM pg_stat_activity WHERE pid = ${rows[0].pid} AND wait_event_type = 'Lock'`;
    await waitFor('the index to be under way', async () => (await postgres.sql(waiting)).length === 1, {
      timeout: 10_000,
      interval: 20,
    });
    return new HeldBuild(postgres, inTheWay, building, rows[0].pid);
  }

  /** Ends its session, as a migration's that is killed: what it made is there and invalid. */
  async kill(): Promise<void> {
    await this.postgres.sql(`SELECT pg_terminate_backend(${this.pid})`);
    await this.letThrough();
  }

  /** Nothing stands in its way any more: waits until it has ended. */
  async letThrough(): Promise<void> {
    await this.inTheWay.end();
    await this.building;
  }
}
