import type { Deployed } from '../../deployed';
import { processesOf } from '../../../lab/processes';
import { readFileSync } from 'node:fs';
import { waitFor } from '../../../lab/wait';
import { Witness } from './witness';

export function lettaFaults(deployed: Deployed): void {
  describe('Letta killed in the middle of a turn', () => {
    let [plain, streaming]: Witness[] = [];
    beforeAll(async () => {
      [plain, streaming] = await Promise.all([Witness.of(deployed), Witness.of(deployed)]);
    }, 60_000);

    test('is a 502 for who waited, a cut for who read a stream; the task ends, and the next one remembers', async () => {
      const task = deployed.lab.service!;
      const before = modelCalls(deployed);
      const waiting = plain.turn('count slowly to 60');
      const reading = streaming.turn('count slowly to 60', { stream: true });
      await waitFor('both turns to be with the model', () => modelCalls(deployed) >= before + 2, { timeout: 30_000 });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      process.kill(task.container('letta').pid!, 'SIGKILL');

      const [waited, read] = await Promise.all([waiting, reading]);
      expect(waited).toMatchObject({ status: 502, broken: undefined });
      expect(waited.body).toContain('the Letta server broke off');
      expect(read.status).toBe(200);
      expect(read.body).toContain('assistant_message');
      expect(read.broken).toEqual(expect.any(String));

      await task.ended(130_000);
      expect(task.stoppedReason).toContain('Essential container in task exited (letta');
      expect(task.exitCodes()).toEqual({ gateway: 0, letta: 137 });
      await deployed.lab.startService();
      await plain.remembers();
      await streaming.remembers();
    }, 240_000);
  });

  describe('PgBouncer killed', () => {
    test('ends the gateway with an error and so the task; the next one remembers', async () => {
      const witness = await Witness.of(deployed);
      const task = deployed.lab.service!;
      const gateway = processesOf(task.container('gateway').pid!);
      const pgbouncer = gateway.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'pgbouncer');
      process.kill(Number(pgbouncer), 'SIGKILL');

      await task.ended(130_000);
      expect(task.stoppedReason).toContain('Essential container in task exited (gateway');
      expect(task.exitCodes().gateway).toBeGreaterThan(0);
      expect(task.container('gateway').log.tail(5)).toContain('pgbouncer ended with SIGKILL');
      await deployed.lab.startService();
      await witness.remembers();
    }, 240_000);
  });
}

/** Model calls that Bedrock has been asked for. */
export function modelCalls(deployed: Deployed): number {
  const { calls } = deployed.lab.services.record;
  return calls.filter(({ action, resource }) => action.startsWith('bedrock:Invoke') && resource.includes('profile/'))
    .length;
}
