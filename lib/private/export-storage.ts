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

interface Access {
  readonly objects: string[];
  readonly list: boolean;
  readonly key: string[];
}

/** Objects are written in one piece: in parts, S3 would decrypt as well ("Using SSE-KMS", Amazon S3 User Guide). */
const WRITE: Access = { objects: ['s3:PutObject'], list: false, key: ['kms:GenerateDataKey'] };
/** A restore writes its report beside what it reads. */
const RESTORE: Access = {
  objects: ['s3:GetObject', 's3:PutObject'],
  list: true,
  key: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

/** Lets the export write, and neither read nor list nor delete. */
export function grantExport(role: iam.IRole, storage: ExportStorage): void {
  grant(role, storage, WRITE);
}

/** Lets the restore read what is there, and write its report. */
export function grantRestore(role: iam.IRole, storage: ExportStorage): void {
  grant(role, storage, RESTORE);
}

/** What both ask of S3. */
export function storageCalls(storage: ExportStorage): AwsCall[] {
  const { bucket } = storage;
  return [
    {
      service: AwsService.S3,
      actions: RESTORE.objects,
      resources: [objectsOf(storage)],
    },
    { service: AwsService.S3, actions: ['s3:ListBucket'], resources: [bucket.bucketArn] },
  ];
}

function grant(role: iam.IRole, storage: ExportStorage, access: Access): void {
  const { bucket, prefix, sourceVpc } = storage;
  const objects = objectsOf(storage);
  const fromVpc = sourceVpc && { StringEquals: { 'aws:SourceVpc': sourceVpc.vpcId } };
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({ actions: access.objects, resources: [objects], conditions: fromVpc }),
  );
  acknowledgeWildcard(
    role,
    objects,
    'the program names the objects: one folder for each export, one file for each agent',
  );
  if (access.list) {
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [bucket.bucketArn],
        conditions: prefix === '' ? fromVpc : { ...fromVpc, StringLike: { 's3:prefix': `${prefix}/*` } },
      }),
    );
  }
  if (!bucket.encryptionKey) return;
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: access.key,
      resources: [bucket.encryptionKey.keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': `s3.${Stack.of(role).region}.amazonaws.com` },
        // The bucket's ARN where it has a bucket key, else the object's ("Using SSE-KMS", Amazon S3 User Guide).
        StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucket.bucketArn, objects] },
      },
    }),
  );
}

function objectsOf({ bucket, prefix }: ExportStorage): string {
  return bucket.arnForObjects(prefix === '' ? '*' : `${prefix}/*`);
}
