import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';

/** Properties of a `LettaDatabase`. */
export interface LettaDatabaseProps {
  /** The VPC that the instance and its set-up function stand in. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the instance and its set-up function, in at least two availability zones. The function reaches Secrets
   * Manager from there, by an interface endpoint in a sealed VPC.
   *
   * @default - the isolated subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Instance class, without `db.`.
   *
   * @default m7g.large: 2 virtual CPUs, 8 GiB
   */
  readonly instanceType?: ec2.InstanceType;

  /**
   * PostgreSQL version, 16 or later: the set-up grants roles with options that 15 has not. The lab runs 16.
   *
   * @default - the newest 16 of the aws-cdk-lib release this library is made for: 16.13
   */
  readonly engineVersion?: rds.PostgresEngineVersion;

  /**
   * Whether RDS installs new minor versions in the maintenance window. They carry security fixes, and CloudFormation
   * doesn't take back a minor version that is newer than the template's.
   *
   * @default true
   */
  readonly autoMinorVersionUpgrade?: boolean;

  /**
   * Storage at the start, in GiB (gp3).
   *
   * @default 100
   */
  readonly allocatedStorage?: number;

  /**
   * Storage that RDS may grow to by itself, in GiB: at least 10 % more than `allocatedStorage`, or the same for no growth.
   *
   * @default - five times the allocated storage
   */
  readonly maxAllocatedStorage?: number;

  /**
   * Input and output operations per second of the storage, at least 12000. Only from 400 GiB of `allocatedStorage` on.
   *
   * @default - what comes with gp3: 3000 below 400 GiB, 12000 from there on
   */
  readonly iops?: number;

  /**
   * Throughput of the storage in MiB/s, at least 500. Only from 400 GiB of `allocatedStorage` on.
   *
   * @default - what comes with gp3: 125 below 400 GiB, 500 from there on
   */
  readonly storageThroughput?: number;

  /**
   * Key of the storage, the backups, the master secret, the logs and Performance Insights. The first three cannot
   * change their key later without a new instance.
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
   * Whether a standby in another availability zone takes over when the instance fails.
   *
   * @default true
   */
  readonly multiAz?: boolean;

  /**
   * Whether AWS refuses to delete the instance. With another `removalPolicy` than RETAIN it would make a deletion of the
   * stack fail.
   *
   * @default - true if `removalPolicy` is RETAIN, false otherwise, as with `rds.DatabaseInstance`
   */
  readonly deletionProtection?: boolean;

  /**
   * What becomes of the instance when it leaves the stack. When it stays, what it stands on stays with it: subnet
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
   * Most connections the server accepts, 16 to 8388607. It is written into the parameter group, so that pools can be
   * checked against it at synth. A change takes effect at the next restart of the instance. More than RDS would give the
   * instance class warns.
   *
   * @default - as RDS computes it from the memory of the instance class, at most 5000
   */
  readonly maxConnections?: number;

  /**
   * Memory that each sort or hash of a query may take before it goes to the disk (`work_mem`): 64 KiB to a sixteenth of the
   * instance's memory.
   *
   * @default - a 512th of the instance's memory, 4 to 64 MiB: 16 MiB for the default class
   */
  readonly workMemory?: Size;

  /**
   * Memory that a `VACUUM` or the building of an index may take (`maintenance_work_mem`): 1 MiB to a quarter of the instance's
   * memory.
   *
   * @default - a sixteenth of the instance's memory, 64 MiB to 2 GiB: 512 MiB for the default class
   */
  readonly maintenanceMemory?: Size;

  /**
   * More parameters of PostgreSQL, e.g. `{ max_parallel_workers_per_gather: '4' }`. Those that keep statements out of the log and
   * connections on TLS are fixed; `maxConnections`, `workMemory` and `maintenanceMemory` have props.
   *
   * @default - none
   */
  readonly parameters?: { [name: string]: string };

  /**
   * Database Insights. ADVANCED keeps 15 months instead of 7 days, and costs by virtual CPU.
   *
   * @default rds.DatabaseInsightsMode.STANDARD
   */
  readonly databaseInsightsMode?: rds.DatabaseInsightsMode;

  /**
   * Whether an `engineVersion` of a later major version may be deployed. RDS upgrades the instance in place, which takes it away
   * for minutes and has no way back but a restore: take a snapshot first.
   *
   * @default false
   */
  readonly allowMajorVersionUpgrade?: boolean;

  /**
   * When RDS takes its daily backup, `hh:mm-hh:mm` in UTC, 30 minutes at least; not within the maintenance window.
   *
   * @default - RDS chooses one
   */
  readonly preferredBackupWindow?: string;

  /**
   * When RDS installs updates, `ddd:hh:mm-ddd:hh:mm` in UTC, e.g. `sun:03:00-sun:04:00`.
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
   * Security group of the instance.
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
   * What CloudWatch Logs hides in the database's log groups, e.g. `LogDataProtection.credentialsAndPersonalData()`.
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

/** Properties of a database that is restored from a snapshot. */
export interface LettaDatabaseFromSnapshotProps extends LettaDatabaseProps {
  /**
   * Name or ARN of a snapshot of an RDS for PostgreSQL instance that was a `LettaDatabase`, in the stack's region; the ARN if it
   * is another account's. A recovery point of AWS Backup is one too.
   *
   * Leave it as it is afterwards: without it, or with another one, CloudFormation would make another instance and delete this
   * one. It refuses to, because the instance has a name: for another snapshot give another construct id.
   */
  readonly snapshotIdentifier: string;
}

/** A database that exists already. */
export interface LettaDatabaseAttributes {
  /** Host name of the instance, as in its certificate. */
  readonly host: string;

  /**
   * TCP port.
   *
   * @default 5432
   */
  readonly port?: number;

  /**
   * Name of the database.
   *
   * @default 'letta'
   */
  readonly databaseName?: string;

  /** Resource id of the instance (`db-…`), which IAM logins are granted on; not its identifier. */
  readonly resourceId: string;

  /** Security group of the instance; clients are let in there. */
  readonly securityGroup: ec2.ISecurityGroup;

  /**
   * Most connections the server accepts (`max_connections`).
   *
   * @default - unknown: the service cannot check its pools against it
   */
  readonly maxConnections?: number;

  /**
   * Identifier of the DB instance, as `aws rds describe-db-instances` names it: a snapshot of it is taken before another
   * image migrates the database.
   *
   * @default - no snapshot is taken
   */
  readonly instanceIdentifier?: string;
}
