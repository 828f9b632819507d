import { App, CfnResource, NestedStack, Stack, Stage, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as fs from 'fs';
import * as path from 'path';
import { LettaBedrockStack, LettaChecks, SealedNetwork } from '../../lib';
import { RULES } from '../../lib/checks/rules';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';

const certificate = (app: App): acm.ICertificate =>
  acm.Certificate.fromCertificateArn(
    new Stack(app, 'Imports'),
    'Certificate',
    'arn:aws:acm:us-east-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
  );

interface Synthesis {
  /** What the synth fails with: the report. */
  readonly failure?: string;
  /** Rule and construct path of each finding in the report, and of each that is acknowledged. */
  readonly findings: string[];
  readonly acknowledged: string[];
}

function synthesize(app: App): Synthesis {
  Validations.of(app).addPlugins(new LettaChecks());
  // Warnings are printed, which says nothing about the checks.
  const print = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  let failure: string | undefined;
  try {
    app.synth();
  } catch (error) {
    failure = (error as Error).message;
  } finally {
    print.mockRestore();
  }
  const report = JSON.parse(fs.readFileSync(path.join(app.outdir, 'validation-report.json'), 'utf8'));
  // A plugin that finds nothing is left out of the report.
  const ours = report.pluginReports.find(({ pluginName }: { pluginName: string }) => pluginName === 'LettaChecks');
  return {
    failure,
    findings: places(ours?.violations ?? []),
    acknowledged: places(ours?.suppressedViolations ?? []),
  };
}

interface Violation {
  readonly ruleName: string;
  readonly violatingConstructs: { constructPath: string }[];
}

function places(violations: Violation[]): string[] {
  return violations.flatMap(({ ruleName, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
}

const open = (resource: CfnResource): void => resource.addPropertyOverride('Scheme', 'internet-facing');
const loadBalancer = (stack: LettaBedrockStack): CfnResource =>
  stack.node.findAll().find((child): child is elbv2.CfnLoadBalancer => child instanceof elbv2.CfnLoadBalancer)!;

test('an app without a finding is synthesized', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  new LettaBedrockStack(app, 'Letta', { certificate: certificate(app) });
  expect(synthesize(app)).toEqual({ failure: undefined, findings: [], acknowledged: [] });
});

test('a finding fails the synth, with rule, reason, fix and the construct it is about', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  const stack = new LettaBedrockStack(app, 'Letta', { certificate: certificate(app) });
  open(loadBalancer(stack));
  const { failure, findings } = synthesize(app);
  expect(findings).toEqual(['public-load-balancer Letta/Service/LoadBalancer/Resource/Resource']);
  expect(failure).toContain('the load balancer of Letta is on the internet');
  expect(failure).toContain('Scheme internet-facing');
  expect(failure).toContain('set the scheme to internal');
});

test('an acknowledged finding does not fail the synth, and stays in the report', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  const stack = new LettaBedrockStack(app, 'Letta', { certificate: certificate(app) });
  open(loadBalancer(stack));
  Validations.of(stack.service).acknowledge({ id: 'LettaChecks::public-load-balancer', reason: 'a test' });
  const place = 'public-load-balancer Letta/Service/LoadBalancer/Resource/Resource';
  expect(synthesize(app)).toEqual({ failure: undefined, findings: [], acknowledged: [place] });
});

test('plain HTTP, where the prop http chooses it, is acknowledged by the construct', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  new LettaBedrockStack(app, 'Letta', { http: true });
  const { failure, findings, acknowledged } = synthesize(app);
  expect({ failure, findings }).toEqual({ failure: undefined, findings: [] });
  expect(acknowledged).toEqual([expect.stringMatching(/^plaintext-listener Letta\/Service\/LoadBalancer/)]);
});

test('a fault in a nested stack is found and named by its construct', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  const parent = new Stack(app, 'Parent');
  const network = new SealedNetwork(new NestedStack(parent, 'Foundation'), 'Network');
  new LettaBedrockStack(app, 'Letta', { certificate: certificate(app), network });
  const subnet = network.vpc.isolatedSubnets[0].node.defaultChild as ec2.CfnSubnet;
  subnet.mapPublicIpOnLaunch = true;
  expect(synthesize(app).findings).toEqual([`subnet-gives-public-addresses ${subnet.node.path}`]);
});

test('stages and regions with stacks of the same name are judged one by one', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  const stages = ['us-east-1', 'us-west-2'].map((region) => new Stage(app, `In-${region}`, { env: { region } }));
  const stacks = stages.map((stage) => new LettaBedrockStack(stage, 'Letta', { stackName: 'letta', http: true }));
  open(loadBalancer(stacks[1]));
  expect(synthesize(app).findings).toEqual([
    'public-load-balancer In-us-west-2/Letta/Service/LoadBalancer/Resource/Resource',
  ]);
});

test('an app without Letta is none of its business', () => {
  const app = testApp(CDK_JSON_CONTEXT);
  new ec2.Vpc(new Stack(app, 'Web'), 'Vpc');
  expect(synthesize(app)).toEqual({ failure: undefined, findings: [], acknowledged: [] });
});

describe('rules', () => {
  test('have names of their own, which acknowledgements can use', () => {
    const ids = new LettaChecks().ruleIds!;
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test('say why and what to do, lower case and without a full stop', () => {
    for (const { reason, fix } of RULES) {
      for (const words of [reason, fix]) {
        expect(words.split(' ').length).toBeGreaterThanOrEqual(3);
        expect(words).not.toMatch(/\.$/);
      }
    }
  });
});
