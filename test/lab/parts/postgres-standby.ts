import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { waitFor } from '../wait';
import type { Postgres } from './postgres';

/** Copies the data of a running server, as the low-level backup of PostgreSQL's documentation does; the copy needs no other one. */
export async function copyRunning(postgres: Postgres, to: string): Promise<void> {
  const session = new Client(postgres.superuser());
  await session.connect();
  try {
    await session.query("SELECT pg_backup_start('copy', true)");
    await cp(postgres.data, to, {
      recursive: true,
      filter: (file) => !/\/(postmaster\.(pid|opts)|pgsql_tmp|pg_replslot\/.*)$/.test(file),
    });
    const { rows } = await session.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    await writeFile(path.join(to, 'backup_label'), rows[0].labelfile);
    // With what was written meanwhile, up to the record that ends the backup.
    await cp(path.join(postgres.data, 'pg_wal'), path.join(to, 'pg_wal'), { recursive: true });
  } finally {
    await session.end();
  }
}

/** Waits until every commit waits for the standby. */
export async function standbyIsSynchronous(postgres: Postgres): Promise<void> {
  const look = () => postgres.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
  await waitFor('the standby to be synchronous', async () => (await look()).length === 1, { timeout: 30_000 });
}
