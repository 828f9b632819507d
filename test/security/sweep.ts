import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import * as lib from '../../lib';
import { named } from './access';
import { ACCOUNT, type Deployment, type Role } from './deployment';
import { resourceForms } from './iam-actions';

const FOREIGN = '999988887777';

/** Something that an action could be asked for: a readable name, and the ARN. */
interface Target {
  readonly name: string;
  readonly arn: string;
}

/** ARNs of a resource of each type, by what stands behind its name; a type that is not here can be no target. */
type Arns = (deployment: Deployment, ref: string, attribute: (name: string) => string) => Record<string, string>;

const ARNS: Record<string, Arns> = {
  'AWS::IAM::Role': (_d, _r, attribute) => ({ '': attribute('Arn') }),
  'AWS::Lambda::Function': (_d, _r, attribute) => ({ '': attribute('Arn') }),
  'AWS::SecretsManager::Secret': (_d, ref) => ({ '': ref }),
  'AWS::ECS::TaskDefinition': (_d, ref) => ({ '': ref }),
  'AWS::ECS::Cluster': (d, ref) => ({
    '': d.arn('ecs', `cluster/${ref}`),
    ', a task': d.arn('ecs', `task/${ref}/1234`),
  }),
  'AWS::StepFunctions::StateMachine': (_d, ref) => ({ '': ref }),
  'AWS::S3::Bucket': (_d, _r, attribute) => ({ '': attribute('Arn'), ', an object': `${attribute('Arn')}/object` }),
  'AWS::KMS::Key': (_d, _r, attribute) => ({ '': attribute('Arn') }),
  'AWS::EC2::SecurityGroup': (d, _r, attribute) => ({ '': d.arn('ec2', `security-group/${attribute('GroupId')}`) }),
  'AWS::EC2::Subnet': (d, ref) => ({ '': d.arn('ec2', `subnet/${ref}`) }),
  'AWS::EC2::VPC': (d, ref, attribute) => ({
    '': d.arn('ec2', `vpc/${ref}`),
    ', default security group': d.arn('ec2', `security-group/${attribute('DefaultSecurityGroup')}`),
  }),
  'AWS::ElastiCache::ReplicationGroup': (d, ref) => ({ '': d.arn('elasticache', `replicationgroup:${ref}`) }),
  'AWS::BedrockAgentCore::CodeInterpreterCustom': (_d, _r, attribute) => ({ '': attribute('CodeInterpreterArn') }),
  'AWS::Bedrock::Guardrail': (_d, _r, attribute) => ({ '': attribute('GuardrailArn') }),
  'AWS::Logs::LogGroup': (d, ref) => ({
    // As CloudWatch Logs itself writes a group in its refusals.
    '': d.arn('logs', `log-group:${ref}:log-stream:`),
    ", Letta's stream": d.arn('logs', `log-group:${ref}:log-stream:task/letta/1`),
    ', another stream': d.arn('logs', `log-group:${ref}:log-stream:task/other/1`),
  }),
};

/** All that stands in the deployment and can be named, all models that the library knows, and some of each of others. */
export function inventory(deployment: Deployment): Target[] {
  const own = deployment.resources.flatMap(({ name, id, template, resource }) => {
    const arns = ARNS[resource.Type]?.(deployment, String(template.resolve({ Ref: id })), (attribute) =>
      String(template.resolve({ 'Fn::GetAtt': [id, attribute] })),
    );
    return Object.entries(arns ?? {}).map(([suffix, arn]) => ({ arn, name: `${name}${suffix}` }));
  });
  const targets = [
    ...own,
    ...database(deployment),
    ...cacheUsers(deployment),
    ...models(deployment),
    ...others(deployment),
  ];
  const foreign = targets
    .filter(({ arn }) => arn.includes(`:${ACCOUNT}:`))
    .map(({ name, arn }) => ({ name: `${name} of another account`, arn: arn.replaceAll(ACCOUNT, FOREIGN) }));
  return [...targets, ...foreign];
}

function database(deployment: Deployment): Target[] {
  return deployment.ofType('AWS::RDS::DBInstance').flatMap(({ id, template }) => {
    const attribute = (name: string): string => String(template.resolve({ 'Fn::GetAtt': [id, name] }));
    const instance = String(template.resolve({ Ref: id }));
    const snapshot = (name: string): string => deployment.arn('rds', `snapshot:${name}`);
    const users = ['letta_runtime', 'letta_migrator', 'letta_admin', 'postgres', 'rds_superuser'];
    return [
      { name: "the master's secret", arn: attribute('MasterUserSecret.SecretArn') },
      { name: 'the database', arn: attribute('DBInstanceArn') },
      { name: 'a snapshot before a migration', arn: snapshot(`${instance}-before-migration-0123456789ab`) },
      { name: 'another snapshot', arn: snapshot(`rds:${instance}-2026-01-01-00-00`) },
      ...users.map((user) => ({
        name: `database user ${user}`,
        arn: deployment.arn('rds-db', `dbuser:${attribute('DbiResourceId')}/${user}`),
      })),
    ];
  });
}

function cacheUsers(deployment: Deployment): Target[] {
  return deployment.ofType('AWS::ElastiCache::User').map((user) => ({
    name: user.name,
    arn: deployment.arn('elasticache', `user:${deployment.properties<{ UserId: string }>(user).UserId}`),
  }));
}

