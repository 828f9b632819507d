import { createValidatedPolicy, validateResourcePolicy } from '@cloud-copilot/iam-policy';
import { runSimulation, runUnsafeSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import { ACCOUNT, type Deployment, type PolicyDocument, type Role } from './deployment';

export type Verdict = 'allowed' | 'denied';

/** Who asks: a role of the deployment, or somebody else with policies of their own. */
export interface Caller {
  readonly arn: string;
  readonly identity: PolicyDocument[];
  readonly boundary?: PolicyDocument;
}

/** One question to IAM. */
export interface Question {
  readonly caller: Caller;
  readonly action: string;
  readonly resource: string;
  /** From where the call comes: through the endpoints of the deployment's VPC, or over the internet. */
  readonly from: 'vpc' | 'internet';
  /** Condition keys beside those that every call has. */
  readonly context?: Record<string, string>;
  /** Account that owns the resource, where the ARN does not say. */
  readonly owner?: string;
  readonly resourcePolicy?: PolicyDocument;
  readonly serviceControlPolicies?: PolicyDocument[];
}

/** An administrator, whose own policies forbid nothing: what they are refused, the other policies refuse. */
export function administrator(account: string): Caller {
  const identity = [{ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }];
  return { arn: `arn:aws:iam::${account}:role/Administrator`, identity };
}

export function callerOf(role: Role): Caller {
  return role;
}

/** A service of AWS acting by itself. */
export function service(name: string): Caller {
  return { arn: name, identity: [] };
}

/** Services by whose endpoint an action goes, and what has no API behind an endpoint. */
const ENDPOINTS: Record<string, string[]> = {
  // An image is pulled by both: the token and the layers' addresses from the one, the manifest from the other.
  ecr: ['ecr.api', 'ecr.dkr'],
  s3: ['s3'],
};
const RUNTIME = /^bedrock:(Invoke|Converse|ApplyGuardrail|StartAsyncInvoke|GetAsyncInvoke|CountTokens)/i;
/** Not calls of an API: what a token that the role signed itself is worth to the server behind it. */
const BY_TOKEN = ['rds-db:connect', 'elasticache:Connect'];

function endpointsOf(action: string): string[] {
  const [service] = action.split(':');
  if (service === 'bedrock') return [RUNTIME.test(action) ? 'bedrock-runtime' : 'bedrock'];
  return ENDPOINTS[service] ?? [service];
}

/** What AWS would decide, by every policy of the deployment that the call passes. */
export async function decide(deployment: Deployment, question: Question): Promise<Verdict> {
  if (/[*?]/.test(question.resource.slice(1))) throw new Error(`a call names no wildcard: ${question.resource}`);
  if (question.from === 'internet' || BY_TOKEN.includes(question.action)) return simulate(deployment, question, {});
  for (const wanted of endpointsOf(question.action)) {
    const endpoint = deployment.endpoints().find(({ service }) => service === wanted);
    // No endpoint, no way: the call never reaches the service.
    if (!endpoint) return 'denied';
    const policy = endpoint.policy && open(endpoint.policy);
    const context = { 'aws:SourceVpc': endpoint.vpc, 'aws:SourceVpce': endpoint.id };
    if ((await simulate(deployment, question, context, policy)) === 'denied') return 'denied';
  }
  return 'allowed';
}

async function simulate(
  deployment: Deployment,
  question: Question,
  network: Record<string, string>,
  endpointPolicy?: PolicyDocument,
): Promise<Verdict> {
  const { caller, action, resource, resourcePolicy, serviceControlPolicies = [] } = question;
  const [, , , region, account] = resource.split(':');
  const owner = question.owner ?? (account || undefined);
  const simulation: Simulation = {
    request: {
      principal: caller.arn,
      action,
      // Models belong to nobody: AWS asks the caller's policies alone.
      resource: { resource, accountId: owner ?? caller.arn.split(':')[4] ?? deployment.account },
      contextVariables: {
        ...everyCall(deployment, question, owner, region ?? ''),
        ...network,
        ...question.context,
      },
    },
    identityPolicies: caller.identity.map((policy, index) => ({ name: `identity${index}`, policy })),
    permissionBoundaryPolicies: caller.boundary && [{ name: 'boundary', policy: caller.boundary }],
    serviceControlPolicies: serviceControlPolicies.map((policy, index) => ({
      orgIdentifier: `ou-${index}`,
      policies: [{ name: `scp${index}`, policy }],
    })),
    resourceControlPolicies: [],
    resourcePolicy: resourcePolicy && named('resource', resourcePolicy),
    vpcEndpointPolicies: endpointPolicy && [{ name: 'endpoint', policy: endpointPolicy }],
  };
  if (isBeyondData(question)) {
    const decided = [simulation, ...(endpointPolicy ? [onItsOwn(simulation, endpointPolicy)] : [])];
    return decided.every((one) => runUnsafeSimulation(one, {}) === 'Allowed') ? 'allowed' : 'denied';
  }
  const answer = await runSimulation(simulation, {});
  if (answer.resultType === 'error') {
    throw new Error(`${action} on ${resource} cannot be simulated: ${JSON.stringify(answer.errors)}`);
  }
  requireUsed(question, answer.resultType === 'single' ? (answer.result.ignoredContextKeys ?? []) : []);
  return answer.overallResult === 'Allowed' ? 'allowed' : 'denied';
}

/** Owner of the bucket of ECR's layers, and who signs the layers' addresses. */
export const AWS_ACCOUNT = '000000000000';
export const FOREIGN_ACCOUNT = '999988887777';
/** Another account of the deployment's organization, where there is one. */
export const SISTER_ACCOUNT = '444455556666';
const FOREIGN_ORGANIZATION = 'o-z9y8x7w6v5';

/** Keys that AWS adds to every signed call. Source: "AWS global condition context keys", IAM User Guide. */
function everyCall(
  deployment: Deployment,
  { caller, resource, action }: Question,
  owner: string | undefined,
  region: string,
): Record<string, string> {
  const own: Record<string, string> = { 'aws:SecureTransport': 'true' };
  const organization = (account: string): string | undefined =>
    account === FOREIGN_ACCOUNT || account === AWS_ACCOUNT ? FOREIGN_ORGANIZATION : deployment.organization;
  const add = (key: string, value: string | undefined): unknown => value && (own[key] = value);
  if (caller.arn.startsWith('arn:')) {
    const account = caller.arn.split(':')[4];
    own['aws:PrincipalArn'] = caller.arn;
    own['aws:PrincipalAccount'] = account;
    own['aws:PrincipalType'] = 'AssumedRole';
    add('aws:PrincipalOrgID', organization(account));
  } else {
    own['aws:PrincipalIsAWSService'] = 'true';
    own['aws:PrincipalServiceName'] = caller.arn;
    own['aws:SourceAccount'] = ACCOUNT;
  }
  // Where AWS documents no owner the keys are left out: a condition on them would refuse the call.
  if (owner && resource !== '*') {
    own['aws:ResourceAccount'] = owner;
    add('aws:ResourceOrgID', organization(owner));
  }
  // "Global cross-Region inference", Amazon Bedrock User Guide: where no region is named, the key says `unspecified`.
  own['aws:RequestedRegion'] = region || (action.startsWith('bedrock:') ? 'unspecified' : 'us-east-1');
  return own;
}

/**
 * An endpoint policy as the simulator reads it: it takes no notice of principals and wants them written `*`. Ours name
 * everybody and restrict by condition.
 */
function open(policy: PolicyDocument): PolicyDocument {
  const Statement = policy.Statement.map((statement) => {
    const { Principal } = statement;
    const everybody = Principal === '*' || (Principal as { AWS?: string } | undefined)?.AWS === '*';
    if (!everybody) throw new Error(`the endpoint policy's principal ${JSON.stringify(Principal)} is not simulated`);
    return { ...statement, Principal: '*' as const };
  });
  return { Version: '2012-10-17', ...policy, Statement };
}

/**
 * What the checked simulation refuses or drops, because the data it checks by lacks it: context keys whose name holds a
 * variable part, and models under no region, as calls of global profiles name them.
 */
function isBeyondData({ resource, context = {} }: Question): boolean {
  const variable = Object.keys(context).some((key) => key.startsWith('kms:EncryptionContext:'));
  return variable || resource.startsWith('arn:aws:bedrock:::foundation-model/');
}

/** A resource's policy with the name without which the unchecked simulation fails. */
export function named(name: string, policy: PolicyDocument): unknown {
  const validated = createValidatedPolicy(policy, validateResourcePolicy, { name });
  if (validated.errors.length > 0) throw new Error(`no valid policy: ${JSON.stringify(validated.errors)}`);
  return validated;
}

/** An endpoint's policy asked as if it were the caller's: the unchecked simulation leaves endpoints out. */
function onItsOwn(simulation: Simulation, policy: PolicyDocument): Simulation {
  return {
    ...simulation,
    identityPolicies: [{ name: 'endpoint', policy }],
    permissionBoundaryPolicies: undefined,
    serviceControlPolicies: [],
  };
}

/** A key that the action does not have would make a case say nothing. */
function requireUsed({ action, resource, context = {} }: Question, ignored: string[]): void {
  const useless = ignored.filter((key) => key in context);
  if (useless.length > 0) throw new Error(`${action} on ${resource} has no condition key ${useless.join(', ')}`);
}

export const OWN_ADMINISTRATOR = administrator(ACCOUNT);
export const SISTER_ADMINISTRATOR = administrator(SISTER_ACCOUNT);
export const FOREIGN_ADMINISTRATOR = administrator(FOREIGN_ACCOUNT);
