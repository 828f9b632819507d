import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

const DATABASE = 'AWS::RDS::DBInstance';
const CACHE = 'AWS::ElastiCache::ReplicationGroup';

/** A fault that is one property of a resource. */
function set(
  rule: string,
  name: string,
  type: string,
  properties: Properties,
  more: Partial<InjectedFault> = {},
): InjectedFault {
  return { rule, name, ...more, inject: (mutant) => void Object.assign(mutant.properties(type), properties) };
}

function filters(mutant: Mutant): Properties[] {
  return mutant.properties('AWS::Bedrock::Guardrail').ContentPolicyConfig.FiltersConfig;
}

function promptAttack(mutant: Mutant): Properties {
  return filters(mutant).find(({ Type }) => Type === 'PROMPT_ATTACK')!;
}

export const DATABASE_FAULTS: InjectedFault[] = [
  set('public-database', 'the database has a public address', DATABASE, { PubliclyAccessible: true }),
  set('database-unencrypted', 'the database is not encrypted', DATABASE, { StorageEncrypted: false }),
  set('database-without-iam', 'no IAM authentication', DATABASE, { EnableIAMDatabaseAuthentication: false }),
  set('master-password-in-template', 'the master password in the template', DATABASE, {
    ManageMasterUserPassword: false,
    MasterUserPassword: 'correct-horse',
  }),
  set('database-deletable', 'no deletion protection', DATABASE, { DeletionProtection: false }),
  {
    rule: 'database-deletable',
    name: "the database goes with the stack's end",
    of: 'enterprise',
    inject: (mutant) => {
      mutant.find(DATABASE).DeletionPolicy = 'Delete';
    },
  },
  {
    rule: 'database-without-tls',
    name: 'connections without TLS',
    inject: (mutant) => {
      mutant.properties('AWS::RDS::DBParameterGroup').Parameters['rds.force_ssl'] = '0';
    },
  },
  {
    rule: 'statements-in-log',
    name: 'every statement is logged',
    inject: (mutant) => {
      mutant.properties('AWS::RDS::DBParameterGroup').Parameters.log_statement = 'all';
    },
  },
  set('database-without-backup', 'no automatic backups', DATABASE, { BackupRetentionPeriod: 0 }),
  set('database-engine', 'PostgreSQL 15', DATABASE, { EngineVersion: '15.10' }),
  set('database-engine', 'MySQL', DATABASE, { Engine: 'mysql', EngineVersion: '8.4.3' }),
  {
    rule: 'database-key-changes',
    name: 'Performance Insights under the key of AWS',
    of: 'enterprise',
    inject: (mutant) => delete mutant.properties(DATABASE).PerformanceInsightsKMSKeyId,
  },
  {
    rule: 'database-key-changes',
    name: 'the master secret under the key of AWS',
    of: 'guarded',
    inject: (mutant) => delete mutant.properties(DATABASE).MasterUserSecret,
  },
  set('storage-type', 'a storage type that RDS does not have', DATABASE, { StorageType: 'gp4' }),
  set('multi-az-off', 'the database in one zone', DATABASE, { MultiAZ: false }),
];

export const CACHE_FAULTS: InjectedFault[] = [
  set('cache-without-tls', 'no TLS to the cache', CACHE, { TransitEncryptionEnabled: false }),
  set('cache-without-tls', 'TLS to the cache for who wants it', CACHE, { TransitEncryptionMode: 'preferred' }),
  set('cache-unencrypted', 'the cache is not encrypted at rest', CACHE, { AtRestEncryptionEnabled: false }),
  set('cache-without-authentication', 'no users of the cache', CACHE, { UserGroupIds: [] }),
  {
    rule: 'cache-open-user',
    name: 'the default user of the cache is switched on',
    inject: (mutant) => {
      mutant.properties('AWS::ElastiCache::User', ({ Properties }) => Properties.UserName === 'default').AccessString =
        'on ~* +@all';
    },
  },
  {
    rule: 'cache-iam-user-name',
    name: 'an IAM user whose name is not its id',
    inject: (mutant) => {
      mutant.properties('AWS::ElastiCache::User', ({ Properties }) => Properties.UserName !== 'default').UserName =
        'letta';
    },
  },
  {
    rule: 'cache-group-without-default',
    name: 'a user group of Redis without a default user',
    inject: (mutant) => {
      const fallback = mutant.find('AWS::ElastiCache::User', ({ Properties }) => Properties.UserName === 'default');
      const group = mutant.properties('AWS::ElastiCache::UserGroup');
      group.UserIds = group.UserIds.filter(({ Ref }: Properties) => Ref !== mutant.id(fallback));
    },
  },
  set('cache-without-failover', 'no failover', CACHE, { AutomaticFailoverEnabled: false, MultiAZEnabled: false }),
  set('cache-failover-of-one', 'failover with one node', CACHE, { NumCacheClusters: 1 }),
  set(
    'cache-zones-without-failover',
    'two zones without failover',
    CACHE,
    { AutomaticFailoverEnabled: false },
    {
      also: ['cache-without-failover'],
    },
  ),
  set('cache-engine-version', 'an engine that ElastiCache does not have', CACHE, { Engine: 'keydb' }),
  set('cache-engine-version', 'Redis 7.4, which ElastiCache never had', CACHE, { EngineVersion: '7.4' }),
  set('cache-engine-version', 'Valkey in a version of Redis', CACHE, { Engine: 'valkey', EngineVersion: '7.1' }),
  set('cache-node-type', 'a node type that does not exist', CACHE, { CacheNodeType: 'cache.t5.small' }),
  set('cache-node-type', 'an instance type of EC2', CACHE, { CacheNodeType: 't4g.small' }),
  set('cache-cluster-mode', 'two shards', CACHE, { NumNodeGroups: 2 }),
  {
    rule: 'cache-serverless-engine',
    name: 'a serverless cache of an engine that does not exist',
    inject: (mutant) =>
      mutant.add('Serverless', 'AWS::ElastiCache::ServerlessCache', { Engine: 'keydb', ServerlessCacheName: 'letta' }),
  },
];

