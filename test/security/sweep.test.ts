import { reportFigure } from '../gate/figures';
import type { Deployment } from './deployment';
import { defaultDeployment, enterpriseDeployment } from './deployments';
import { allActions, reachableActions } from './iam-actions';
import { DEFAULT_ROLES, ENDPOINTS, ENTERPRISE_ROLES, type Reach } from './reach-table';
import { inventory, reach } from './sweep';

let sweeps = 0;
const sorted = (reached: Reach): Reach =>
  Object.fromEntries(
    Object.entries(reached)
      .map(([action, names]) => [action, [...names].sort()] as const)
      .sort(),
  );

describe.each<[string, Deployment, Record<string, Reach>, string[]]>([
  ['default', defaultDeployment(), DEFAULT_ROLES, []],
  ['enterprise', enterpriseDeployment(), ENTERPRISE_ROLES, ['bedrock:ApplyGuardrail']],
])('of all that AWS can do, in the %s stack', (_, deployment, table, guardrailActions) => {
  let actions: string[];
  const targets = inventory(deployment);

  beforeAll(async () => {
    actions = await allActions();
    expect(actions.length).toBeGreaterThan(20_000);
  });

  test('the table names every role', () => {
    expect(
      deployment
        .roles()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(table).sort());
  });

  test.each(deployment.roles().map((role) => [role.name, role] as const))(
    '%s reaches just this',
    async (name, role) => {
      const able = reachableActions(role.identity, actions);
      const { reached, asked } = await reach(role, able, targets);
      sweeps += actions.length + asked;
      expect(sorted(reached)).toEqual(sorted(table[name]));
    },
  );

  test.each(deployment.endpoints().map((endpoint) => [endpoint.service, endpoint] as const))(
    'the endpoint of %s lets just this pass',
    (service, { policy }) => {
      sweeps += actions.length;
      const extra = service === 'bedrock-runtime' ? guardrailActions : [];
      expect(reachableActions([policy!], actions)).toEqual([...ENDPOINTS[service], ...extra].sort());
    },
  );

  test('there is an endpoint for each service in the table, and no other', () => {
    expect(
      deployment
        .endpoints()
        .map(({ service }) => service)
        .sort(),
    ).toEqual(Object.keys(ENDPOINTS).sort());
  });
});

afterAll(() => reportFigure('sweeps', sweeps));
