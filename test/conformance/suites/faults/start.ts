import { ContainerName, GatewayVariable, Port } from '../../../../runtime/contract';
import { Hanging, where } from '../../../lab/fake-aws/faults';
import { LoadBalancer, loadBalancerOptions } from '../../../lab/load-balancer';
import type { Task } from '../../../lab/task';
import type { Deployed } from '../../deployed';
import { ask, untilFailing } from './readiness';
import { said, Witness } from './witness';

const IDLE_SECONDS = 6;

/** A task beside the service's: with TLS to it, little patience, and a Bedrock that has no models for it at first. */
export function startFaults(deployed: Deployed): void {
  describe('a task that starts while Bedrock lists no models', () => {
    let task: Task;
    let url: string;
    let balancer: LoadBalancer;
    let undo: () => void;
    const log = () =>
      task
        .container(ContainerName.GATEWAY)
        .log.lines()
        .map(({ message }) => message);

    beforeAll(async () => {
      const { lab } = deployed;
      undo = lab.services.aws.faults.inject('bedrock', async (call) => call.json({ inferenceProfileSummaries: [] }));
      const variables = { [GatewayVariable.API_TLS]: 'true', [GatewayVariable.IDLE_TIMEOUT]: String(IDLE_SECONDS) };
      task = lab.newTask(variables);
      await task.start();
      url = `https://${task.address}:${Port.API}`;
      balancer = new LoadBalancer({ ...loadBalancerOptions(lab.template), targetProtocol: 'https' });
      await balancer.start();
      balancer.register(task.address);
    }, 120_000);
    afterAll(async () => {
      deployed.front = undefined;
      undo();
      balancer?.stop();
      await task?.stop('the test is over', 20);
    }, 60_000);

    test('says that Letta and Bedrock fail, then that Bedrock alone does', async () => {
      await untilFailing(url, ['letta', 'bedrock']);
      expect(await untilFailing(url, ['bedrock'], 60_000)).toMatchObject({ status: 503 });
    }, 90_000);

    test('is never healthy, though Letta answers: with the reason in its answer, its log and a metric', async () => {
      const health = await ask(url, '/v1/health/');
      expect(health).toEqual({ status: 503, body: expect.stringContaining('none of the allowed chat models') });
      expect(balancer.state(task.address)).not.toBe('healthy');
      expect(log().filter((line) => line.includes('"no-chat-models"'))).not.toEqual([]);
    });

    test('takes no model from the tasks that run: an agent can be made there as before', async () => {
      await (await Witness.of(deployed)).remembers();
    }, 60_000);

    test('is healthy once Bedrock lists them', async () => {
      undo();
      expect(await untilFailing(url, [], 40_000)).toMatchObject({ status: 200 });
      await balancer.healthy(task.address, 10_000);
    }, 60_000);

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
      release();
      expect(hanging.abandoned).toBeGreaterThan(0);
      await witness.remembers();
    }, 60_000);
  });
}
