import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';

/**
 * Lets an AWS service assume a role for what is of this account alone, and not for somebody else's resource that names the
 * role ("The confused deputy problem", IAM User Guide). Only where AWS documents that the service says for what it acts.
 *
 * @param sourceArn pattern of the ARNs that the service may act for
 */
export function trustOwnSource(role: iam.IRole, sourceArn: string): void {
  (role.node.defaultChild as iam.CfnRole).addPropertyOverride('AssumeRolePolicyDocument.Statement.0.Condition', {
    StringEquals: { 'aws:SourceAccount': Stack.of(role).account },
    ArnLike: { 'aws:SourceArn': sourceArn },
  });
}
