import { Stack, Validations } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { IConstruct } from 'constructs';

/**
 * Records why a finding of cdk-nag is right as it is, at the construct that causes it, so that it reaches every app
 * that runs cdk-nag. Without cdk-nag it is inert metadata.
 */
export function acknowledge(scope: IConstruct, id: string, reason: string): void {
  Validations.of(scope).acknowledge({ id, reason });
}

/** cdk-nag's packs that map a standard's controls onto resources; a rule has the same name in each. */
const STANDARDS = ['NIST.800.53.R5', 'HIPAA.Security', 'PCI.DSS.321'];

/** The same for one rule of the packs of standards: NIST SP 800-53, HIPAA, PCI DSS. */
export function acknowledgeStandards(scope: IConstruct, rule: string, reason: string): void {
  for (const standard of STANDARDS) acknowledge(scope, `${standard}-${rule}`, reason);
}

/** The same for the roles that a construct makes. */
export function acknowledgeOwnPolicies(scope: IConstruct): void {
  acknowledgeStandards(
    scope,
    'IAMNoInlinePolicy',
    'each policy names the resources of one role and lives and dies with it; a managed one could be attached elsewhere',
  );
}

/** The same for a function that runs during deployments only, called by CloudFormation or by what CloudFormation called. */
export function acknowledgeDeploymentFunction(fn: lambda.Function): void {
  acknowledgeStandards(
    fn,
    'LambdaConcurrency',
    'it runs once in a deployment; a reservation takes from the account, and new accounts have nothing to reserve',
  );
  acknowledgeStandards(
    fn,
    'LambdaDLQ',
    'its failure is answered to CloudFormation and fails the deployment; a queue would keep what nobody waits for',
  );
  if (fn.isBoundToVpc) return;
  acknowledgeStandards(
    fn,
    'LambdaInsideVPC',
    "it calls AWS's API and answers CloudFormation, and a sealed network has no way to either; it holds no data",
  );
}

/** The same for the function that runs callers' tools. */
export function acknowledgeSandboxFunction(fn: lambda.Function, hasReservation: boolean): void {
  acknowledgeStandards(
    fn,
    'LambdaDLQ',
    'it is called synchronously and its failure is answered to the agent; a queue would keep what nobody waits for',
  );
  if (hasReservation) return;
  acknowledgeStandards(
    fn,
    'LambdaConcurrency',
    'the gateway limits the runs of each agent; a reservation takes from the account, and new accounts have nothing to reserve',
  );
}

/** The same for cdk-nag's finding about one resource with a wildcard in it. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  acknowledge(scope, `AwsSolutions-IAM5[Resource::${asText(Stack.of(scope).resolve(resource))}]`, reason);
}

/** What CDK's own custom-resource framework causes: its functions and policies are not ours to change. */
export function acknowledgeProviderFramework(provider: Provider): void {
  const functions = provider.node.children.filter((child) => child instanceof lambda.Function);
  functions.forEach(acknowledgeDeploymentFunction);
  const waits = provider.isCompleteHandler !== undefined;
  const entry = functions.find(({ node }) => node.id === 'framework-onEvent');
  for (const called of [provider.onEventHandler, provider.isCompleteHandler, ...functions]) {
    if (!called || called === entry) continue;
    const reason = 'the framework may call any version of its own functions, which have only the current one';
    acknowledgeWildcard(provider, `${called.functionArn}:*`, reason);
  }
  if (!waits) return;
  acknowledge(provider, 'AwsSolutions-SF1', 'the functions that the waiter calls log each step and its outcome');
  acknowledge(provider, 'AwsSolutions-SF2', 'the waiter runs only during a deployment and its functions log each step');
}

/** A resolved value as cdk-nag writes it in its findings. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [intrinsic, argument] = Object.entries(value as object)[0];
  switch (intrinsic) {
    case 'Ref':
      return `<${argument}>`;
    case 'Fn::GetAtt':
      return `<${argument.join('.')}>`;
    case 'Fn::Join':
      return argument[1].map(asText).join(argument[0]);
    default:
      return JSON.stringify(value);
  }
}
