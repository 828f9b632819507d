import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/**
 * A log group whose key, when one is given, lets CloudWatch Logs use it for the log groups of this account alone.
 * A key that was imported keeps its policy: it must allow this already.
 */
export function encryptedLogGroup(scope: Construct, id: string, props: logs.LogGroupProps): logs.LogGroup {
  if (props.encryptionKey) allowLogs(scope, props.encryptionKey as kms.IKey);
  return new logs.LogGroup(scope, id, props);
}

const allowed = new WeakMap<kms.IKey, Set<Stack>>();

function allowLogs(scope: Construct, key: kms.IKey): void {
  const stack = Stack.of(scope);
  const stacks = allowed.get(key) ?? new Set();
  if (stacks.has(stack)) return;
  allowed.set(key, stacks.add(stack));
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal(`logs.${stack.region}.${stack.urlSuffix}`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': stack.formatArn({
            service: 'logs',
            resource: 'log-group',
            resourceName: '*',
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    }),
  );
}
