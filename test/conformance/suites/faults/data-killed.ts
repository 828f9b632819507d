import { setTimeout as sleep } from 'node:timers/promises';
import { Address } from '../../../lab/namespace';
import { waitFor } from '../../../lab/wait';
import type { Deployed } from '../../deployed';
import { Ledger, tell } from './ledger';

/** Long enough that every agent has turns in flight and turns that were acknowledged. */
const BEFORE_THE_FAULT_MS = 5_000;
const RECOVERY = { timeout: 60_000, interval: 50 };

/** The database dies during turns. What was acknowledged must not. */
export function killedDatabase(deployed: Deployed): void {
  /** Does `fault` while agents are spoken to, and waits until one is answered again. */
  const during = async (what: string, fault: () => Promise<void>) => {
    const ledger = await Ledger.of(deployed, 4);
    ledger.start();
    await sleep(BEFORE_THE_FAULT_MS);
    const before = ledger.acknowledged.length;
    expect(before).toBeGreaterThan(0);
    const started = Date.now();
    await fault();
    const over = Date.now();
    await waitFor(`an answer after ${what}`, () => ledger.lastAnswer > over, RECOVERY);
    const seconds = (ledger.lastAnswer - started) / 1000;
    await sleep(2_000);
    await ledger.end();
    const found = await ledger.holds(before);
    tell(what, before, found, seconds);
    expect(ledger.failed.filter(({ status }) => status === undefined || (status !== 200 && status < 500))).toEqual([]);
  };
  const postgres = () => deployed.lab.services.postgres;

  test('a backend killed during turns loses nothing that was acknowledged', async () => {
    await during('a backend killed', async () => {
      const [{ pid }] = await postgres().sql<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = 'letta' AND usename <> 'postgres' ORDER BY query_start DESC`,
      );
      process.kill(pid, 'SIGKILL');
      await waitFor('Postgres to notice', () => /was terminated by signal 9/.test(postgres().log()), RECOVERY);
    });
  }, 180_000);

  test('a server killed during turns comes back with all that was acknowledged', async () => {
    await during('the server killed', async () => {
      await postgres().kill();
      await postgres().up();
    });
  }, 180_000);

  test('a standby promoted during turns has all that was acknowledged', async () => {
    await postgres().addStandby();
    await during('the standby promoted', async () => {
      // Its name leads nowhere until it leads to the other.
      deployed.lab.services.databaseFront.stop();
      await postgres().failOver();
      await deployed.lab.services.databaseFront.start(Address.DATABASE);
    });
  }, 180_000);
}
