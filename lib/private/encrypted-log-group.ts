import * as logs from 'aws-cdk-lib/aws-logs';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { allowLogs, requireUsableKey } from './encryption-key';

/**
 * A log group whose key, when one is given, lets CloudWatch Logs use it for the log groups of this account alone.
 * A key that was imported keeps its policy: it must allow this already, and `encryptionKeyAllowsUse` says that it does.
 *
 * @throws for a key that cannot be used here, or an imported one of which nothing is said
 */
export function encryptedLogGroup(scope: Construct, id: string, props: logs.LogGroupProps): logs.LogGroup {
  const key = props.encryptionKey as kms.IKey | undefined;
  if (key) {
    requireUsableKey(scope, key);
    allowLogs(scope, key);
  }
  return new logs.LogGroup(scope, id, props);
}
