import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { LettaService } from './letta-service';

/** Properties of a `LettaExport`. */
export interface LettaExportProps {
  /** The service whose agents are exported, e.g. `stack.service` of a `LettaBedrockStack`. */
  readonly service: LettaService;

  /**
   * When an export begins.
   *
   * @default - every day at 04:00 UTC
   */
  readonly schedule?: events.Schedule;

  /**
   * How long an export is kept and locked, in whole days, at least 1. A change holds for the exports to come.
   *
   * @default Duration.days(35)
   */
  readonly retention?: Duration;

  /**
   * Who may delete an export before its time: with `GOVERNANCE` whoever is allowed `s3:BypassGovernanceRetention`, with
   * `COMPLIANCE` nobody, not even the root user. The latter gives a warning.
   *
   * @default s3.ObjectLockMode.GOVERNANCE
   */
  readonly lockMode?: s3.ObjectLockMode;

  /**
   * Bucket of the exports, one of this account and region: lock, life cycle, key and access are then yours. Not together with
   * `retention`, `lockMode`, `encryptionKey` or `removalPolicy`.
   *
   * @default - a new one
   */
  readonly bucket?: s3.IBucket;

  /**
   * What the keys of all objects begin with, without slashes at its ends. Give each service its own in a bucket that several use.
   *
   * @default 'exports'
   */
  readonly prefix?: string;

  /**
   * Key of the bucket and of the log.
   *
   * @default - the service's `encryptionKey`, or keys of S3 and CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;

  /**
   * What becomes of the bucket that is made when it leaves the stack. CloudFormation cannot delete a bucket that holds exports.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Where the tasks reach the API, e.g. `https://letta.example.com`. Its name must be one of the certificate's, and lead to the
   * service's load balancer.
   *
   * @default - the service's `url`
   */
  readonly url?: string;

  /**
   * Authorities of the API's certificate in PEM, where it is a private one's (AWS Private CA, or your own).
   *
   * @default - the public ones that Node.js knows
   */
  readonly certificateAuthorities?: string;

  /**
   * VPC whose endpoint of S3 the tasks must use (`aws:SourceVpc`). Only where that endpoint is in the VPC, as in a
   * `SealedNetwork`: credentials that get out of a task then read no export.
   *
   * @default - from anywhere
   */
  readonly sourceVpc?: ec2.IVpc;

  /**
   * How long the tasks' log is kept. It holds ids and counts, no contents.
   *
   * @default logs.RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;
}
