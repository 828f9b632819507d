import { CustomResource, Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, IConstruct, IDependable } from 'constructs';
import { IAwsClient } from './aws-client';
import { LettaDatabaseAttributes, LettaDatabaseFromSnapshotProps, LettaDatabaseProps } from './letta-database-props';
import { closedSecurityGroup } from './private/closed-security-group';
import { connectionLimit } from './private/connection-limit';
import { DATABASE_NAME, DATABASE_PORT } from './private/database-defaults';
import { grantDatabaseLogin } from './private/database-login';
import { databaseParameters } from './private/database-parameters';
import { DatabaseSetup } from './private/database-setup';
import { databaseStorage } from './private/database-storage';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { stateKeyPolicy } from './private/encryption-key';
import { ImportedDatabase } from './private/imported-database';
import { instanceMemory } from './private/instance-memory';
import { isolatedPlacement } from './private/isolated-placement';
import { requireDuration } from './private/kinds';
import { acknowledge, acknowledgeStandards } from './private/nag';
import { regionWithRdsAuthority } from './private/rds-authorities';
import { requireSnapshot, restoreFrom } from './private/restored-instance';
import { uniqueName } from './private/unique-name';
import { wholeNumber } from './private/whole-number';

export * from './letta-database-props';

const MASTER_USER = 'letta_master';

/** A PostgreSQL database prepared for Letta: pgvector, and the roles of `DatabaseRole` logging in by IAM. */
export interface ILettaDatabase extends IConstruct, ec2.IConnectable {
  /** Host name that clients connect to and verify the certificate against. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Name of the database. */
  readonly databaseName: string;
  /** Most connections the server accepts; undefined when an imported database doesn't say. */
  readonly maxConnections?: number;
  /** Identifier of the DB instance, of which a snapshot is taken before a migration; undefined when an imported database doesn't say. */
  readonly instanceIdentifier?: string;
  /** Identifier of the DB cluster (Aurora), of which a snapshot is taken before a migration. */
  readonly clusterIdentifier?: string;

  /**
   * Lets a principal log in by IAM as one role of the database.
   *
   * @param grantee who logs in
   * @param role name of the PostgreSQL role, e.g. `letta_runtime`
   */
  grantConnect(grantee: iam.IGrantable, role: string): iam.Grant;
}

/**
 * RDS for PostgreSQL, prepared for Letta.
 *
 * Every connection is TLS (`rds.force_ssl`). RDS makes the master password and rotates it by itself; only the set-up
 * function reads it. Letta's migrations and its server log in by IAM as two roles with no more than each needs.
 *
 * The instance has a generated name that no other stack has, so that its log group can be made first, with retention
 * and key, and that CloudFormation refuses an update that would replace the instance.
 */
export class LettaDatabase extends Construct implements ILettaDatabase {
  /** Uses a database that exists already, set up as this construct does it. */
  static fromLettaDatabaseAttributes(scope: Construct, id: string, attrs: LettaDatabaseAttributes): ILettaDatabase {
    return new ImportedDatabase(scope, id, attrs);
  }

  /**
   * Makes a database out of a snapshot of another one, with all its data, beside whatever stands already: under an id of its own.
   *
   * The snapshot decides the key of the storage (give that one as `encryptionKey`), the name of the master user, and the least
   * `engineVersion` and `allocatedStorage`: RDS refuses less in the deployment, and it refuses snapshots of other engines.
   *
   * @throws for a snapshot of a cluster, or one of another region
   */
  static fromSnapshot(scope: Construct, id: string, props: LettaDatabaseFromSnapshotProps): LettaDatabase {
    // A program in JavaScript may leave it out, and must not get an empty database.
    return new LettaDatabase(scope, id, {
      ...props,
      snapshotIdentifier: props.snapshotIdentifier ?? '',
    } as LettaDatabaseProps);
  }

  readonly connections: ec2.Connections;
  readonly host: string;
  readonly port: number;
  readonly databaseName = DATABASE_NAME;
  readonly maxConnections?: number;
  readonly instanceIdentifier?: string;
  /** The instance. */
  readonly instance: rds.DatabaseInstance;
  /** Key of the storage and of its snapshots; undefined for the account's key of RDS. */
  readonly encryptionKey?: kms.IKey;
  /** The secret of the master user, made and rotated by RDS: JSON with `username` and `password`. */
  readonly masterSecret: secretsmanager.ISecret;
  /** The set-up function: it needs a way to Secrets Manager, e.g. by `VpcEndpoints.serve`. */
  readonly setupClient: IAwsClient;

