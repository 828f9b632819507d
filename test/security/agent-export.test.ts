import { reportFigure } from '../gate/figures';
import { decide } from './access';
import { agentExport } from './decisions/agent-export';
import { Names } from './decisions/names';
import { questions } from './decisions/table';
import { exportDeployment } from './deployments';
import { Reachability } from './reachability';

const deployment = exportDeployment();
let decisions = 0;

describe('with an export of the agents', () => {
  test.each(agentExport(new Names(deployment)).map((row) => [row.expected, row.what, row] as const))(
    '%s: %s',
    async (expected, _what, row) => {
      const asked = questions(row);
      expect(asked).not.toHaveLength(0);
      for (const question of asked) {
        const { action, resource } = question;
        const verdict = await decide(deployment, question);
        expect({ action, resource, verdict }).toEqual({ action, resource, verdict: expected });
        decisions += 1;
      }
    },
  );

  const reachability = new Reachability(deployment);
  const SCHEDULED = 'Export/Schedule/Rule';
  const scheduled = reachability.workloads.find(({ name }) => name === SCHEDULED)!;

  test('its tasks reach the load balancer and the endpoints that they need, and neither database nor cache', () =>
    expect(reachability.from(scheduled)).toEqual([
      expect.stringMatching(/^S3 by /),
      'Service/LoadBalancer/Resource:80',
      'endpoint ecr.api:443',
      'endpoint ecr.dkr:443',
      'endpoint logs:443',
      'endpoint secretsmanager:443',
    ]));

  test('nothing reaches its tasks', () => expect(reachability.into(scheduled)).toEqual([]));

  test('its tasks stand in subnets without a way out', () => {
    expect(scheduled.subnets).toHaveLength(2);
    for (const subnet of scheduled.subnets) expect(reachability.routes(subnet)).toEqual(['the gateway of s3']);
  });

  test('has no rule that one side alone has', () => expect(reachability.halfOpen()).toEqual([]));
});

afterAll(() => reportFigure('decisions', decisions));
