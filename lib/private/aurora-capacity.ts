import { Duration, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { requireDuration } from './kinds';
import { wholeNumber } from './whole-number';

/** Capacity of the instances, in Aurora capacity units, as `rds.DatabaseCluster` takes it. */
export interface AuroraCapacity {
  readonly serverlessV2MinCapacity: number;
  readonly serverlessV2MaxCapacity: number;
  readonly serverlessV2AutoPauseDuration?: Duration;
}

const MOST = 256;

/**
 * @throws for capacity that Aurora refuses ("Setting the Aurora Serverless v2 capacity range for a cluster", Amazon Aurora User
 * Guide, 2026-11). Tokens pass.
 */
export function auroraCapacity(scope: Construct, props: Partial<AuroraCapacity>): AuroraCapacity {
  const least = halves(scope, 'serverlessV2MinCapacity', props.serverlessV2MinCapacity ?? 2, 0);
  const most = halves(scope, 'serverlessV2MaxCapacity', props.serverlessV2MaxCapacity ?? Math.max(8, least), 1);
  if (!Token.isUnresolved(least) && !Token.isUnresolved(most) && least > most) {
    throw new Error(
      `LettaAuroraDatabase ${scope.node.path}: \`serverlessV2MinCapacity\` is ${least}, wanted at most the ${most} of ` +
        '`serverlessV2MaxCapacity`; change one of them',
    );
  }
  const pause = props.serverlessV2AutoPauseDuration;
  if (pause !== undefined) requirePause(scope, pause, least);
  return {
    serverlessV2MinCapacity: least,
    serverlessV2MaxCapacity: most,
    serverlessV2AutoPauseDuration: least === 0 ? (pause ?? Duration.minutes(5)) : undefined,
  };
}

function halves(scope: Construct, prop: string, value: number, least: number): number {
  if (Token.isUnresolved(value)) return value;
  if (Number.isInteger(value * 2) && value >= least && value <= MOST) return value;
  throw new Error(
    `LettaAuroraDatabase ${scope.node.path}: \`${prop}\` is ${value}, wanted ${least} to ${MOST} Aurora capacity units in steps of ` +
      `a half; give one of those, or leave \`${prop}\` out for the default`,
  );
}

function requirePause(scope: Construct, pause: Duration, least: number): void {
  requireDuration(scope.node.path, 'serverlessV2AutoPauseDuration', pause);
  if (!Token.isUnresolved(least) && least !== 0) {
    throw new Error(
      `LettaAuroraDatabase ${scope.node.path}: \`serverlessV2AutoPauseDuration\` is given with a \`serverlessV2MinCapacity\` of ` +
        `${least}, wanted 0, because only then an instance pauses; leave one of them out`,
    );
  }
  if (pause.isUnresolved()) return;
  const seconds = pause.toSeconds({ integral: false });
  if (Number.isInteger(seconds) && seconds >= 300 && seconds <= 86400) return;
  throw new Error(
    `LettaAuroraDatabase ${scope.node.path}: \`serverlessV2AutoPauseDuration\` is ${seconds} seconds, wanted a whole number from 300 ` +
      'to 86400; give for example Duration.minutes(15)',
  );
}

/** Connections of a capacity and of each further unit: between the rows of Aurora's table it is a straight line. */
const OF_ONE = 189;
const OF_EACH_MORE = (3360 - OF_ONE) / (16 - 1);

/**
 * `max_connections` of Aurora PostgreSQL Serverless v2 by the capacity range ("Maximum connections for Aurora Serverless v2", Amazon
 * Aurora User Guide, 2026-11: 1 unit 189, 4 823, 8 1669, 16 3360, 32 and more 5000; 2000 at most when the least is 0 or 0.5).
 *
 * @throws for a number that PostgreSQL on Aurora doesn't take, and for none when the capacity is known in the deployment alone
 */
export function auroraConnectionLimit(scope: Construct, capacity: AuroraCapacity, given?: number): number {
  if (given !== undefined) return wholeNumber(scope, 'maxConnections', given, 16, 262143);
  const { serverlessV2MinCapacity: least, serverlessV2MaxCapacity: most } = capacity;
  if (Token.isUnresolved(least) || Token.isUnresolved(most)) {
    throw new Error(
      `LettaAuroraDatabase ${scope.node.path}: \`maxConnections\` has no default when only the deployment knows the capacity, wanted ` +
        'a number; give `maxConnections`',
    );
  }
  const ofMemory = Math.round(OF_ONE + (most - 1) * OF_EACH_MORE);
  return Math.min(ofMemory, least < 1 ? 2000 : 5000);
}
