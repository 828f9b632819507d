import { Aws, Fn } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/**
 * A name for what AWS wants named in the template. It differs between constructs (by their address) and between stacks
 * (by the last part of the stack's id, which AWS makes anew for each stack), so that two stacks in one account, or a
 * stack deployed again beside what an earlier one retained, never collide. 27 characters, lower case.
 */
export function uniqueName(scope: Construct, separator = '-'): string {
  const stackGuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  return Fn.join(separator, ['letta', scope.node.addr.slice(-8), Fn.select(4, Fn.split('-', stackGuid))]);
}
