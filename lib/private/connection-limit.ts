import { Annotations, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { CONNECTION_BYTES, defaultMaxConnections } from './instance-memory';
import { wholeNumber } from './whole-number';

/**
 * Most connections of an instance: those given, or as many as RDS would reckon.
 *
 * @param memory of the instance class in bytes; undefined when it isn't known
 * @throws when neither is known. More than the memory is for warns
 */
export function connectionLimit(scope: Construct, instanceType: string, memory?: number, given?: number): number {
  if (given === undefined) {
    if (memory !== undefined) return defaultMaxConnections(memory);
    throw new Error(
      `LettaDatabase ${scope.node.path}: \`maxConnections\` has no default for instance type '${instanceType}', whose memory ` +
        `isn't known here; give \`maxConnections\` (RDS: memory in bytes / ${CONNECTION_BYTES}, at most 5000)`,
    );
  }
  wholeNumber(scope, 'maxConnections', given, 16, 8388607);
  const most = memory === undefined ? Infinity : Math.floor(memory / CONNECTION_BYTES);
  if (!Token.isUnresolved(given) && given > most) {
    Annotations.of(scope).addWarningV2(
      'cdk-letta:LettaDatabase.maxConnections',
      `${scope.node.path}: maxConnections is ${given}, more than the ${most} that RDS gives the memory of '${instanceType}': ` +
        'when they are all open, the instance may run out of memory; lower maxConnections or use a larger instanceType',
    );
  }
  return given;
}
