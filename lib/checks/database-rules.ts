import { LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { isFalse, isTrue, isUnknown, list, Properties, Resource, text } from './template';

const AREA = 'Database';

/** Source: "CreateDBInstance" and "CreateDBCluster", Amazon RDS API Reference. */
const STORAGE_TYPES = ['standard', 'gp2', 'gp3', 'io1', 'io2', 'aurora', 'aurora-iopt1'];

function instances(parts: LettaParts): Resource[] {
  return parts.ofType('AWS::RDS::DBInstance');
}

/** Clusters, and instances that are in none: what a cluster decides, its instances do not. */
function databases(parts: LettaParts): Resource[] {
  return [
    ...parts.ofType('AWS::RDS::DBCluster'),
    ...instances(parts).filter(({ properties }) => !properties.DBClusterIdentifier),
  ];
}

function parametersOf(parts: LettaParts, { properties }: Resource): [group: Resource, parameters: Properties][] {
  return parts.templates
    .named([properties.DBParameterGroupName, properties.DBClusterParameterGroupName])
    .filter(({ type }) => /ParameterGroup$/.test(type))
    .map((group): [Resource, Properties] => [group, group.properties.Parameters ?? {}]);
}

function judgeParameter(parts: LettaParts, name: string, isFault: (value: string) => boolean): Fault[] {
  return databases(parts).flatMap((database) =>
    parametersOf(parts, database).flatMap(([group, parameters]) => {
      const value = parameters[name];
      const wrong = value !== undefined && !isUnknown(value) && isFault(text(value));
      return wrong ? [fault(group, `Parameters/${name}`, `${name} = ${text(value)}`)] : [];
    }),
  );
}

/** Where agents' memory lives. */
export const DATABASE_RULES: Rule[] = [
  {
    id: 'public-database',
    area: AREA,
    reason: 'the database has a public address',
    fix: 'set publiclyAccessible to false',
    judge: (parts) =>
      faults(
        instances(parts),
        'PubliclyAccessible',
        ({ properties }) => isTrue(properties.PubliclyAccessible) && 'true',
      ),
  },
  {
    id: 'database-unencrypted',
    area: AREA,
    reason: 'the database is not encrypted at rest, and cannot be later without being replaced',
    fix: 'set storageEncrypted to true, with a key of yours or none',
    judge: (parts) =>
      faults(
        databases(parts),
        'StorageEncrypted',
        ({ properties: { StorageEncrypted, SnapshotIdentifier, DBSnapshotIdentifier } }) =>
          !isTrue(StorageEncrypted) && !SnapshotIdentifier && !DBSnapshotIdentifier && 'not true',
      ),
  },
  {
    id: 'database-without-iam',
    area: AREA,
    reason: 'the database does not know IAM authentication, which is the only way the gateway logs in',
    fix: 'set iamAuthentication to true',
    judge: (parts) =>
      faults(
        databases(parts),
        'EnableIAMDatabaseAuthentication',
        ({ properties }) => !isTrue(properties.EnableIAMDatabaseAuthentication) && 'not true',
      ),
  },
  {
    id: 'master-password-in-template',
    area: AREA,
    reason: 'the master password stands in the template',
    fix: 'let RDS keep it (manageMasterUserPassword), or generate it in Secrets Manager',
    judge: (parts) =>
      faults(databases(parts), 'MasterUserPassword', ({ properties }) => {
        const password = properties.MasterUserPassword;
        return (
          password !== undefined && !isUnknown(password) && !/\{\{resolve:/.test(text(password)) && 'a literal password'
        );
      }),
  },
  {
    id: 'database-deletable',
    area: AREA,
    reason: "the stack's end, or a slip, is the end of all agents and their memory",
    fix: 'set deletionProtection to true and removalPolicy to RETAIN or SNAPSHOT',
    judge: (parts) =>
      faults(databases(parts), 'DeletionProtection', ({ properties, deletionPolicy }) => {
        if (deletionPolicy === 'Delete') return 'DeletionPolicy Delete';
        return (
          !isTrue(properties.DeletionProtection) &&
          !isUnknown(properties.DeletionProtection) &&
          'no deletion protection'
        );
      }),
  },
  {
    id: 'database-without-tls',
    area: AREA,
    reason: 'the database accepts connections without TLS',
    fix: 'set the parameter rds.force_ssl to 1, or leave it out: that is the default since PostgreSQL 15',
    judge: (parts) => judgeParameter(parts, 'rds.force_ssl', (value) => value !== '1'),
  },
  {
    id: 'statements-in-log',
    area: AREA,
    reason: 'the database logs statements, and with them the text of messages and memories',
    fix: 'set log_statement to none or ddl, and log_min_duration_statement to -1',
    judge: (parts) => [
      ...judgeParameter(parts, 'log_statement', (value) => /^(mod|all)$/.test(value)),
      ...judgeParameter(parts, 'log_min_duration_statement', (value) => value !== '-1'),
    ],
  },
  {
    id: 'database-without-backup',
    area: AREA,
    reason: 'the database has no automatic backups, so there is no way back in time',
    fix: 'set backupRetention to at least 7 days',
    judge: (parts) =>
      faults(
        databases(parts),
        'BackupRetentionPeriod',
        ({ properties }) => text(properties.BackupRetentionPeriod ?? 1) === '0' && '0 days',
      ),
  },
  {
    id: 'database-engine',
    area: AREA,
    reason: 'Letta needs PostgreSQL with pgvector, and this library PostgreSQL 16 or later',
    fix: 'use the engine postgres or aurora-postgresql in version 16 or later',
    judge: (parts) =>
      faults(databases(parts), 'EngineVersion', ({ properties: { Engine, EngineVersion } }) => {
        if (!/^(postgres|aurora-postgresql)$/.test(text(Engine)) && !isUnknown(Engine)) return `engine ${Engine}`;
        const major = /^(\d+)/.exec(text(EngineVersion ?? ''))?.[1];
        return major !== undefined && Number(major) < 16 && `version ${EngineVersion}`;
      }),
  },
  {
    id: 'database-key-changes',
    area: AREA,
    reason:
      'what RDS keeps beside the storage (Performance Insights, the master secret) is under another key than the storage',
    fix: 'give all of them the same key; the prop encryptionKey does',
    judge: (parts) =>
      databases(parts).flatMap((database) => {
        const {
          KmsKeyId: key,
          PerformanceInsightsKMSKeyId: insights,
          EnablePerformanceInsights: on,
        } = database.properties;
        if (!key) return [];
        const secret = database.properties.MasterUserSecret?.KmsKeyId;
        const managed = isTrue(database.properties.ManageMasterUserPassword);
        return [
          ...(isTrue(on) && !sameKey(insights, key)
            ? [fault(database, 'PerformanceInsightsKMSKeyId', text(insights ?? 'not set'))]
            : []),
          ...(managed && !sameKey(secret, key)
            ? [fault(database, 'MasterUserSecret/KmsKeyId', text(secret ?? 'not set'))]
            : []),
        ];
      }),
  },
  {
    id: 'storage-type',
    area: AREA,
    reason: 'RDS has no such storage type, and the deployment fails',
    fix: `use one of ${STORAGE_TYPES.join(', ')}`,
    judge: (parts) =>
      faults(parts.templates.ofType('AWS::RDS::DBInstance', 'AWS::RDS::DBCluster'), 'StorageType', ({ properties }) => {
        const type = properties.StorageType;
        return type !== undefined && !isUnknown(type) && !STORAGE_TYPES.includes(text(type)) && text(type);
      }),
  },
  {
    id: 'multi-az-off',
    area: AREA,
    reason: 'the database is in one availability zone, and gone for hours with it',
    fix: 'set multiAz to true, or acknowledge it for a trial',
    judge: (parts) =>
      faults(
        databases(parts),
        'MultiAZ',
        ({ type, properties }) =>
          type === 'AWS::RDS::DBInstance' &&
          !/^aurora/.test(text(properties.Engine)) &&
          (properties.MultiAZ === undefined || isFalse(properties.MultiAZ)) &&
          list(properties.AvailabilityZone).length === 0 &&
          'one zone',
      ),
  },
];

/** An id and an ARN may name the same key. */
function sameKey(one: unknown, other: unknown): boolean {
  const end = (value: unknown): string =>
    text(value ?? '')
      .replace(/^.*:key\//, '')
      .replace(/\.(Arn|KeyId)>$/, '>');
  return end(one) === end(other);
}
