import { ContainerName, GatewayVariable, Port } from '../../../../runtime/contract';
import { Hanging, where } from '../../../lab/fake-aws/faults';
import { LoadBalancer, loadBalancerOptions } from '../../../lab/load-balancer';
import type { Task } from '../../../lab/task';
import { waitFor } from '../../../lab/wait';
import type { Deployed } from '../../deployed';
import { ask, untilFailing } from './readiness';
import { said, Witness } from './witness';

const IDLE_SECONDS = 6;

/** A task beside the service's: with TLS to it, little patience, and at first a Bedrock that has no models for it. */
export function startFaults(deployed: Deployed): void {
  const variables = { [GatewayVariable.API_TLS]: 'true', [GatewayVariable.IDLE_TIMEOUT]: String(IDLE_SECONDS) };

  describe('a task that starts while Bedrock lists no models', () => {
    let task: Task;
    let failure: string;

    beforeAll(async () => {
      const { lab } = deployed;
      const undo = lab.services.aws.faults.inject('bedrock', async (call) =>
        call.json({ inferenceProfileSummaries: [] }),
      );
      try {
        task = lab.newTask(variables);
        failure = await task.start().then(
          () => 'none',
          (error: Error) => error.message,
        );
      } finally {
        undo();
      }
    }, 120_000);

    test('never gets as far as Letta: the gateway ends with the reason in its log and a metric', () => {
      expect(failure).toContain(`container ${ContainerName.GATEWAY} ended with 1`);
      expect(task.exitCodes()).toEqual({ gateway: 1, letta: undefined });
      const lines = task.container(ContainerName.GATEWAY).log.lines();
      const log = lines.map(({ message }) => JSON.parse(message) as Record<string, unknown>);
      expect(log.find(({ event }) => event === 'gateway-start-failed')).toMatchObject({
        reason: expect.stringContaining('the account has none of the allowed chat models'),
      });
      expect(log.find(({ event }) => event === 'readiness')).toMatchObject({ ChatModelsListed: 0, Ready: 0 });
    });

    test('takes no model from the tasks that run: an agent can be made there as before', async () => {
      await (await Witness.of(deployed)).remembers();
    }, 60_000);
  });

  describe('a task with TLS to it', () => {
    let task: Task;
    let url: string;
    let balancer: LoadBalancer;

    beforeAll(async () => {
      const { lab } = deployed;
      task = lab.newTask(variables);
      await task.start();
      url = `https://${task.address}:${Port.API}`;
      balancer = new LoadBalancer({ ...loadBalancerOptions(lab.template), targetProtocol: 'https' });
      await balancer.start();
      balancer.register(task.address);
    }, 120_000);
    afterAll(async () => {
      deployed.front = undefined;
      balancer?.stop();
      await task?.stop('the test is over', 20);
    }, 60_000);

    test('is healthy once Letta is', async () => {
      expect(await untilFailing(url, [], 60_000)).toMatchObject({ status: 200 });
      await balancer.healthy(task.address, 60_000);
    }, 130_000);

    test('answers over TLS alone, plain and in a stream', async () => {
      await expect(ask(`http://${task.address}:${Port.API}`, '/v1/health/')).rejects.toThrow();
      deployed.front = balancer.url;
      const witness = await Witness.of(deployed);
      await witness.remembers();
      expect(said(await witness.turn('Over TLS.', { stream: true }))).toContain('You said: Over TLS.');
    }, 60_000);

    test('gives a model that stays silent up after the idle time-out, for who waits and towards Bedrock', async () => {
      deployed.front = balancer.url;
      const witness = await Witness.of(deployed);
      const hanging = new Hanging();
      const release = deployed.lab.services.aws.faults.inject('bedrock-runtime', where(/claude/, hanging.fault));
      const turn = await witness.turn('Hello?');
      expect(turn).toMatchObject({ status: 504, broken: undefined });
      expect(turn.body).toContain('`idleTimeout`');
      expect(turn.milliseconds).toBeLessThan((IDLE_SECONDS + 4) * 1000);
      // Its own silence began later than that of who waits, so it is given up later.
      await waitFor('the call of Bedrock to be given up', () => hanging.abandoned > 0, { timeout: 5_000 });
      release();
      await witness.remembers();
    }, 60_000);
  });
}
