import * as backup from 'aws-cdk-lib/aws-backup';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { LettaAuroraDatabase } from '../letta-aurora-database';
import { ILettaDatabase, LettaDatabase } from '../letta-database';

/** What AWS Backup knows a database by, whatever its engine. */
export interface BackedUpDatabase {
  /** Name of the kind in restore tests. */
  readonly resourceType: 'RDS' | 'Aurora';
  readonly resource: backup.BackupResource;
  readonly arn: string;
  readonly region: string;
  readonly vpc: ec2.IVpc;
  readonly subnetGroupName: string;
  readonly encryptionKey?: kms.IKey;
  /** What would delete or change it. */
  readonly changes: string[];
}

/** Undefined for a database that wasn't made by the app. */
export function backedUpDatabase(database: ILettaDatabase | undefined): BackedUpDatabase | undefined {
  if (database instanceof LettaDatabase) {
    const { instance, encryptionKey } = database;
    return {
      resourceType: 'RDS',
      resource: backup.BackupResource.fromRdsDatabaseInstance(instance),
      arn: instance.instanceArn,
      region: instance.env.region,
      vpc: instance.vpc,
      subnetGroupName: (instance.node.defaultChild as rds.CfnDBInstance).dbSubnetGroupName!,
      encryptionKey,
      changes: ['rds:DeleteDBInstance', 'rds:ModifyDBInstance'],
    };
  }
  if (database instanceof LettaAuroraDatabase) {
    const { cluster, encryptionKey } = database;
    return {
      resourceType: 'Aurora',
      resource: backup.BackupResource.fromRdsDatabaseCluster(cluster),
      arn: cluster.clusterArn,
      region: cluster.env.region,
      vpc: database.vpc,
      subnetGroupName: (cluster.node.defaultChild as rds.CfnDBCluster).dbSubnetGroupName!,
      encryptionKey,
      changes: ['rds:DeleteDBCluster', 'rds:ModifyDBCluster'],
    };
  }
  return undefined;
}
