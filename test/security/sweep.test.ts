import { reportFigure } from '../gate/figures';
import type { Deployment } from './deployment';
import { defaultDeployment, enterpriseDeployment, toolDeployment } from './deployments';
import { allActions, reachableActions } from './iam-actions';
import {
  ALLOWED_CALLS,
  DEFAULT_ROLES,
  ENDPOINTS,
  ENTERPRISE_ROLES,
  SANDBOX_CODE,
  TOOL_ENDPOINTS,
  TOOL_ROLES,
  type Reach,
} from './reach-table';
import { inventory, reach } from './sweep';

let sweeps = 0;
const sorted = (reached: Reach): Reach =>
  Object.fromEntries(
    Object.entries(reached)
      .map(([action, names]) => [action, [...names].sort()] as const)
      .sort(),
  );

const withGuardrail = {
  ...ENDPOINTS,
  'bedrock-runtime': ['bedrock:ApplyGuardrail', ...ENDPOINTS['bedrock-runtime']],
};

describe.each<[string, Deployment, Record<string, Reach>, Record<string, string[]>]>([
  ['default', defaultDeployment(), DEFAULT_ROLES, ENDPOINTS],
  ['enterprise', enterpriseDeployment(), ENTERPRISE_ROLES, withGuardrail],
  ['closed tool', toolDeployment('closed'), TOOL_ROLES.closed, TOOL_ENDPOINTS.closed],
  ['opened tool', toolDeployment('opened'), TOOL_ROLES.opened, TOOL_ENDPOINTS.opened],
  ['code interpreter', toolDeployment('interpreter'), TOOL_ROLES.interpreter, TOOL_ENDPOINTS.interpreter],
])('of all that AWS can do, in the %s stack', (_, deployment, table, endpoints) => {
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
      expect(reachableActions([policy!], actions)).toEqual([...endpoints[service]].sort());
    },
  );

  test('there is an endpoint for each service in the table, and no other', () => {
    expect(
      deployment
        .endpoints()
        .map(({ service }) => service)
        .sort(),
    ).toEqual(Object.keys(endpoints).sort());
  });
});

describe.each<['closed' | 'opened', Reach]>([
  ['closed', SANDBOX_CODE],
  ['opened', { ...SANDBOX_CODE, ...ALLOWED_CALLS }],
])('the code of tools in the %s sandbox', (kind, table) => {
  const deployment = toolDeployment(kind);
  const mark = deployment.attribute('AWS::Lambda::Function', 'Service/ToolSandbox/Function', 'Arn');

  test('reaches just this, with the credentials of the role', async () => {
    const role = deployment.role('Service/ToolSandbox/Role');
    const able = reachableActions(role.identity, await allActions());
    const { reached } = await reach(role, able, inventory(deployment), { 'lambda:SourceFunctionArn': mark });
    const some = Object.entries(reached).filter(([, names]) => names.length > 0);
    expect(sorted(Object.fromEntries(some))).toEqual(sorted(table));
  });
});

afterAll(() => reportFigure('sweeps', sweeps));
