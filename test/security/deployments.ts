import { App, PermissionsBoundary, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { BedrockModel, LettaBedrockStack, LettaExport, ToolSandbox } from '../../lib';
import { enterpriseStack } from '../lib/enterprise-stack';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { ACCOUNT, Deployment, type PolicyDocument } from './deployment';

/** Paths name what the tables look at. */
export function pathApp(): App {
  return testApp({ ...CDK_JSON_CONTEXT, 'aws:cdk:enable-path-metadata': true });
}

const made = new Map<string, Deployment>();

/** One for all who ask: nobody changes it. */
function once(name: string, make: () => Deployment): Deployment {
  const deployment = made.get(name) ?? make();
  made.set(name, deployment);
  return deployment;
}

/** `LettaBedrockStack` with no property but the one that lets it stand without a certificate. */
export function defaultDeployment(): Deployment {
  return once('default', () => {
    const app = pathApp();
    const stack = new LettaBedrockStack(app, 'Letta', { http: true });
    return new Deployment({ app, stacks: [stack], region: 'us-east-1' });
  });
}

/** What a bank would deploy: see `enterprise-stack.ts`. */
export function enterpriseDeployment(): Deployment {
  return once('enterprise', () => {
    const app = pathApp();
    const stack = enterpriseStack(app);
    return new Deployment({ app, stacks: [stack], region: 'eu-central-1', organization: 'o-a1b2c3d4e5' });
  });
}

/** The function that tools may call, and where they may go, in the opened sandbox. */
export const ALLOWED = {
  FUNCTION: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:rates`,
  ENDPOINT: 'rates.example.com:443',
};

/** The default stack with a tool sandbox: closed, opened by its two named ways, or a code interpreter. */
export function toolDeployment(kind: 'closed' | 'opened' | 'interpreter'): Deployment {
  return once(`tools ${kind}`, () => {
    const app = pathApp();
    const rates = lambda.Function.fromFunctionArn(new Stack(app, 'Elsewhere'), 'Rates', ALLOWED.FUNCTION);
    const customTools = {
      closed: () => ToolSandbox.function(),
      opened: () => ToolSandbox.function({ allowedFunctions: [rates], allowedEndpoints: [ALLOWED.ENDPOINT] }),
      interpreter: () => ToolSandbox.codeInterpreter(),
    }[kind]();
    const stack = new LettaBedrockStack(app, 'Letta', { http: true, customTools });
    return new Deployment({ app, stacks: [stack], region: 'us-east-1' });
  });
}

/** The default stack with a key of its own and an export of the agents. */
export function exportDeployment(): Deployment {
  return once('export', () => {
    const app = pathApp();
    const stack = new LettaBedrockStack(app, 'Letta', { http: true, customerManagedKey: true });
    new LettaExport(stack, 'Export', { service: stack.service, sourceVpc: stack.network!.vpc });
    return new Deployment({ app, stacks: [stack], region: 'us-east-1' });
  });
}

const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/Boundary`;

/** The regions that the organization of the hardened stack allows. */
export const EUROPE = [
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1'],
  ...['eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
];

/** Every restriction that the stack can make or be under: own key, guardrail, regions, organization, boundary. */
export function hardenedDeployment(boundary?: PolicyDocument): Deployment {
  return boundary ? hardened(boundary) : once('hardened', () => hardened());
}

function hardened(boundary?: PolicyDocument): Deployment {
  const app = pathApp();
  const stack = new LettaBedrockStack(app, 'Hardened', {
    env: { region: 'eu-central-1' },
    http: true,
    models: [BedrockModel.EU_CLAUDE_SONNET_4_6],
    customerManagedKey: true,
    guardrailFilters: {},
    modelRegions: EUROPE,
    organizationId: 'o-a1b2c3d4e5',
    permissionsBoundary: boundary && PermissionsBoundary.fromArn(BOUNDARY),
  });
  return new Deployment({
    ...{ app, stacks: [stack], region: 'eu-central-1', organization: 'o-a1b2c3d4e5' },
    policies: boundary && { [BOUNDARY]: boundary },
  });
}
