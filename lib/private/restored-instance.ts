import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { shown } from './kinds';
import { acknowledge, acknowledgeStandards } from './nag';

/** What RDS calls snapshots itself (`rds:`, and `awsbackup:` for AWS Backup's), or what their owners do. */
const NAME = /^((rds|awsbackup):)?[A-Za-z][A-Za-z0-9-]{0,254}$/;

/**
 * Makes an instance out of a snapshot instead of an empty one. CloudFormation refuses what the snapshot decides:
 * name of the database and of its master, encryption and key.
 */
export function restoreFrom(instance: rds.DatabaseInstance, snapshotIdentifier: string): void {
  const resource = instance.node.defaultChild as rds.CfnDBInstance;
  resource.dbSnapshotIdentifier = snapshotIdentifier;
  resource.dbName = undefined;
  resource.masterUsername = undefined;
  resource.storageEncrypted = undefined;
  resource.kmsKeyId = undefined;
  const reason = 'the instance is encrypted as its snapshot is, which CloudFormation takes no other word on';
  acknowledge(instance, 'AwsSolutions-RDS2', reason);
  acknowledgeStandards(instance, 'RDSStorageEncrypted', reason);
}

/** @throws for what cannot be a snapshot of an instance in the stack's region. Tokens pass. */
export function requireSnapshot(scope: Construct, prop: string, identifier: string): void {
  if (Token.isUnresolved(identifier)) return;
  const fail = (wanted: string): never => {
    throw new Error(`LettaDatabase ${scope.node.path}: \`${prop}\` is ${shown(identifier)}, wanted ${wanted}`);
  };
  if (typeof identifier !== 'string' || !identifier.startsWith('arn:')) {
    if (typeof identifier !== 'string' || !NAME.test(identifier)) {
      fail(
        "a snapshot's name or ARN, like 'before-upgrade', 'rds:letta-2026-11-01-05-00' or " +
          "'arn:aws:rds:eu-west-1:111122223333:snapshot:before-upgrade'; give `DBSnapshotIdentifier` as " +
          '`aws rds describe-db-snapshots` lists it',
      );
    }
    return;
  }
  const stack = Stack.of(scope);
  const { service, resource, region } = stack.splitArn(identifier, ArnFormat.COLON_RESOURCE_NAME);
  if (service === 'rds' && resource === 'cluster-snapshot') {
    fail(
      'a snapshot of an RDS for PostgreSQL instance, not of a cluster (Aurora, or Multi-AZ with two standbys), which no ' +
        'instance can be made of; export and import the data instead',
    );
  }
  if (service !== 'rds' || resource !== 'snapshot') {
    fail("a snapshot's ARN, like 'arn:aws:rds:eu-west-1:111122223333:snapshot:before-upgrade'; give that one");
  }
  if (!Token.isUnresolved(stack.region) && region !== stack.region) {
    fail(
      `a snapshot in the stack's region '${stack.region}'; copy it there (\`aws rds copy-db-snapshot\`) and give the copy`,
    );
  }
}