  private readonly setup: DatabaseSetup;

  constructor(scope: Construct, id: string, props: LettaDatabaseProps) {
    super(scope, id);
    const { snapshotIdentifier } = props as Partial<LettaDatabaseFromSnapshotProps>;
    if (snapshotIdentifier !== undefined) requireSnapshot(this, 'snapshotIdentifier', snapshotIdentifier);
    this.encryptionKey = props.encryptionKey;
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const region = regionWithRdsAuthority(this);

    const { vpc } = props;
    const multiAz = props.multiAz ?? true;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const logRetention = props.logRetention ?? logs.RetentionDays.THREE_MONTHS;
    const instanceType = props.instanceType ?? ec2.InstanceType.of(ec2.InstanceClass.M7G, ec2.InstanceSize.LARGE);
    const storage = databaseStorage(this, props);
    const backupRetention = props.backupRetention ?? Duration.days(14);
    requireDuration(this.node.path, 'backupRetention', backupRetention);
    if (!backupRetention.isUnresolved())
      wholeNumber(this, 'backupRetention', backupRetention.toDays({ integral: false }), 1, 35);
    this.port = wholeNumber(this, 'port', props.port ?? DATABASE_PORT, 1150, 65535);
    const version = props.engineVersion ?? rds.PostgresEngineVersion.VER_16_13;
    requireInheritOption(this, version);
    const memory = instanceMemory(instanceType.toString());
    const limit = connectionLimit(this, instanceType.toString(), memory, props.maxConnections);
    this.maxConnections = limit;
    const vpcSubnets = isolatedPlacement(this, vpc, props.vpcSubnets, {
      zones: 2,
      reason: multiAz
        ? '`multiAz` puts the standby into another zone; give subnets in two zones'
        : 'RDS asks for two zones even without `multiAz`; give subnets in two zones',
    });

    const securityGroup =
      props.securityGroup ??
      this.retainable(
        closedSecurityGroup(this, 'SecurityGroup', {
          vpc,
          description: 'Letta database',
        }),
        removalPolicy,
      );
    this.connections = new ec2.Connections({
      securityGroups: [securityGroup],
      defaultPort: ec2.Port.tcp(this.port),
    });

    const engine = rds.DatabaseInstanceEngine.postgres({ version });
    const advanced = props.databaseInsightsMode === rds.DatabaseInsightsMode.ADVANCED;
    const standsOn = standsOnPolicy(removalPolicy);
    const name = uniqueName(this);
    const logGroup = encryptedLogGroup(this, 'LogGroup', {
      logGroupName: `/aws/rds/instance/${name}/postgresql`,
      dataProtectionPolicy: props.logDataProtection,
      retention: logRetention,
      encryptionKey: props.encryptionKey,
      removalPolicy: standsOn,
    });
    const upgradeLogGroup = encryptedLogGroup(this, 'UpgradeLogGroup', {
      logGroupName: `/aws/rds/instance/${name}/upgrade`,
      dataProtectionPolicy: props.logDataProtection,
      retention: logRetention,
      encryptionKey: props.encryptionKey,
      removalPolicy: standsOn,
    });
    this.instance = new rds.DatabaseInstance(this, 'Instance', {
      instanceIdentifier: name,
      engine,
      instanceType,
      vpc,
      securityGroups: [securityGroup],
      subnetGroup: new rds.SubnetGroup(this, 'SubnetGroup', {
        vpc,
        vpcSubnets,
        description: 'Letta database',
        removalPolicy: standsOn,
      }),
      parameterGroup: new rds.ParameterGroup(this, 'ParameterGroup', {
        engine,
        description: 'Letta database: TLS only',
        parameters: databaseParameters(this, props, limit, memory),
        removalPolicy: standsOn,
      }),
      port: this.port,
      databaseName: DATABASE_NAME,
      credentials: rds.Credentials.fromUsername(MASTER_USER, { encryptionKey: props.encryptionKey }),
      manageMasterUserPassword: true,
      iamAuthentication: true,
      publiclyAccessible: false,
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      storageType: rds.StorageType.GP3,
      ...storage,
      storageEncrypted: true,
      storageEncryptionKey: props.encryptionKey,
      multiAz,
      backupRetention,
      deleteAutomatedBackups: false,
      copyTagsToSnapshot: true,
      deletionProtection: props.deletionProtection ?? removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
      allowMajorVersionUpgrade: props.allowMajorVersionUpgrade,
      autoMinorVersionUpgrade: props.autoMinorVersionUpgrade ?? true,
      cloudwatchLogsExports: ['postgresql', 'upgrade'],
      enablePerformanceInsights: true,
      performanceInsightRetention: advanced
        ? rds.PerformanceInsightRetention.MONTHS_15
        : rds.PerformanceInsightRetention.DEFAULT,
      performanceInsightEncryptionKey: props.encryptionKey,
      databaseInsightsMode: props.databaseInsightsMode ?? rds.DatabaseInsightsMode.STANDARD,
      preferredBackupWindow: props.preferredBackupWindow,
      preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    });
    this.instanceIdentifier = this.instance.instanceIdentifier;
    if (snapshotIdentifier !== undefined) restoreFrom(this.instance, snapshotIdentifier);
    this.instance.node.addDependency(logGroup, upgradeLogGroup);
    acknowledge(
      this.instance,
      'AwsSolutions-RDS11',
      'closed security groups and IAM logins keep strangers out, not an unusual port; `port` changes it',
    );
    acknowledgeStandards(
      this.instance,
      'RDSEnhancedMonitoringEnabled',
      "Performance Insights shows the load; Enhanced Monitoring writes to the account's one log group RDSOSMetrics, to " +
        'which no key and no retention can be given here',
    );
    acknowledgeStandards(
      this.instance,
      'RDSInBackupPlan',
      "RDS's own backups restore any second of `backupRetention`; `LettaBackup` adds a vault, copies and restore tests",
    );
    this.host = this.instance.dbInstanceEndpointAddress;
    this.masterSecret = this.instance.secret!;

    this.setup = new DatabaseSetup(this, 'Setup', {
      vpc,
      vpcSubnets,
      region,
      host: this.host,
      port: this.port,
      databaseName: this.databaseName,
      databaseSecurityGroup: securityGroup,
      masterSecret: this.masterSecret,
      sourceVpc: props.sourceVpc,
      encryptionKey: props.encryptionKey,
      logRetention,
    });
    this.setup.startsAfter(this.instance);
    this.setupClient = this.setup;
  }

