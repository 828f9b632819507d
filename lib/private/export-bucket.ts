import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { requireKeyPolicy, requireUsableKey } from './encryption-key';
import { acknowledge, acknowledgeStandards } from './nag';

/** Properties of `exportBucket`. */
export interface ExportBucketProps {
  readonly retention: Duration;
  readonly lockMode: s3.ObjectLockMode;
  /** @default - keys of S3 */
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * A bucket whose objects nobody overwrites or deletes before their time: object lock by default, versions, and a life cycle that
 * ends when the lock does.
 *
 * @throws for a key that cannot be used here
 */
export function exportBucket(scope: Construct, id: string, props: ExportBucketProps): s3.Bucket {
  const { retention, lockMode, encryptionKey } = props;
  if (encryptionKey) {
    requireUsableKey(scope, encryptionKey);
    requireKeyPolicy(scope, encryptionKey);
  }
  const isFinal = lockMode === s3.ObjectLockMode.COMPLIANCE;
  if (isFinal) warnOfFinalLock(scope, retention);
  const bucket = new s3.Bucket(scope, id, {
    encryption: encryptionKey ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,
    encryptionKey,
    bucketKeyEnabled: encryptionKey ? true : undefined,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    objectLockEnabled: true,
    objectLockDefaultRetention: isFinal
      ? s3.ObjectLockRetention.compliance(retention)
      : s3.ObjectLockRetention.governance(retention),
    lifecycleRules: [
      {
        // The version that a lock holds stays until it is over, whatever this says ("Object Lock considerations", Amazon S3 User Guide).
        expiration: retention,
        noncurrentVersionExpiration: Duration.days(1),
      },
    ],
    removalPolicy: props.removalPolicy,
  });
  acknowledgeBucket(bucket);
  return bucket;
}

function warnOfFinalLock(scope: Construct, retention: Duration): void {
  Annotations.of(scope).addWarningV2(
    'cdk-letta:LettaExport.lockMode',
    `${scope.node.path}: lockMode is COMPLIANCE: for ${retention.toHumanString()} after it was written nobody, the root user and AWS ` +
      'included, can delete an export or shorten the time, also not to erase what a person asks to be forgotten; leave lockMode ' +
      'out for a lock that administrators can lift, or acknowledge this',
  );
}

function acknowledgeBucket(bucket: s3.Bucket): void {
  const accessLog =
    'who reads it is recorded by data events of CloudTrail, which an account has once for all of its buckets';
  acknowledge(bucket, 'AwsSolutions-S1', accessLog);
  acknowledgeStandards(bucket, 'S3BucketLoggingEnabled', accessLog);
  acknowledgeStandards(
    bucket,
    'S3BucketReplicationEnabled',
    'S3 keeps each object in three zones; who wants a copy in another region gives a `bucket` that has one',
  );
}
