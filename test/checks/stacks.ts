import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as fs from 'fs';
import { LettaBedrockStack, SealedNetwork } from '../../lib';
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
