import { Annotations, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ILettaDatabase } from '../letta-database';

const PAUSING = new WeakSet<ILettaDatabase>();

/** Says of a database that it pauses when nobody has a connection. */
export function markPausing(database: ILettaDatabase): void {
  PAUSING.add(database);
}

/** Letta keeps its pool's connections open, so that a database never pauses while a task runs. */
export function warnOfPause(scope: Construct, database: ILettaDatabase, desiredCount: number): void {
  if (!PAUSING.has(database) || Token.isUnresolved(desiredCount) || desiredCount === 0) return;
  Annotations.of(scope).addWarningV2(
    'cdk-letta:LettaService.desiredCount',
    `${scope.node.path}: desiredCount is ${desiredCount} on a database with a serverlessV2MinCapacity of 0, which never pauses while a ` +
      'task runs, because Letta keeps connections open: give a desiredCount of 0 while nobody works, or a serverlessV2MinCapacity of ' +
      '0.5 or more',
  );
}