export const GUARDRAIL_FAULTS: InjectedFault[] = [
  {
    rule: 'prompt-attack-output',
    name: 'PROMPT_ATTACK on output',
    of: 'guarded',
    inject: (mutant) => {
      promptAttack(mutant).OutputStrength = 'HIGH';
    },
  },
  {
    rule: 'guardrail-filter-twice',
    name: 'a filter listed twice',
    of: 'guarded',
    inject: (mutant) => void filters(mutant).push({ ...filters(mutant)[0] }),
  },
  {
    rule: 'guardrail-empty',
    name: 'a guardrail without any policy',
    of: 'guarded',
    also: ['guardrail-without-prompt-attack'],
    inject: (mutant) => {
      const guardrail = mutant.properties('AWS::Bedrock::Guardrail');
      for (const name of Object.keys(guardrail)) if (name.endsWith('PolicyConfig')) delete guardrail[name];
    },
  },
  {
    rule: 'guardrail-without-prompt-attack',
    name: 'a guardrail that does not look for prompt attacks',
    of: 'guarded',
    inject: (mutant) => void filters(mutant).splice(filters(mutant).indexOf(promptAttack(mutant)), 1),
  },
  {
    rule: 'guardrail-filter-off',
    name: 'a filter that is listed and does nothing',
    of: 'guarded',
    inject: (mutant) => void Object.assign(filters(mutant)[0], { InputStrength: 'NONE', OutputStrength: 'NONE' }),
  },
  {
    rule: 'guardrail-version-of-another',
    name: "another guardrail's version",
    of: 'guarded',
    also: ['guardrail-differs'],
    inject: (mutant) => {
      mutant.add('Other', 'AWS::Bedrock::Guardrail', mutant.properties('AWS::Bedrock::Guardrail'));
      mutant.add('OtherVersion', 'AWS::Bedrock::GuardrailVersion', {
        GuardrailIdentifier: { 'Fn::GetAtt': ['Other', 'GuardrailId'] },
      });
      mutant.variable('gateway', 'GATEWAY_GUARDRAIL_VERSION', { 'Fn::GetAtt': ['OtherVersion', 'Version'] });
    },
  },
];

export const DATA_FAULTS: InjectedFault[] = [
  set(
    'key-without-rotation',
    'a key that is not rotated',
    'AWS::KMS::Key',
    { EnableKeyRotation: false },
    { of: 'guarded' },
  ),
  {
    rule: 'key-for-everybody',
    name: 'a key for every account',
    of: 'guarded',
    inject: (mutant) =>
      mutant
        .properties('AWS::KMS::Key')
        .KeyPolicy.Statement.push({ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:Decrypt', Resource: '*' }),
  },
  {
    rule: 'secret-in-template',
    name: 'the API password in the template',
    inject: (mutant) => {
      const secret = mutant.properties('AWS::SecretsManager::Secret');
      delete secret.GenerateSecretString;
      secret.SecretString = 'correct horse';
    },
  },
  {
    rule: 'secret-for-everybody',
    name: 'everybody may read the API password',
    inject: (mutant) =>
      mutant.add('Everybody', 'AWS::SecretsManager::ResourcePolicy', {
        SecretId: { Ref: mutant.id(mutant.find('AWS::SecretsManager::Secret')) },
        ResourcePolicy: {
          Statement: [{ Effect: 'Allow', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
        },
      }),
  },
  {
    rule: 'secret-in-output',
    name: 'the API password in an output',
    inject: (mutant) =>
      mutant.output('Password', {
        'Fn::Join': ['', ['{{resolve:secretsmanager:', mutant.apiPassword(), ':SecretString:::}}']],
      }),
  },
  {
    rule: 'logs-kept-for-ever',
    name: 'a log group without retention',
    inject: (mutant) => delete mutant.properties('AWS::Logs::LogGroup').RetentionInDays,
  },
  {
    rule: 'public-bucket',
    name: 'the bucket of the access logs may become public',
    inject: (mutant) => {
      mutant.properties('AWS::S3::Bucket').PublicAccessBlockConfiguration.BlockPublicPolicy = false;
    },
  },
  {
    rule: 'bucket-for-everybody',
    name: 'everybody may read the access logs',
    inject: (mutant) =>
      mutant.properties('AWS::S3::BucketPolicy').PolicyDocument.Statement.push({
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: '*',
      }),
  },
];
