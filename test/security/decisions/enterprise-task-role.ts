import { taskStores } from './default-task-role';
import { Names, Path } from './names';
import { Table, type Row } from './table';

const CHAT = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];
const SONNET = 'anthropic.claude-sonnet-4-6';
const HAIKU = 'anthropic.claude-haiku-4-5-20251001-v1:0';
const EMBED = 'cohere.embed-multilingual-v3';
const EUROPE = [
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1'],
  ...['eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
];
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-2222-3333-444444444444';

/** The running task of the enterprise stack: a European and a global profile, a guardrail, an imported key. */
export function enterpriseTaskRole(names: Names): Row[] {
  const { deployment } = names;
  const guardrail = deployment.arn('bedrock', 'guardrail/gr4ab2');
  const guarded = (value: string, profile?: string): { context: Record<string, string> } => ({
    context: {
      'bedrock:GuardrailIdentifier': value,
      ...(profile && { 'bedrock:InferenceProfileArn': names.profile(profile) }),
    },
  });
  const good = `${guardrail}:3`;
  const profiles = [names.profile(`eu.${SONNET}`), names.profile(`global.${HAIKU}`)];
  const sonnets = EUROPE.map((region) => names.model(SONNET, region));
  const table = new Table(deployment.role(Path.TASK))
    .allows('the profiles with the guardrail', CHAT, profiles, guarded(good))
    .allows('what the European profile routes to, with the guardrail', CHAT, sonnets, guarded(good, `eu.${SONNET}`))
    .allows(
      'the global model, which stands under no region, and in the region of the call',
      CHAT,
      [names.model(HAIKU, ''), names.model(HAIKU)],
      guarded(good, `global.${HAIKU}`),
    )
    .denies('the profiles without a guardrail', CHAT, profiles)
    .denies('what the European profile routes to without a guardrail', CHAT, sonnets, {
      context: { 'bedrock:InferenceProfileArn': names.profile(`eu.${SONNET}`) },
    })
    .denies(
      'what the global profile routes to without a guardrail',
      CHAT,
      [names.model(HAIKU, ''), names.model(HAIKU)],
      {
        context: { 'bedrock:InferenceProfileArn': names.profile(`global.${HAIKU}`) },
      },
    )
    .denies('the profiles with another version of the guardrail', CHAT, profiles, guarded(`${guardrail}:2`))
    .denies('the profiles with a later version of the guardrail', CHAT, profiles, guarded(`${guardrail}:33`))
    .denies("the profiles with the guardrail's draft", CHAT, profiles, guarded(guardrail))
    .denies(
      'the profiles with another guardrail',
      CHAT,
      profiles,
      guarded(deployment.arn('bedrock', 'guardrail/weak:3')),
    )
    .denies(
      "the profiles with another account's guardrail",
      CHAT,
      profiles,
      guarded(deployment.arn('bedrock', 'guardrail/gr4ab2:3', undefined, '999988887777')),
    )
    .denies('a model with the guardrail and no profile', CHAT, [...sonnets, names.model(HAIKU, '')], guarded(good))
    .denies('a model by the profile of the other', CHAT, sonnets, guarded(good, `global.${HAIKU}`))
    .denies(
      'another region by the European profile',
      CHAT,
      [names.model(SONNET, 'us-east-1'), names.model(SONNET, '')],
      guarded(good, `eu.${SONNET}`),
    )
    .denies(
      'the global model in a region that was not called',
      CHAT,
      [names.model(HAIKU, 'us-east-1')],
      guarded(good, `global.${HAIKU}`),
    )
    .denies(
      'other profiles with the guardrail',
      CHAT,
      [names.profile(`global.${SONNET}`), names.profile(`us.${SONNET}`), names.profile(`eu.${HAIKU}`)],
      guarded(good),
    )
    .allows('the embedding model, which can carry no guardrail', ['bedrock:InvokeModel'], [names.model(EMBED)])
    .denies(
      'other embedding models',
      ['bedrock:InvokeModel'],
      [names.model('amazon.titan-embed-text-v2:0'), names.model(EMBED, 'eu-west-1')],
    )
    .allows('the guardrail by itself', ['bedrock:ApplyGuardrail'], [guardrail])
    .denies(
      'other guardrails, and changes of this one',
      ['bedrock:ApplyGuardrail'],
      [deployment.arn('bedrock', 'guardrail/weak')],
    )
    .denies(
      'changes of the guardrail',
      ['bedrock:UpdateGuardrail', 'bedrock:DeleteGuardrail', 'bedrock:GetGuardrail'],
      [guardrail],
    )
    .denies('the key itself, from the VPC', ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'], [KEY]);
  return [...table.rows, ...keyThroughService(names), ...taskStores(names)];
}

/** The task's use of the key: Secrets Manager decrypts on its behalf. Such a call comes from the service, not the VPC. */
function keyThroughService(names: Names): Row[] {
  const resourcePolicy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'kms:*', Resource: '*' },
    ],
  };
  const via = (service: string): object => ({ context: { 'kms:ViaService': `${service}.eu-central-1.amazonaws.com` } });
  const task = new Table(names.deployment.role(Path.TASK), { from: 'internet', resourcePolicy })
    .allows('the key, when Secrets Manager decrypts the API password', ['kms:Decrypt'], [KEY], via('secretsmanager'))
    .denies('the key for other services', ['kms:Decrypt'], [KEY], via('rds'))
    .denies('the key directly', ['kms:Decrypt'], [KEY])
    .denies(
      'other uses of the key',
      ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:CreateGrant', 'kms:ScheduleKeyDeletion'],
      [KEY],
      via('secretsmanager'),
    )
    .denies('other keys', ['kms:Decrypt'], [KEY.replace('444444444444', '555555555555')], via('secretsmanager'));
  const setup = new Table(names.deployment.role(Path.SETUP), { from: 'internet', resourcePolicy })
    .allows("the key, when Secrets Manager decrypts the master's secret", ['kms:Decrypt'], [KEY], via('secretsmanager'))
    .denies('the key directly, for the set-up function', ['kms:Decrypt'], [KEY]);
  return [...task.rows, ...setup.rows];
}
