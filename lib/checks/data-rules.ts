import { fault, faults, Rule } from './rule';
import { isEverybody, statementsIn } from './statements';
import { isTrue, isUnknown, list, text } from './template';

const AREA = 'Keys, secrets, logs and buckets';

/** Conditions that hold callers of a key to somebody. */
const CALLER_KEYS = /^(kms:calleraccount|kms:viaservice|kms:encryptioncontext.*|aws:principal.*|aws:source.*)$/;

/** What is kept beside database and cache. */
export const DATA_RULES: Rule[] = [
  {
    id: 'key-without-rotation',
    area: AREA,
    reason: 'a key of Letta is not rotated',
    fix: 'set enableKeyRotation to true',
    judge: (parts) =>
      faults(parts.ofType('AWS::KMS::Key'), 'EnableKeyRotation', ({ properties }) => {
        const symmetric = /^(SYMMETRIC_DEFAULT)?$/.test(text(properties.KeySpec ?? ''));
        return symmetric && properties.Origin !== 'EXTERNAL' && !isTrue(properties.EnableKeyRotation) && 'not true';
      }),
  },
  {
    id: 'key-for-everybody',
    area: AREA,
    reason: "a key's policy lets every account use it",
    fix: 'name principals, or add the condition kms:CallerAccount',
    judge: (parts) =>
      parts.ofType('AWS::KMS::Key').flatMap((key) =>
        statementsIn(key, 'KeyPolicy', key.properties.KeyPolicy)
          .filter(({ allows, principal }) => allows && isEverybody(principal))
          .filter(({ conditions }) => !conditions.some((condition) => CALLER_KEYS.test(condition.key)))
          .map(({ location }) => fault(key, location, 'a statement for every principal')),
      ),
  },
  {
    id: 'secret-in-template',
    area: AREA,
    reason: 'the value of a secret stands in the template',
    fix: 'let Secrets Manager generate it (generateSecretString)',
    judge: (parts) =>
      faults(parts.ofType('AWS::SecretsManager::Secret'), 'SecretString', ({ properties: { SecretString: value } }) => {
        return value !== undefined && !isUnknown(value) && !/\{\{resolve:/.test(text(value)) && 'a literal value';
      }),
  },
  {
    id: 'secret-for-everybody',
    area: AREA,
    reason: "a secret's policy lets everybody read it",
    fix: 'name the roles that may read it',
    judge: (parts) =>
      parts.ofType('AWS::SecretsManager::ResourcePolicy').flatMap((policy) =>
        statementsIn(policy, 'ResourcePolicy', policy.properties.ResourcePolicy)
          .filter(({ allows, principal, conditions }) => allows && isEverybody(principal) && conditions.length === 0)
          .map(({ location }) => fault(policy, location, 'a statement for every principal')),
      ),
  },
  {
    id: 'secret-in-output',
    area: AREA,
    reason: "a stack's output shows the value of a secret to everybody who may describe the stack",
    fix: "give out the secret's ARN",
    judge: (parts) => {
      const stacks = new Set(parts.tasks.map(({ stackName }) => stackName));
      return parts.templates
        .outputs()
        .filter(
          ({ stackName, value }) =>
            stacks.has(stackName) && /\{\{resolve:(secretsmanager|ssm-secure):/.test(text(value)),
        )
        .flatMap(({ stackName, name }) => {
          const task = parts.tasks.find((each) => each.stackName === stackName)!;
          return [{ resource: task, location: `Outputs/${name}`, found: `output ${name}` }];
        });
    },
  },
  {
    id: 'logs-kept-for-ever',
    area: AREA,
    reason: 'a log group keeps its events for ever',
    fix: 'set its retention',
    judge: (parts) =>
      faults(
        parts.ofType('AWS::Logs::LogGroup'),
        'RetentionInDays',
        ({ properties }) => !properties.RetentionInDays && 'not set',
      ),
  },
  {
    id: 'public-bucket',
    area: AREA,
    reason: 'a bucket of Letta does not block public access',
    fix: 'set blockPublicAccess to BlockPublicAccess.BLOCK_ALL',
    judge: (parts) =>
      faults(parts.ofType('AWS::S3::Bucket'), 'PublicAccessBlockConfiguration', ({ properties }) => {
        const block = properties.PublicAccessBlockConfiguration ?? {};
        const open = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].find(
          (name) => !isTrue(block[name]),
        );
        return open && `${open} is not true`;
      }),
  },
  {
    id: 'bucket-for-everybody',
    area: AREA,
    reason: 'the policy of a bucket of Letta lets everybody in',
    fix: 'name principals, or add the condition aws:PrincipalAccount or aws:PrincipalOrgID',
    judge: (parts) =>
      parts.ofType('AWS::S3::BucketPolicy').flatMap((policy) =>
        statementsIn(policy, 'PolicyDocument', policy.properties.PolicyDocument)
          .filter(
            ({ allows, principal, conditions }) => allows && isEverybody(principal) && list(conditions).length === 0,
          )
          .map(({ location }) => fault(policy, location, 'a statement for every principal')),
      ),
  },
];
