import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { IConstruct } from 'constructs';
import { AwsCall } from '../aws-client';
import { AwsService } from '../aws-service';

/**
 * Lets a role read a secret's value and nothing about it: `ISecret.grantRead` grants `DescribeSecret` too.
 *
 * @param sourceVpc VPC whose endpoint it must be read through
 */
export function grantSecretValue(
  scope: IConstruct,
  secret: secretsmanager.ISecret,
  grantee: iam.IGrantable,
  sourceVpc?: ec2.IVpc,
): void {
  iam.Grant.addToPrincipalOrResource({
    grantee,
    actions: ['secretsmanager:GetSecretValue'],
    resourceArns: [resourceArn(scope, secret)],
    resource: secret,
    conditions: sourceVpc && { StringEquals: { 'aws:SourceVpc': sourceVpc.vpcId } },
  });
  if (!secret.encryptionKey) return;
  // In the role's own policy: the CDK's grant goes to the policy of the key, and nowhere at all for an imported key.
  iam.Grant.addToPrincipal({
    grantee,
    actions: ['kms:Decrypt'],
    resourceArns: [secret.encryptionKey.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(scope).region}.amazonaws.com` } },
  });
}

/** The call that reading a secret's value is. */
export function secretValueCall(scope: IConstruct, secret: secretsmanager.ISecret): AwsCall {
  return {
    service: AwsService.SECRETS_MANAGER,
    actions: ['secretsmanager:GetSecretValue'],
    resources: [resourceArn(scope, secret)],
  };
}

/** Where the ARN's random suffix is not known at synth, its six characters stay open, as in the CDK's own grants. */
function resourceArn(scope: IConstruct, secret: secretsmanager.ISecret): string {
  const [here, there] = [Stack.of(scope), Stack.of(secret)];
  const elsewhere = here.account !== there.account || here.region !== there.region;
  const suffixKnown = secret.secretFullArn && !(elsewhere && secretsmanager.Secret.isSecret(secret));
  return suffixKnown ? secret.secretFullArn! : `${secret.secretArn}-??????`;
}
