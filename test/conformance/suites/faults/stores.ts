import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployed } from '../../deployed';
import { untilFailing } from './readiness';
import { answered, recovery, Witness } from './witness';

/** Milliseconds that the database is away: a restart, or a fail-over that was quick. */
const AWAY = 6_000;
/** PgBouncer asks a database that was away again after its `server_login_retry` of 2 s. */
const DATABASE_RECOVERY = 4_000;

export function storeFaults(deployed: Deployed): void {
  /** Containers, and so processes, that run: nothing of them may have been started again. */
  const running = () => ['gateway', 'letta'].map((name) => deployed.lab.service!.container(name).pid);

  describe('the database restarted', () => {
    test('fails the turn in flight, lets others wait, and is used again without a restart of anything', async () => {
      const { services } = deployed.lab;
      const [witness, other] = await Promise.all([Witness.of(deployed), Witness.of(deployed)]);
      const before = running();
      const sessions = services.databaseFront.sessions.length;
      const interrupted = witness.turn('count slowly to 6');
      await sleep(1_500);
      await services.databaseDown();
      const meanwhile = other.turn('Is anybody there?');
      await Promise.all([sleep(AWAY), untilFailing(deployed.url, ['database'])]);
      await services.databaseUp();
      const { failed, after } = await recovery(other);

      expect(await interrupted).toMatchObject({ status: 500, broken: undefined });
      const waited = await meanwhile;
      expect(answered(waited) || waited.status === 500).toBe(true);
      expect(after).toBeLessThan(DATABASE_RECOVERY);
      expect(failed.filter(({ status }) => status !== 500)).toEqual([]);
      await witness.remembers();
      await other.remembers();
      await untilFailing(deployed.url, []);
      expect(running()).toEqual(before);
      expect(services.databaseFront.sessions.slice(sessions).filter(({ role }) => role === undefined)).toEqual([]);
    }, 180_000);
  });

  describe('the cache restarted', () => {
    test('fails turns at once while it is away, and none afterwards', async () => {
      const { services } = deployed.lab;
      const witness = await Witness.of(deployed);
      const before = running();
      await services.cacheDown();
      const plain = await witness.turn('Is anybody there?');
      const streamed = await witness.turn('Is anybody there?', { stream: true });
      const { body } = await untilFailing(deployed.url, ['cache']);
      await services.cacheUp();
      const { failed } = await recovery(witness);

      // Letta locks a conversation in the cache before it lets the agent think, and knows no way without.
      for (const turn of [plain, streamed]) {
        expect(turn).toMatchObject({ status: 500, broken: undefined });
        expect(turn.milliseconds).toBeLessThan(10_000);
      }
      expect(failed).toEqual([]);
      expect(body).not.toContain('reasons');
      await witness.remembers();
      await untilFailing(deployed.url, []);
      expect(running()).toEqual(before);
    }, 180_000);
  });
}
