import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';

/** Properties of a `LettaAuroraDatabase`. */
export interface LettaAuroraDatabaseProps {
  /** The VPC that the cluster and its set-up function stand in. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the cluster and its set-up function, in at least two availability zones. The function reaches Secrets
   * Manager from there, by an interface endpoint in a sealed VPC.
   *
   * @default - the isolated subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Aurora PostgreSQL version, 16 or later: the set-up grants roles with options that 15 has not.
   *
   * @default - the newest 16 of the aws-cdk-lib release this library is made for: 16.13
   */
  readonly engineVersion?: rds.AuroraPostgresEngineVersion;

  /**
   * Whether new minor versions are installed in the maintenance window.
   *
   * @default true
   */
  readonly autoMinorVersionUpgrade?: boolean;

  /**
   * Least capacity of each instance in Aurora capacity units (about 2 GiB of memory each), in halves, 0 to 256. With 0 an instance
   * pauses when nobody has had a connection for `serverlessV2AutoPauseDuration`. Letta always has one: for development only, with
   * the service scaled to zero tasks meanwhile.
   *
   * @default 2: the least that AWS recommends with Performance Insights
   */
  readonly serverlessV2MinCapacity?: number;

  /**
   * Most capacity of each instance in Aurora capacity units, in halves, 1 to 256. It decides `maxConnections`.
   *
   * @default 8: about 16 GiB
   */
  readonly serverlessV2MaxCapacity?: number;

  /**
   * How long nobody must have had a connection before an instance pauses, 5 minutes to a day. Only with a
   * `serverlessV2MinCapacity` of 0.
   *
   * @default Duration.minutes(5)
   */
  readonly serverlessV2AutoPauseDuration?: Duration;

  /**
   * Whether a second instance in another availability zone takes over when the first one fails. It grows with the first one.
   *
   * @default true
   */
  readonly reader?: boolean;

  /**
   * Key of the storage, the backups, the master secret, the logs and Performance Insights. The first three cannot
   * change their key later without a new cluster.
   *
   * @default - the account's keys of RDS, Secrets Manager and CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements. A key that the app
   * makes is given them.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;

  /**
   * Whether AWS refuses to delete the cluster. With another `removalPolicy` than RETAIN it would make a deletion of the
   * stack fail.
   *
   * @default - true if `removalPolicy` is RETAIN, false otherwise
   */
  readonly deletionProtection?: boolean;

  /**
   * What becomes of the cluster when it leaves the stack. When it stays, what it stands on stays with it: instances, subnet
   * group, parameter group, security group and logs. The subnets and the VPC must then stay too, as those of
   * `SealedNetwork` do by default.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * How far back the database can be restored to any second, 1 to 35 days.
   *
   * @default Duration.days(14)
   */
  readonly backupRetention?: Duration;

  /**
   * Most connections the server accepts, 16 to 262143. It is written into the parameter group, so that pools can be
   * checked against it at synth. A change takes effect when the instances restart.
   *
   * @default - as Aurora reckons it from `serverlessV2MaxCapacity`: 1669 for 8; at most 2000 with a `serverlessV2MinCapacity` of 0
   * or 0.5, at most 5000 otherwise
   */
  readonly maxConnections?: number;

  /**
   * Memory that each sort or hash of a query may take before it goes to the disk (`work_mem`), 64 KiB at least.
   *
   * @default - PostgreSQL's own, 4 MiB
   */
  readonly workMemory?: Size;

  /**
   * Memory that a `VACUUM` or the building of an index may take (`maintenance_work_mem`), 1 MiB at least.
   *
   * @default - as Aurora reckons it
   */
  readonly maintenanceMemory?: Size;

  /**
   * More parameters of the cluster, e.g. `{ max_parallel_workers_per_gather: '4' }`. Those that keep statements out of the log and
   * connections on TLS are fixed; `maxConnections`, `workMemory` and `maintenanceMemory` have props.
   *
   * @default - none
   */
  readonly parameters?: { [name: string]: string };

  /**
   * Storage whose input and output is paid for by use (`AURORA`) or with the storage (`AURORA_IOPT1`).
   *
   * @default rds.DBClusterStorageType.AURORA
   */
  readonly storageType?: rds.DBClusterStorageType;

  /**
   * When the daily backup is taken, `hh:mm-hh:mm` in UTC, 30 minutes at least; not within the maintenance window.
   *
   * @default - RDS chooses one
   */
  readonly preferredBackupWindow?: string;

  /**
   * When updates are installed, `ddd:hh:mm-ddd:hh:mm` in UTC, e.g. `sun:03:00-sun:04:00`.
   *
   * @default - RDS chooses one
   */
  readonly preferredMaintenanceWindow?: string;

  /**
   * TCP port.
   *
   * @default 5432
   */
  readonly port?: number;

  /**
   * Security group of the cluster.
   *
   * @default - a new one, closed both ways
   */
  readonly securityGroup?: ec2.ISecurityGroup;

  /**
   * VPC whose endpoint of Secrets Manager the set-up function must read the master secret through (`aws:SourceVpc`). Only
   * where that endpoint is in the VPC, with private DNS.
   *
   * @default - from anywhere
   */
  readonly sourceVpc?: ec2.IVpc;

  /**
   * What CloudWatch Logs hides in the database's log group, e.g. `LogDataProtection.credentialsAndPersonalData()`.
   *
   * @default - nothing
   */
  readonly logDataProtection?: logs.DataProtectionPolicy;

  /**
   * How long logs of the database and of its set-up are kept.
   *
   * @default logs.RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;
}

/** Properties of a cluster that is restored from a snapshot. */
export interface LettaAuroraDatabaseFromSnapshotProps extends LettaAuroraDatabaseProps {
  /**
   * Name or ARN of a snapshot of an Aurora PostgreSQL cluster that was a `LettaAuroraDatabase`, in the stack's region; the ARN if it
   * is another account's. The ARN of a snapshot of a `LettaDatabase` works too, where RDS can migrate its version to Aurora.
   *
   * Leave it as it is afterwards: CloudFormation refuses to replace the cluster, because it has a name. For another snapshot give
   * another construct id.
   */
  readonly snapshotIdentifier: string;
}
