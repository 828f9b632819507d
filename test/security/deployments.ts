import { App } from 'aws-cdk-lib';
import { LettaBedrockStack } from '../../lib';
import { enterpriseStack } from '../lib/enterprise-stack';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { Deployment } from './deployment';

/** Paths name what the tables look at. */
export function pathApp(): App {
  return testApp({ ...CDK_JSON_CONTEXT, 'aws:cdk:enable-path-metadata': true });
}

/** `LettaBedrockStack` with no property but the one that lets it stand without a certificate. */
export function defaultDeployment(): Deployment {
  const app = pathApp();
  const stack = new LettaBedrockStack(app, 'Letta', { http: true });
  return new Deployment({ app, stacks: [stack], region: 'us-east-1' });
}

/** What a bank would deploy: see `enterprise-stack.ts`. */
export function enterpriseDeployment(): Deployment {
  const app = pathApp();
  const stack = enterpriseStack(app);
  return new Deployment({ app, stacks: [stack], region: 'eu-central-1', organization: 'o-a1b2c3d4e5' });
}
