import { CustomResource, Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, IDependable } from 'constructs';
import { IAwsClient } from './aws-client';
import { LettaAuroraDatabaseFromSnapshotProps, LettaAuroraDatabaseProps } from './letta-aurora-database-props';
import { ILettaDatabase } from './letta-database';
import { auroraCapacity, auroraConnectionLimit } from './private/aurora-capacity';
import { markPausing } from './private/auto-pause';
import { closedSecurityGroup } from './private/closed-security-group';
import { DATABASE_NAME, DATABASE_PORT, MASTER_USER } from './private/database-defaults';
import { grantDatabaseLogin } from './private/database-login';
import { databaseParameters } from './private/database-parameters';
import { DatabaseSetup } from './private/database-setup';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { stateKeyPolicy } from './private/encryption-key';
import { isolatedPlacement } from './private/isolated-placement';
import { requireDuration } from './private/kinds';
import { acknowledgeStandards } from './private/nag';
import { regionWithRdsAuthority } from './private/rds-authorities';
import { requireClusterSnapshot, restoreClusterFrom } from './private/restored-cluster';
import { uniqueName } from './private/unique-name';
import { wholeNumber } from './private/whole-number';

export * from './letta-aurora-database-props';

/** Least capacity that AWS recommends with Performance Insights, in Aurora capacity units. */
const FOR_INSIGHTS = 2;

/**
 * Aurora PostgreSQL Serverless v2, prepared for Letta: the same behind the same interface as a `LettaDatabase`, with a capacity that
 * follows the load, and storage that grows by itself.
 *
 * With a `serverlessV2MinCapacity` of 0 it pauses when nobody has a connection, which saves all but the storage. Letta keeps
 * connections open, so it never does while a task of the service runs.
 *
 * The cluster has a generated name that no other stack has, so that its log group can be made first, with retention
 * and key, and that CloudFormation refuses an update that would replace the cluster.
 */
export class LettaAuroraDatabase extends Construct implements ILettaDatabase {
  /**
   * Makes a database out of a snapshot of another one, with all its data, beside whatever stands already: under an id of its own.
   * It is encrypted with `encryptionKey`, whatever the snapshot is encrypted with.
   *
   * @throws without `encryptionKey`, and for a snapshot of another region
   */
  static fromSnapshot(scope: Construct, id: string, props: LettaAuroraDatabaseFromSnapshotProps): LettaAuroraDatabase {
    // A program in JavaScript may leave it out, and must not get an empty database.
    return new LettaAuroraDatabase(scope, id, {
      ...props,
      snapshotIdentifier: props.snapshotIdentifier ?? '',
    } as LettaAuroraDatabaseProps);
  }

  readonly connections: ec2.Connections;
  /** Host name of the writer: it stays the same when the other instance takes over. */
  readonly host: string;
  readonly port: number;
  readonly databaseName = DATABASE_NAME;
  readonly maxConnections?: number;
  /** The cluster. */
  readonly cluster: rds.DatabaseCluster;
  readonly clusterIdentifier?: string;
  /** The VPC that it stands in. */
  readonly vpc: ec2.IVpc;
  /** Key of the storage and of its snapshots; undefined for the account's key of RDS. */
  readonly encryptionKey?: kms.IKey;
  /** The secret of the master user, made and rotated by RDS: JSON with `username` and `password`. */
  readonly masterSecret: secretsmanager.ISecret;
  /** The set-up function: it needs a way to Secrets Manager, e.g. by `VpcEndpoints.serve`. */
  readonly setupClient: IAwsClient;

  private readonly setup: DatabaseSetup;

