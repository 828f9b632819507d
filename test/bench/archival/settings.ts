import type { Lab } from '../../lab/lab';

/** RDS's `shared_buffers` by default, `{DBInstanceClassMemory/32768}` in 8 KiB: a quarter of the default class's 8 GiB. */
const RDS_CACHE = { shared_buffers: '2GB' };

/** Settings that a search is measured with, over those of the parameter group. */
export const variants: Record<string, Record<string, string>> = {
  "PostgreSQL's defaults": { shared_buffers: '128MB', work_mem: '4MB', maintenance_work_mem: '64MB' },
  'the parameter group': RDS_CACHE,
  '… in one process': { ...RDS_CACHE, max_parallel_workers_per_gather: '0' },
  '… in four, always': {
    ...RDS_CACHE,
    max_parallel_workers_per_gather: '3',
    min_parallel_table_scan_size: '0',
    parallel_setup_cost: '0',
  },
};

/** Restarts the database with other settings. */
export async function restartWith({ services }: Lab, settings: Record<string, string>): Promise<void> {
  // ALTER SYSTEM runs in no transaction, and several statements at once are one.
  await services.postgres.sql('ALTER SYSTEM RESET ALL');
  for (const [name, value] of Object.entries(settings)) {
    await services.postgres.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await services.databaseDown();
  await services.databaseUp();
}
