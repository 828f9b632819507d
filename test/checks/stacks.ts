import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as fs from 'fs';
import {
  BedrockAccess,
  BedrockModel,
  LettaBedrockStack,
  LettaCache,
  LettaDatabase,
  LettaExport,
  LettaService,
  SealedNetwork,
  ToolSandbox,
  VpcEndpoints,
} from '../../lib';
import { StackTemplate } from '../../lib/checks/template';
import { enterpriseStack } from '../lib/enterprise-stack';
import { testApp } from '../lib/support';

const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';
const env = { account: '111122223333', region: 'us-east-1' };

function certificate(app: App): acm.ICertificate {
  return acm.Certificate.fromCertificateArn(new Stack(app, 'Imports', { env }), 'Certificate', CERTIFICATE);
}

/** Apps that must have no finding. */
export const GOOD_APPS = {
  /** The default stack, for any account and region. */
  default: (app: App): void => {
    new LettaBedrockStack(app, 'Letta', { certificate: certificate(app) });
  },
  /** With what can be brought along. */
  enterprise: (app: App): void => void enterpriseStack(app),
  /** With a guardrail and a key of its own, in one region. */
  guarded: (app: App): void => {
    new LettaBedrockStack(app, 'Letta', {
      env,
      certificate: certificate(app),
      guardrailFilters: {},
      customerManagedKey: true,
      organizationId: 'o-abcde12345',
    });
  },
  /** The network in a stack of its own. */
  apart: (app: App): void => {
    const network = new SealedNetwork(new Stack(app, 'Foundation'), 'Network', {
      ipAddresses: ec2.IpAddresses.cidr('10.42.0.0/16'),
    });
    new LettaBedrockStack(app, 'Letta', { certificate: certificate(app), network });
  },
  /** With a tool sandbox that may call one function and reach one endpoint. */
  tools: (app: App): void => {
    const rates = lambda.Function.fromFunctionArn(
      new Stack(app, 'Elsewhere', { env }),
      'Rates',
      'arn:aws:lambda:us-east-1:111122223333:function:rates',
    );
    new LettaBedrockStack(app, 'Letta', {
      env,
      certificate: certificate(app),
      customTools: ToolSandbox.function({ allowedFunctions: [rates], allowedEndpoints: ['rates.example.com:443'] }),
    });
  },
  /** With a tool sandbox that nothing leads out of. */
  closedTools: (app: App): void => {
    new LettaBedrockStack(app, 'Letta', { certificate: certificate(app), customTools: ToolSandbox.function() });
  },
  /** With an export of the agents. */
  exporting: (app: App): void => {
    const domainName = 'letta.example.com';
    const stack = new LettaBedrockStack(app, 'Letta', { certificate: certificate(app), domainName });
    new LettaExport(stack, 'Export', { service: stack.service });
  },
  /** With a code interpreter. */
  interpreter: (app: App): void => {
    new LettaBedrockStack(app, 'Letta', { certificate: certificate(app), customTools: ToolSandbox.codeInterpreter() });
  },
  /** In a VPC and with a database that the app does not make. */
  existing: (app: App): void => {
    const stack = new Stack(app, 'Letta', { env });
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      isolatedSubnetIds: ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
      isolatedSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaaa', 'rtb-0bbbbbbbbbbbbbbbb'],
    });
    const service = new LettaService(stack, 'Service', {
      vpc,
      certificate: certificate(app),
      cache: new LettaCache(stack, 'Cache', { vpc }),
      database: LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
        host: 'letta.abcdefghijkl.us-east-1.rds.amazonaws.com',
        resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'DatabaseGroup', 'sg-0aaaaaaaaaaaaaaaa'),
        maxConnections: 450,
      }),
      bedrock: new BedrockAccess(stack, 'Bedrock', {
        models: [BedrockModel.US_CLAUDE_SONNET_4_6],
        embeddings: [BedrockModel.COHERE_EMBED_MULTILINGUAL_V3],
      }),
    });
    const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc, s3PrefixListId: 'pl-63a5400a' });
    endpoints.serve(service);
    service.startsAfter(endpoints);
  },
};
export type GoodApp = keyof typeof GOOD_APPS;

const synthesized = new Map<string, StackTemplate[]>();

/** The templates of a good app as the plugin would give them; not to be changed, for all who ask get the same. */
export function templatesOf(name: GoodApp, context: Record<string, unknown> = {}): StackTemplate[] {
  const key = `${name} ${JSON.stringify(context)}`;
  const templates = synthesized.get(key) ?? synthesize(GOOD_APPS[name], context);
  synthesized.set(key, templates);
  return templates;
}

function synthesize(make: (app: App) => void, context: Record<string, unknown>): StackTemplate[] {
  const app = testApp(context);
  make(app);
  return app.synth().stacks.map(({ stackName, templateFullPath, environment }) => ({
    stackName,
    template: JSON.parse(fs.readFileSync(templateFullPath, 'utf8')),
    region: environment.region === 'unknown-region' ? undefined : environment.region,
    account: environment.account === 'unknown-account' ? undefined : environment.account,
  }));
}
