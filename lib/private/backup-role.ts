import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeOwnPolicies } from './nag';

/**
 * A role that AWS Backup takes to back up or restore, by the policy that AWS keeps for it. What a job needs is AWS's to know
 * and changes: a policy written here would let backups fail one day without a deployment.
 *
 * Whatever that policy allows, the role can neither delete nor change the database itself.
 */
export function backupRole(
  scope: Construct,
  id: string,
  props: { readonly policy: string; readonly instanceArn: string; readonly description: string },
): iam.Role {
  const role = new iam.Role(scope, id, {
    assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
    description: props.description,
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName(`service-role/${props.policy}`)],
    // Part of the role, so that it stays wherever the role does.
    inlinePolicies: {
      DatabaseStays: new iam.PolicyDocument({
        statements: [
          new iam.PolicyStatement({
            effect: iam.Effect.DENY,
            actions: ['rds:DeleteDBInstance', 'rds:ModifyDBInstance'],
            resources: [props.instanceArn],
          }),
        ],
      }),
    },
  });
  acknowledge(
    role,
    `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${props.policy}]`,
    "what AWS Backup needs is AWS's to know and changes with it; nobody else can take the role",
  );
  acknowledgeOwnPolicies(role);
  return role;
}
