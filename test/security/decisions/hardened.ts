import { FOREIGN_ADMINISTRATOR, OWN_ADMINISTRATOR, SISTER_ADMINISTRATOR, service } from '../access';
import type { PolicyDocument } from '../deployment';
import { Names, Path } from './names';
import { Table, type Row } from './table';

const USES = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey'];
const CHANGES = ['kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:DisableKeyRotation'];

/** The key that the stack makes, and who may use it. Its users are services on behalf of roles, outside the VPC. */
export function ownKey(names: Names): Row[] {
  const { deployment } = names;
  const key = deployment.attribute('AWS::KMS::Key', 'Key', 'Arn');
  const where = { from: 'internet' as const, resourcePolicy: deployment.resourcePolicy('key', 'Key') };
  const logGroup = (account: string, region: string = deployment.region): object => ({
    context: {
      'kms:EncryptionContext:aws:logs:arn': deployment.arn('logs', 'log-group:/letta', region, account),
    },
  });
  const via = (name: string): object => ({
    context: { 'kms:ViaService': `${name}.${deployment.region}.amazonaws.com` },
  });
  return [
    ...new Table(service(`logs.${deployment.region}.amazonaws.com`), where)
      .allows('CloudWatch Logs, for log groups of the account', USES, [key], logGroup(deployment.account))
      .denies('CloudWatch Logs, for log groups of another account', USES, [key], logGroup('999988887777'))
      .denies(
        'CloudWatch Logs, for log groups of another region',
        USES,
        [key],
        logGroup(deployment.account, 'us-east-1'),
      )
      .denies('CloudWatch Logs, for anything else', USES, [key])
      .denies('CloudWatch Logs, to change the key', CHANGES, [key], logGroup(deployment.account)).rows,
    ...new Table(service('s3.amazonaws.com'), where).denies('another service', USES, [key]).rows,
    ...new Table(OWN_ADMINISTRATOR, where)
      .allows('administrators, to use it', USES, [key])
      .allows('administrators, to change it', CHANGES, [key]).rows,
    ...[FOREIGN_ADMINISTRATOR, SISTER_ADMINISTRATOR].flatMap(
      (caller) =>
        new Table(caller, where).denies(`account ${caller.arn.split(':')[4]}`, [...USES, ...CHANGES], [key]).rows,
    ),
    ...new Table(deployment.role(Path.TASK), where)
      // AWS documents no condition for it: "Create a customer managed key for your guardrail", Amazon Bedrock User Guide.
      .allows('the task, when Bedrock decrypts the guardrail for it', ['kms:Decrypt'], [key])
      .allows('the task, when Secrets Manager decrypts the API password', ['kms:Decrypt'], [key], via('secretsmanager'))
      .denies(
        'the task, to encrypt or change it',
        ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:CreateGrant', ...CHANGES],
        [key],
      ).rows,
    ...new Table(deployment.role(Path.SETUP), where)
      .allows(
        "the set-up function, when Secrets Manager decrypts the master's secret",
        ['kms:Decrypt'],
        [key],
        via('secretsmanager'),
      )
      .denies('the set-up function, by other services', ['kms:Decrypt'], [key], via('rds'))
      .denies('the set-up function, directly', [...USES, ...CHANGES], [key]).rows,
    ...[
      Path.EXECUTION,
      Path.MIGRATION,
      Path.MIGRATION_EXECUTION,
      Path.START_MIGRATION,
      Path.WATCH_MIGRATION,
      Path.PREFIX_LIST,
    ].flatMap(
      (path) =>
        new Table(deployment.role(path), where).denies(`${path}`, [...USES, ...CHANGES], [key], via('secretsmanager'))
          .rows,
    ),
  ];
}

/** A service control policy as AWS Control Tower's: whatever is called in a region that is not allowed is refused. */
export function denyRegionsExcept(...regions: string[]): PolicyDocument[] {
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
  const deny = {
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: { StringNotEquals: { 'aws:RequestedRegion': regions } },
  };
  return [{ Version: '2012-10-17', Statement: [everything, deny] }];
}

/** A profile and what it routes to, under an organization that allows some regions. */
export function underRegions(
  names: Names,
  profile: string,
  routed: Record<string, 'allowed' | 'denied'>,
  allowed: string[],
): Row[] {
  const serviceControlPolicies = denyRegionsExcept(...allowed);
  const role = names.deployment.role(Path.TASK);
  const guardrail = names.deployment.ofType('AWS::Bedrock::Guardrail')[0];
  const context: Record<string, string> = guardrail
    ? {
        'bedrock:GuardrailIdentifier': `${String(guardrail.template.resolve({ 'Fn::GetAtt': [guardrail.id, 'GuardrailArn'] }))}:1`,
      }
    : {};
  const through = { ...context, 'bedrock:InferenceProfileArn': names.profile(profile) };
  const id = profile.split('.').slice(1).join('.');
  const table = new Table(role, { serviceControlPolicies })
    .allows(`${profile}, under regions ${allowed.join(', ')}`, ['bedrock:InvokeModel'], [names.profile(profile)], {
      context,
    })
    .allows('the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword]);
  for (const [region, verdict] of Object.entries(routed)) {
    const ask = [
      `what it routes to in ${region || 'no region'}`,
      ['bedrock:InvokeModel'],
      [names.model(id, region)],
      { context: through },
    ] as const;
    if (verdict === 'allowed') table.allows(...(ask as unknown as Parameters<Table['allows']>));
    else table.denies(...(ask as unknown as Parameters<Table['denies']>));
  }
  return table.rows;
}

/** A boundary that lets nobody at models: each role is bounded, whatever its own policies allow. */
export const NO_MODELS: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: ['bedrock:*', 'ecs:RunTask', 'lambda:InvokeFunction'], Resource: '*' },
  ],
};

/** What the boundary takes away, and what it leaves. */
export function bounded(names: Names): Row[] {
  const { deployment } = names;
  const task = deployment.ref('AWS::ECS::TaskDefinition', 'Service/Migration/Task/Definition');
  const guardrail = deployment.attribute('AWS::Bedrock::Guardrail', 'Guardrail', 'GuardrailArn');
  const cluster = { context: { 'ecs:cluster': deployment.attribute('AWS::ECS::Cluster', 'Service/Cluster', 'Arn') } };
  const framework = 'Service/Migration/Provider/framework-onEvent/ServiceRole';
  const step = deployment.attribute('AWS::Lambda::Function', 'Service/Migration/OnEvent', 'Arn');
  return [
    ...new Table(deployment.role(Path.TASK))
      .denies('models', ['bedrock:InvokeModel'], [names.profile('eu.anthropic.claude-sonnet-4-6')], {
        context: { 'bedrock:GuardrailIdentifier': `${guardrail}:1` },
      })
      .allows('the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword])
      .denies(
        "the master's secret, which the boundary would allow",
        ['secretsmanager:GetSecretValue'],
        [names.masterSecret],
      ).rows,
    ...new Table(deployment.role(Path.START_MIGRATION), { from: 'internet' }).denies(
      'tasks',
      ['ecs:RunTask'],
      [task],
      cluster,
    ).rows,
    ...new Table(deployment.role(framework), { from: 'internet' }).denies('steps', ['lambda:InvokeFunction'], [step])
      .rows,
  ];
}
