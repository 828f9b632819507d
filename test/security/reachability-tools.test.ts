import { reportFigure } from '../gate/figures';
import { toolDeployment } from './deployments';
import { Reachability } from './reachability';

const FUNCTION = 'Service/ToolSandbox/Function';
const SERVICE = 'Service/Service/Service';
let flows = 0;

function reaching(kind: 'closed' | 'opened' | 'interpreter'): {
  from: (name: string) => string[];
  into: (name: string) => string[];
  reachability: Reachability;
} {
  const reachability = new Reachability(toolDeployment(kind));
  const workload = (name: string) => reachability.workloads.find((each) => each.name === name)!;
  const from = (name: string): string[] => {
    const reached = reachability.from(workload(name));
    flows += reached.length;
    return reached;
  };
  return { from, into: (name) => reachability.into(workload(name)), reachability };
}

describe('a closed tool sandbox', () => {
  const { from, into, reachability } = reaching('closed');

  test('reaches nothing', () => expect(from(FUNCTION)).toEqual([]));

  test('is reached by nothing: Lambda hands it its runs', () => expect(into(FUNCTION)).toEqual([]));

  test('is called by the task through an endpoint of its own, and the task reaches nothing else that is new', () => {
    const before = ['bedrock', 'bedrock-runtime', 'ecr.api', 'ecr.dkr', 'logs', 'secretsmanager'];
    const services = from(SERVICE).flatMap((name) => /^endpoint (.*):443$/.exec(name)?.[1] ?? []);
    expect(services.sort()).toEqual([...before, 'lambda'].sort());
    expect(from(SERVICE).filter((name) => !name.startsWith('endpoint'))).toEqual([
      'Cache:6379',
      'Database/Instance:5432',
      expect.stringMatching(/^S3 by /),
    ]);
    expect(into('endpoint lambda')).toEqual([SERVICE]);
  });

  test('opens no way into the task', () => expect(into(SERVICE)).toEqual(['Service/LoadBalancer/Resource']));

  test('stands in a VPC, in subnets without a way out', () => {
    expect(reachability.outside).not.toContain(FUNCTION);
    const { subnets } = reachability.workloads.find(({ name }) => name === FUNCTION)!;
    expect(subnets.length).toBeGreaterThan(0);
    for (const subnet of subnets) expect(reachability.routes(subnet)).toEqual(['the gateway of s3']);
  });

  test('has no rule that one side alone has', () => expect(reachability.halfOpen()).toEqual([]));
});

describe('a tool sandbox that may call a function and reach an endpoint', () => {
  const { from, into, reachability } = reaching('opened');

  test("reaches Lambda's endpoint and the gateway's proxy, and nothing else", () =>
    expect(from(FUNCTION)).toEqual([`${SERVICE}:3129`, 'endpoint lambda:443']));

  test('is reached by nothing', () => expect(into(FUNCTION)).toEqual([]));

  test("comes to the task's proxy alone", () => {
    const rules = reachability.rules.filter(({ direction, to }) => direction === 'in' && to === 3129);
    expect(rules).toHaveLength(1);
    expect(into(SERVICE)).toEqual(['Service/LoadBalancer/Resource', FUNCTION]);
  });

  test('has no rule that one side alone has', () => expect(reachability.halfOpen()).toEqual([]));
});

describe('a code interpreter', () => {
  const { from, reachability } = reaching('interpreter');

  test('stands in no subnet of the VPC, and is called through an endpoint', () => {
    expect(reachability.workloads.filter(({ name }) => name.startsWith('Service/ToolSandbox'))).toEqual([]);
    expect(from(SERVICE)).toContain('endpoint bedrock-agentcore:443');
  });
});

afterAll(() => reportFigure('flows', flows));
