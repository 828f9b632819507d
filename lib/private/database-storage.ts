import { Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { LettaDatabaseProps } from '../letta-database-props';
import { wholeNumber } from './whole-number';

/** RDS's limit for PostgreSQL on gp3, in GiB. */
const MOST_STORAGE = 65536;
/** From here on gp3 takes figures of its own for PostgreSQL ("Amazon RDS DB instance storage", RDS User Guide, 2026-11). */
const PROVISIONED_FROM = 400;

/** Storage of an instance, as `rds.DatabaseInstance` takes it. */
export interface DatabaseStorage {
  readonly allocatedStorage: number;
  readonly maxAllocatedStorage: number;
  readonly iops?: number;
  readonly storageThroughput?: number;
}

/** @throws for storage that RDS refuses. Tokens pass. */
export function databaseStorage(scope: Construct, props: LettaDatabaseProps): DatabaseStorage {
  const allocatedStorage = wholeNumber(scope, 'allocatedStorage', props.allocatedStorage ?? 100, 20, MOST_STORAGE);
  const maxAllocatedStorage = wholeNumber(
    scope,
    'maxAllocatedStorage',
    props.maxAllocatedStorage ?? Math.min(allocatedStorage * 5, MOST_STORAGE),
    allocatedStorage,
    MOST_STORAGE,
  );
  requireRoom(scope, allocatedStorage, maxAllocatedStorage);
  const { iops, storageThroughput } = props;
  if (iops !== undefined) wholeNumber(scope, 'iops', iops, 12000, 256000);
  if (storageThroughput !== undefined) wholeNumber(scope, 'storageThroughput', storageThroughput, 500, 16000);
  for (const [prop, value] of Object.entries({ iops, storageThroughput })) {
    if (value === undefined || Token.isUnresolved(allocatedStorage) || allocatedStorage >= PROVISIONED_FROM) continue;
    throw new Error(
      `LettaDatabase ${scope.node.path}: \`${prop}\` is ${value} with ${allocatedStorage} GiB of \`allocatedStorage\`, wanted at ` +
        `least ${PROVISIONED_FROM} GiB, because RDS fixes 3000 IOPS and 125 MiB/s below; raise \`allocatedStorage\` or leave ` +
        `\`${prop}\` out`,
    );
  }
  return { allocatedStorage, maxAllocatedStorage, iops, storageThroughput };
}

/** "Managing capacity automatically with Amazon RDS storage autoscaling": at least 10 % more, or the same to switch it off. */
function requireRoom(scope: Construct, allocated: number, most: number): void {
  if (Token.isUnresolved(allocated) || Token.isUnresolved(most)) return;
  const least = Math.min(Math.ceil((allocated * 11) / 10), MOST_STORAGE);
  if (most === allocated || most >= least) return;
  throw new Error(
    `LettaDatabase ${scope.node.path}: \`maxAllocatedStorage\` is ${most}, wanted at least ${least}, 10 % more than the ` +
      `${allocated} GiB of \`allocatedStorage\`, or the same to have no growth; raise \`maxAllocatedStorage\``,
  );
}