function models(deployment: Deployment): Target[] {
  const known = Object.values(lib.BedrockModel).filter((value) => value instanceof lib.BedrockModel);
  const ids = [...new Set(known.map((model) => model.foundationModelId))];
  const regions = [...new Set([deployment.region, 'us-west-2', 'eu-west-1', 'ap-northeast-1', ''])];
  return [
    ...ids.flatMap((id) =>
      regions.map((region) => ({
        name: `model ${id} in ${region || 'no region'}`,
        arn: `arn:aws:bedrock:${region}::foundation-model/${id}`,
      })),
    ),
    ...known
      .filter((model) => model.geography)
      .map((model) => ({
        name: `profile ${model.id}`,
        arn: deployment.arn('bedrock', `inference-profile/${model.id}`),
      })),
  ];
}

function others(deployment: Deployment): Target[] {
  const target = (name: string, arn: string): Target => ({ name, arn });
  const { region } = deployment;
  return [
    target("ECR's layers", `arn:aws:s3:::prod-${region}-starport-layer-bucket/sha256`),
    target("somebody's bucket", 'arn:aws:s3:::exfiltration/data'),
    target(
      "the deployment's images",
      deployment.arn('ecr', `repository/cdk-hnb659fds-container-assets-${ACCOUNT}-${region}`),
    ),
    target('other images', deployment.arn('ecr', 'repository/payroll')),
    target('another secret', deployment.arn('secretsmanager', 'secret:payroll-AbCdEf')),
    target('another key', deployment.arn('kms', 'key/11111111-2222-3333-4444-555555555555')),
    target('the imported key', deployment.arn('kms', 'key/00000000-1111-2222-3333-444444444444')),
    target('the imported guardrail', deployment.arn('bedrock', 'guardrail/gr4ab2')),
    target('another guardrail', deployment.arn('bedrock', 'guardrail/weak')),
    target('an administrator', `arn:aws:iam::${ACCOUNT}:role/Administrator`),
    target('the allowed function', deployment.arn('lambda', 'function:rates')),
    target("AWS's code interpreter", `arn:aws:bedrock-agentcore:${region}:aws:code-interpreter/aws.codeinterpreter.v1`),
    target('another code interpreter', deployment.arn('bedrock-agentcore', 'code-interpreter-custom/payroll')),
    target('another function', deployment.arn('lambda', 'function:payroll')),
    target('another task definition', deployment.arn('ecs', 'task-definition/payroll:1')),
    target('a network interface', deployment.arn('ec2', 'network-interface/eni-1')),
    target('another security group', deployment.arn('ec2', 'security-group/sg-1')),
    target('other logs', deployment.arn('logs', 'log-group:/payroll:log-stream:x')),
    target('the stack', deployment.resources[0].template.resolve({ Ref: 'AWS::StackId' }) as string),
    target('another stack', deployment.arn('cloudformation', 'stack/Payroll/1ab2c3d4')),
  ];
}

/** Every target that the action could be asked for, others' among them. */
export const EVERYTHING = 'everything';

/**
 * What a role may do to each target, under the conditions that its own policies ask for: action, and names.
 *
 * @param always condition keys that every one of its requests carries
 */
export async function reach(
  role: Role,
  actions: string[],
  targets: Target[],
  always: Record<string, string> = {},
): Promise<{ readonly reached: Record<string, string[]>; readonly asked: number }> {
  const reached: Record<string, string[]> = {};
  let asked = 0;
  const contexts = bestContexts(role).map((context) => ({ ...context, ...always }));
  for (const action of actions) {
    const forms = await resourceForms(action);
    const fitting = targets.filter(({ arn }) => forms.some((form) => form.test(arn)));
    const asking = forms.length === 0 ? [{ name: EVERYTHING, arn: '*' }] : fitting;
    asked += asking.length * contexts.length;
    const names = asking.filter(({ arn }) => contexts.some((context) => allowed(role, action, arn, context)));
    reached[action] = names.length === asking.length ? [EVERYTHING] : names.map(({ name }) => name).sort();
  }
  return { reached, asked };
}

/** Every combination of values that some statement of the role wants its condition keys to have. */
function bestContexts(role: Role): Record<string, string>[] {
  const wanted = new Map<string, Set<string>>();
  for (const { Effect, Condition = {} } of role.identity.flatMap(({ Statement }) => Statement)) {
    if (Effect !== 'Allow') continue;
    for (const keys of Object.values(Condition)) {
      for (const [key, values] of Object.entries(keys)) {
        const known = wanted.get(key) ?? new Set();
        [values].flat().forEach((value) => known.add(value));
        wanted.set(key, known);
      }
    }
  }
  return [...wanted].reduce<Record<string, string>[]>(
    (contexts, [key, values]) =>
      contexts.flatMap((context) => [...values].map((value) => ({ ...context, [key]: value }))),
    [{}],
  );
}

/** The policy of a key that leaves its use to the account's own policies; without one a key is used by nobody. */
const LEFT_TO_IAM = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' }],
};

function allowed(role: Role, action: string, arn: string, contextVariables: Record<string, string>): boolean {
  const policies = (documents: Role['identity']): { name: string; policy: unknown }[] =>
    documents.map((policy, index) => ({ name: `${index}`, policy }));
  const result = runUnsafeSimulation(
    {
      request: { principal: role.arn, action, resource: { resource: arn, accountId: ACCOUNT }, contextVariables },
      identityPolicies: policies(role.identity),
      permissionBoundaryPolicies: role.boundary && policies([role.boundary]),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: action.startsWith('kms:') ? named('key', LEFT_TO_IAM) : undefined,
    },
    {},
  );
  return result === 'Allowed';
}
