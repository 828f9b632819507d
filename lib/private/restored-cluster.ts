import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { shown } from './kinds';

const NAME = /^((rds|awsbackup):)?[A-Za-z][A-Za-z0-9-]{0,254}$/;

/**
 * Makes a cluster out of a snapshot instead of an empty one. The snapshot decides the names of the database and of its master; the
 * key is given, so that a snapshot that isn't encrypted becomes a cluster that is.
 */
export function restoreClusterFrom(cluster: rds.DatabaseCluster, snapshotIdentifier: string): void {
  const resource = cluster.node.defaultChild as rds.CfnDBCluster;
  resource.snapshotIdentifier = snapshotIdentifier;
  resource.databaseName = undefined;
  resource.masterUsername = undefined;
}

/**
 * @throws for what cannot be a snapshot of a cluster in the stack's region, and without a key: Aurora would then encrypt as the
 * snapshot is, or not at all. Tokens pass.
 */
export function requireClusterSnapshot(scope: Construct, identifier: string, encryptionKey?: kms.IKey): void {
  const fail = (wanted: string): never => {
    throw new Error(
      `LettaAuroraDatabase ${scope.node.path}: \`snapshotIdentifier\` is ${shown(identifier)}, wanted ${wanted}`,
    );
  };
  if (!encryptionKey) {
    throw new Error(
      `LettaAuroraDatabase ${scope.node.path}: \`encryptionKey\` is not given with a \`snapshotIdentifier\`, wanted a key, because ` +
        "Aurora leaves a cluster unencrypted when its snapshot is and no key is named; give the snapshot's key or another one",
    );
  }
  if (Token.isUnresolved(identifier)) return;
  if (typeof identifier !== 'string' || !identifier.startsWith('arn:')) {
    if (typeof identifier !== 'string' || !NAME.test(identifier)) {
      fail(
        "a cluster snapshot's name or ARN, like 'before-upgrade' or " +
          "'arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:before-upgrade'; give `DBClusterSnapshotIdentifier` as " +
          '`aws rds describe-db-cluster-snapshots` lists it',
      );
    }
    return;
  }
  const stack = Stack.of(scope);
  const { service, resource, region } = stack.splitArn(identifier, ArnFormat.COLON_RESOURCE_NAME);
  if (service !== 'rds' || !['cluster-snapshot', 'snapshot'].includes(resource)) {
    fail("a snapshot's ARN, like 'arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:before-upgrade'; give that one");
  }
  if (!Token.isUnresolved(stack.region) && region !== stack.region) {
    fail(
      `a snapshot in the stack's region '${stack.region}'; copy it there (\`aws rds copy-db-cluster-snapshot\`) and give the copy`,
    );
  }
}