  constructor(scope: Construct, id: string, props: LettaAuroraDatabaseProps) {
    super(scope, id);
    const { snapshotIdentifier } = props as Partial<LettaAuroraDatabaseFromSnapshotProps>;
    if (snapshotIdentifier !== undefined) requireClusterSnapshot(this, snapshotIdentifier, props.encryptionKey);
    this.encryptionKey = props.encryptionKey;
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const region = regionWithRdsAuthority(this);

    const { vpc } = props;
    this.vpc = vpc;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    // A snapshot can be kept of the cluster only; what it stands on then goes.
    const standsOn = removalPolicy === RemovalPolicy.SNAPSHOT ? RemovalPolicy.DESTROY : removalPolicy;
    const logRetention = props.logRetention ?? logs.RetentionDays.THREE_MONTHS;
    const backupRetention = this.backupRetention(props.backupRetention ?? Duration.days(14));
    this.port = wholeNumber(this, 'port', props.port ?? DATABASE_PORT, 1150, 65535);
    const version = props.engineVersion ?? rds.AuroraPostgresEngineVersion.VER_16_13;
    this.requireInheritOption(version);
    const capacity = auroraCapacity(this, props);
    if (capacity.serverlessV2MinCapacity === 0) markPausing(this);
    this.maxConnections = auroraConnectionLimit(this, capacity, props.maxConnections);
    const vpcSubnets = isolatedPlacement(this, vpc, props.vpcSubnets, {
      zones: 2,
      reason: 'Aurora asks for two zones, with a reader or without; give subnets in two zones',
    });

    const securityGroup = props.securityGroup ?? this.newSecurityGroup(vpc, standsOn);
    this.connections = new ec2.Connections({
      securityGroups: [securityGroup],
      defaultPort: ec2.Port.tcp(this.port),
    });

    const engine = rds.DatabaseClusterEngine.auroraPostgres({ version });
    const name = uniqueName(this);
    const logGroup = encryptedLogGroup(this, 'LogGroup', {
      logGroupName: `/aws/rds/cluster/${name}/postgresql`,
      dataProtectionPolicy: props.logDataProtection,
      retention: logRetention,
      encryptionKey: props.encryptionKey,
      removalPolicy: standsOn,
    });
    const instance = {
      autoMinorVersionUpgrade: props.autoMinorVersionUpgrade ?? true,
      publiclyAccessible: false,
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      // With less capacity it takes memory that the database needs, and with 0 it has nothing to show while it pauses.
      ...(capacity.serverlessV2MinCapacity >= FOR_INSIGHTS && {
        enablePerformanceInsights: true,
        performanceInsightRetention: rds.PerformanceInsightRetention.DEFAULT,
        performanceInsightEncryptionKey: props.encryptionKey,
      }),
    };
    this.cluster = new rds.DatabaseCluster(this, 'Cluster', {
      clusterIdentifier: name,
      engine,
      writer: rds.ClusterInstance.serverlessV2('Writer', instance),
      readers:
        (props.reader ?? true)
          ? [rds.ClusterInstance.serverlessV2('Reader', { ...instance, scaleWithWriter: true })]
          : [],
      ...capacity,
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
        parameters: databaseParameters(this, props, this.maxConnections),
        removalPolicy: standsOn,
      }),
      port: this.port,
      defaultDatabaseName: DATABASE_NAME,
      credentials: rds.Credentials.fromUsername(MASTER_USER, { encryptionKey: props.encryptionKey }),
      manageMasterUserPassword: true,
      iamAuthentication: true,
      storageType: props.storageType,
      storageEncrypted: true,
      storageEncryptionKey: props.encryptionKey,
      backup: { retention: backupRetention, preferredWindow: props.preferredBackupWindow },
      deleteAutomatedBackups: false,
      copyTagsToSnapshot: true,
      deletionProtection: props.deletionProtection ?? removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
      cloudwatchLogsExports: ['postgresql'],
      preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    });
    this.clusterIdentifier = this.cluster.clusterIdentifier;
    if (snapshotIdentifier !== undefined) restoreClusterFrom(this.cluster, snapshotIdentifier);
    this.cluster.node.addDependency(logGroup);
    this.acknowledgeFindings();
    this.host = this.cluster.clusterEndpoint.hostname;
    this.masterSecret = this.cluster.secret!;

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
    // The cluster alone has no server: its instances come after it.
    this.setup.startsAfter(this.cluster);
    this.setupClient = this.setup;
  }

  grantConnect(grantee: iam.IGrantable, role: string): iam.Grant {
    return grantDatabaseLogin(this, this.cluster.clusterResourceIdentifier, grantee, role);
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

  private newSecurityGroup(vpc: ec2.IVpc, removalPolicy: RemovalPolicy): ec2.SecurityGroup {
    const group = closedSecurityGroup(this, 'SecurityGroup', { vpc, description: 'Letta database' });
    group.applyRemovalPolicy(removalPolicy);
    return group;
  }

  private backupRetention(retention: Duration): Duration {
    requireDuration(this.node.path, 'backupRetention', retention);
    if (!retention.isUnresolved()) wholeNumber(this, 'backupRetention', retention.toDays({ integral: false }), 1, 35);
    return retention;
  }

  /** The set-up grants memberships `WITH INHERIT FALSE, SET TRUE`, which PostgreSQL has from 16 on. Tokens pass. */
  private requireInheritOption(version: rds.AuroraPostgresEngineVersion): void {
    for (const given of [version.auroraPostgresMajorVersion, version.auroraPostgresFullVersion]) {
      if (Token.isUnresolved(given) || Number.parseInt(given) >= 16) continue;
      throw new Error(
        `LettaAuroraDatabase ${this.node.path}: \`engineVersion\` is Aurora PostgreSQL ${given}, wanted 16 or later, because the ` +
          'set-up grants roles with options that 15 has not; give for example `rds.AuroraPostgresEngineVersion.VER_16_13`',
      );
    }
  }

  private acknowledgeFindings(): void {
    acknowledgeStandards(
      this.cluster,
      'RDSEnhancedMonitoringEnabled',
      "Performance Insights shows the load; Enhanced Monitoring writes to the account's one log group RDSOSMetrics, to " +
        'which no key and no retention can be given here',
    );
    acknowledgeStandards(
      this.cluster,
      'RDSInBackupPlan',
      "Aurora's own backups restore any second of `backupRetention`; `LettaBackup` adds a vault, copies and restore tests",
    );
  }
}
