import { App, Environment, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as fs from 'fs';
import * as path from 'path';

/** Feature flags of the app in `cdk.json`; tests run without them unless they say so. */
export const CDK_JSON_CONTEXT = JSON.parse(fs.readFileSync(path.join(__dirname, '../../cdk.json'), 'utf8')).context;

/** Keeps aws-cdk-lib from noting where each construct was made: no test asks, and stacks are made in half the time. */
export const WITHOUT_TRACES = { 'aws:cdk:disable-creation-stack-traces': true };

/** An app without the built-in validator, which has a test of its own: it takes seconds. */
export function testApp(context: Record<string, unknown> = {}): App {
  return new App({ builtinCloudFormationValidation: false, context: { ...WITHOUT_TRACES, ...context } });
}

export function testStack(env?: Environment): Stack {
  return new Stack(testApp(), 'Test', { env });
}

/** A VPC with isolated subnets in two zones. */
export function isolatedVpc(scope: Stack): ec2.Vpc {
  return new ec2.Vpc(scope, 'Vpc', {
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** Statements of all policies of a role, by a part of the role's logical id. */
export function statementsOf(template: Template, role: string): Statement[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    policy.Properties.Roles?.some((ref: { Ref?: string }) => ref.Ref?.includes(role)),
  );
  return policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement);
}

export function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** A value with CloudFormation's functions written as text, e.g. `arn:${AWS::Partition}:s3:::${Bucket}/*`. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [intrinsic, argument] = Object.entries(value as Record<string, never>)[0] as [string, never];
  if (intrinsic === 'Ref') return `\${${argument}}`;
  if (intrinsic === 'Fn::Join') return (argument[1] as unknown[]).map(asText).join(argument[0]);
  if (intrinsic === 'Fn::GetAtt') return `\${${(argument as string[]).join('.')}}`;
  return JSON.stringify(value);
}

/** Ids of the warnings an app gives when it is synthesized. */
export function warningsOf(app: App): string[] {
  return app
    .synth()
    .stacks.flatMap((stack) => stack.messages)
    .filter(({ level }) => level === 'warning')
    .map(({ entry }) => String(entry.data));
}

export { Match, Template };
