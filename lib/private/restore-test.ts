import { Stack } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as events from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { BackedUpDatabase } from './backed-up-database';
import { backupRole } from './backup-role';
import { closedSecurityGroup } from './closed-security-group';
import { uniqueName } from './unique-name';

/** Properties of a `RestoreTest`. */
export interface RestoreTestProps {
  readonly database: BackedUpDatabase;
  readonly vault: backup.IBackupVault;
  readonly schedule: events.Schedule;
}

/**
 * Restores the latest backup every now and then, beside the database, and deletes what was restored. Nobody reaches it: its
 * security group is closed both ways. Without subnets and a group AWS Backup would restore into the account's default VPC.
 */
export class RestoreTest extends Construct {
  constructor(scope: Construct, id: string, { database, vault, schedule }: RestoreTestProps) {
    super(scope, id);
    const name = uniqueName(this, '_');
    const role = backupRole(this, 'Role', {
      policy: 'AWSBackupServiceRolePolicyForRestores',
      database,
      description: 'Restores backups of the Letta database for a test',
    });
    const securityGroup = closedSecurityGroup(this, 'SecurityGroup', {
      vpc: database.vpc,
      description: 'Restored copies of the Letta database, which nobody reaches',
    });
    const plan = new backup.CfnRestoreTestingPlan(this, 'Plan', {
      restoreTestingPlanName: name,
      scheduleExpression: schedule.expressionString,
      recoveryPointSelection: {
        algorithm: 'LATEST_WITHIN_WINDOW',
        includeVaults: [vault.backupVaultArn],
        recoveryPointTypes: ['SNAPSHOT'],
      },
    });
    const selection = new backup.CfnRestoreTestingSelection(this, 'Selection', {
      restoreTestingPlanName: plan.restoreTestingPlanName,
      restoreTestingSelectionName: name,
      protectedResourceType: database.resourceType,
      protectedResourceArns: [database.arn],
      iamRoleArn: role.roleArn,
      restoreMetadataOverrides: {
        dbSubnetGroupName: database.subnetGroupName,
        vpcSecurityGroupIds: Stack.of(this).toJsonString([securityGroup.securityGroupId]),
      },
    });
    selection.node.addDependency(plan, role, securityGroup);
  }
}
