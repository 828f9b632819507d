import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../../../lab/wait';
import type { Deployed } from '../../deployed';
import { Ledger, tell } from './ledger';

/** Room for what Postgres needs to start, and nothing that turns could fill in a test's time. */
const FREE_MIB = 64;
const PATIENCE = { timeout: 60_000, interval: 50 };

/** The disk of the database is full, and then has room again. */
export function fullDisk(deployed: Deployed): void {
  test('a full disk fails turns with 5xx, loses nothing and breaks no agent', async () => {
    const { services } = deployed.lab;
    const ledger = await Ledger.of(deployed, 4);
    await services.databaseDown();
    await services.postgres.limitDisk(FREE_MIB);
    await services.databaseUp();
    ledger.start();
    await waitFor('acknowledged turns', () => ledger.acknowledged.length > 8, PATIENCE);

    const filler = path.join(services.postgres.data, 'filler');
    fill(filler);
    const failedBefore = ledger.failed.length;
    await waitFor('turns that fail', () => ledger.failed.length >= failedBefore + 4, PATIENCE);
    const before = ledger.acknowledged.length;
    expect(services.postgres.log()).toContain('No space left on device');

    rmSync(filler);
    const over = Date.now();
    // Where not even its log can grow, Postgres ends; RDS starts it again once there is room.
    const alive = () => services.postgres.sql('SELECT 1').catch(() => undefined);
    await waitFor('Postgres', alive, { timeout: 10_000 }).catch(() => services.postgres.up());
    await waitFor('an answer with room again', () => ledger.lastAnswer > over, PATIENCE);
    const seconds = (ledger.lastAnswer - over) / 1000;
    await ledger.end();

    expect(ledger.failed.filter(({ status }) => status === undefined || (status !== 200 && status < 500))).toEqual([]);
    const found = await ledger.holds(before);
    tell('the disk full', before, found, seconds);
  }, 240_000);
}

/** Writes until the disk takes no more. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (const size of [1 << 20, 4096]) {
      try {
        for (;;) writeSync(descriptor, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
