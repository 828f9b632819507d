import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { BackedUpDatabase } from './backed-up-database';
import { acknowledge, acknowledgeOwnPolicies } from './nag';

/**
 * What backups and restores of an RDS instance or an Aurora cluster take ("Managed policies for AWS Backup", AWS Backup Developer Guide, customer
 * managed policies for RDS and Aurora, 2026-11), by service; describing networks is added, which changes nothing.
 */
const NEEDED = ['backup:*', 'ec2:Describe*', 'kms:*', 'rds:*', 'tag:GetResources'];

/**
 * A role that AWS Backup takes to back up or restore, by the policy that AWS keeps for it. What a job needs is AWS's to know
 * and changes: a policy written here would let backups fail one day without a deployment.
 *
 * That policy is for whatever AWS Backup backs up. So the role is denied all that isn't needed for a database, and, of this
 * database, to delete or change it.
 */
export function backupRole(
  scope: Construct,
  id: string,
  props: { readonly policy: string; readonly database: BackedUpDatabase; readonly description: string },
): iam.Role {
  const role = new iam.Role(scope, id, {
    assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
    description: props.description,
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName(`service-role/${props.policy}`)],
    // Part of the role, so that it stays wherever the role does.
    inlinePolicies: {
      DatabaseAlone: new iam.PolicyDocument({
        statements: [
          new iam.PolicyStatement({ effect: iam.Effect.DENY, notActions: NEEDED, resources: ['*'] }),
          new iam.PolicyStatement({
            effect: iam.Effect.DENY,
            actions: props.database.changes,
            resources: [props.database.arn],
          }),
        ],
      }),
    },
  });
  acknowledge(
    role,
    `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${props.policy}]`,
    "what AWS Backup needs of RDS is AWS's to know and changes with it; it alone can take the role, which is denied all else",
  );
  acknowledgeOwnPolicies(role);
  return role;
}
