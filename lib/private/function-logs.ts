import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';

/**
 * Lets a function write its own log group alone, instead of every one of the account: that is what the managed policy of
 * the roles that aws-cdk-lib makes for functions allows.
 */
export function writeOwnLogsOnly(fn: lambda.Function, logGroup: logs.ILogGroup): void {
  const role = fn.role!.node.defaultChild as iam.CfnRole;
  role.managedPolicyArns = undefined;
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
}

/** The same for the functions of CDK's own custom-resource framework. */
export function frameworkWritesOwnLogsOnly(provider: Provider, logGroup: logs.ILogGroup): void {
  for (const child of provider.node.children) {
    if (child instanceof lambda.Function) writeOwnLogsOnly(child, logGroup);
  }
}
