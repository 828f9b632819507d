import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsCall } from '../aws-client';
import { AwsService } from '../aws-service';
import { acknowledgeWildcard } from './nag';

/** Where exports are, and through which VPC they must be reached. */
export interface ExportStorage {
  readonly bucket: s3.IBucket;
  /** What keys begin with, without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  /** @default - from anywhere */
  readonly sourceVpc?: ec2.IVpc;
}

/** Lets the export write, and neither read, list nor delete. */
export function grantExport(role: iam.IRole, storage: ExportStorage): void {
  allow(role, storage, ['s3:PutObject'], keys(storage, '*'));
  // Objects are written in one piece: in parts, S3 would decrypt as well ("Using SSE-KMS", Amazon S3 User Guide).
  allowKey(role, storage, ['kms:GenerateDataKey']);
}

/** Lets the restore read what is there, and write its reports beside it. */
export function grantRestore(role: iam.IRole, storage: ExportStorage): void {
  const { bucket, prefix } = storage;
  allow(role, storage, ['s3:GetObject'], keys(storage, '*'));
  allow(role, storage, ['s3:PutObject'], keys(storage, '*/restores/*'));
  const within = prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}/*` } };
  allow(role, storage, ['s3:ListBucket'], bucket.bucketArn, within);
  allowKey(role, storage, ['kms:GenerateDataKey', 'kms:Decrypt']);
}

/** What both ask of S3. */
export function storageCalls(storage: ExportStorage): AwsCall[] {
  const service = AwsService.S3;
  return [
    { service, actions: ['s3:GetObject', 's3:PutObject'], resources: [keys(storage, '*')] },
    { service, actions: ['s3:ListBucket'], resources: [storage.bucket.bucketArn] },
  ];
}

function keys({ bucket, prefix }: ExportStorage, pattern: string): string {
  return bucket.arnForObjects(prefix === '' ? pattern : `${prefix}/${pattern}`);
}

function allow(
  role: iam.IRole,
  { sourceVpc }: ExportStorage,
  actions: string[],
  resource: string,
  within?: Record<string, unknown>,
): void {
  const fromVpc = sourceVpc && { StringEquals: { 'aws:SourceVpc': sourceVpc.vpcId } };
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({ actions, resources: [resource], conditions: { ...fromVpc, ...within } }),
  );
  if (!resource.endsWith('*')) return;
  acknowledgeWildcard(
    role,
    resource,
    'the program names the objects: one folder for each export, one file for each agent',
  );
}

function allowKey(role: iam.IRole, storage: ExportStorage, actions: string[]): void {
  const { bucket } = storage;
  if (!bucket.encryptionKey) return;
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions,
      resources: [bucket.encryptionKey.keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': `s3.${Stack.of(role).region}.amazonaws.com` },
        // The bucket's ARN where it has a bucket key, else the object's ("Using SSE-KMS", Amazon S3 User Guide).
        StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucket.bucketArn, keys(storage, '*')] },
      },
    }),
  );
}