  grantConnect(grantee: iam.IGrantable, role: string): iam.Grant {
    return grantDatabaseLogin(this, this.instance.instanceResourceId!, grantee, role);
  }

  /**
   * The set-up of the database waits for these. In a sealed VPC: for the endpoint of Secrets Manager and for the rule
   * that lets `setupClient` reach it.
   */
  startsAfter(...dependencies: IDependable[]): void {
    this.setup.startsAfter(...dependencies);
  }

  /**
   * Makes the role that `LettaRetention` logs in as.
   *
   * @internal
   */
  _retentionRole(scope: Construct, id: string): CustomResource {
    return this.setup.retentionRole(scope, id);
  }

  private retainable(securityGroup: ec2.SecurityGroup, removalPolicy: RemovalPolicy): ec2.SecurityGroup {
    securityGroup.applyRemovalPolicy(standsOnPolicy(removalPolicy));
    return securityGroup;
  }
}

/** The set-up grants memberships `WITH INHERIT FALSE, SET TRUE`, which PostgreSQL has from 16 on. Tokens pass. */
function requireInheritOption(scope: Construct, version: rds.PostgresEngineVersion): void {
  for (const given of [version.postgresMajorVersion, version.postgresFullVersion]) {
    if (Token.isUnresolved(given) || Number.parseInt(given) >= 16) continue;
    throw new Error(
      `LettaDatabase ${scope.node.path}: \`engineVersion\` is PostgreSQL ${given}, wanted 16 or later, because the ` +
        'set-up grants roles with options that 15 has not; give for example `rds.PostgresEngineVersion.VER_16_13`',
    );
  }
}

/** A snapshot can be kept of the instance only; what it stands on then goes. */
function standsOnPolicy(removalPolicy: RemovalPolicy): RemovalPolicy {
  return removalPolicy === RemovalPolicy.SNAPSHOT ? RemovalPolicy.DESTROY : removalPolicy;
}
