import { Annotations, Arn, ArnFormat, Resource, Stack, Token } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { shown } from './kinds';

/**
 * The vaults that backups are copied to.
 *
 * @throws for what is no vault's ARN, for a vault that AWS Backup cannot copy a database to, and for one of another account
 *   when the database has no key that could be shared with it
 */
export function copyVaults(scope: Construct, arns: string[], databaseKey: kms.IKey | undefined): backup.IBackupVault[] {
  if (!Array.isArray(arns)) {
    throw new Error(
      `${scope.node.path}: copyToVaultArns is ${shown(arns)}, wanted a list of vaults' ARNs: give it in brackets`,
    );
  }
  return arns.map((arn, index) => {
    if (!Token.isUnresolved(arn)) {
      const account = otherAccount(scope, arn);
      if (account) shareKey(scope, arn, account, databaseKey);
    }
    return backup.BackupVault.fromBackupVaultArn(scope, `CopyVault${index + 1}`, arn);
  });
}

/** The vault's account where it is another one than the stack's, as far as that is known. */
function otherAccount(scope: Construct, arn: string): string | undefined {
  if (!/^arn:[\w-]+:backup:[a-z0-9-]+:\d{12}:backup-vault:[\w-]{2,50}$/.test(arn)) {
    throw new Error(
      `${scope.node.path}: copyToVaultArns has '${arn}', wanted a vault's ARN such as ` +
        'arn:aws:backup:eu-west-1:111122223333:backup-vault:name: give that of a vault in another region or account',
    );
  }
  const { region, account } = Arn.split(arn, ArnFormat.COLON_RESOURCE_NAME);
  const own = Stack.of(scope);
  const otherRegion = !Token.isUnresolved(own.region) && region !== own.region;
  const otherAccount = !Token.isUnresolved(own.account) && account !== own.account;
  if (otherRegion && otherAccount) {
    throw new Error(
      `${scope.node.path}: copyToVaultArns has '${arn}', of another region and another account than the stack's (${own.region}, ` +
        `${own.account}), wanted one of the two, because AWS Backup copies a database to only one of them at once: copy to ` +
        `that region or that account, and onward by a plan there`,
    );
  }
  return otherAccount ? account : undefined;
}

/** A snapshot stays under the database's key, and another account can copy it only if it may use that key. */
function shareKey(scope: Construct, arn: string, account: string, key: kms.IKey | undefined): void {
  if (!key) {
    throw new Error(
      `${scope.node.path}: copyToVaultArns has '${arn}', of another account, and the database is under the account's own key of ` +
        'RDS, which AWS shares with nobody, wanted a database with a key of yours: give LettaDatabase an encryptionKey (a new ' +
        'database; an existing one cannot change its key), or leave the vault out',
    );
  }
  const statements = keyStatements(account);
  if (Resource.isOwnedResource(key)) {
    statements.forEach((statement) => key.addToResourcePolicy(statement));
    return;
  }
  Annotations.of(scope).addWarningV2(
    'cdk-letta:LettaBackup.copyToVaultArns',
    `${scope.node.path}: the database's key was imported, so account ${account} cannot be let use it here; without these ` +
      `statements in its policy no copy arrives: ${JSON.stringify(statements.map((each) => each.toStatementJson()))}`,
  );
}

/** "Encryption for copies of a backup to a different account", AWS Backup Developer Guide. */
function keyStatements(account: string): iam.PolicyStatement[] {
  const principals = [new iam.AccountPrincipal(account)];
  return [
    new iam.PolicyStatement({
      principals,
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      resources: ['*'],
    }),
    new iam.PolicyStatement({
      principals,
      actions: ['kms:CreateGrant'],
      resources: ['*'],
      conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}
