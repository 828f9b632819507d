import { Duration, Token } from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { LettaServiceOptions } from '../letta-service-options';

const DURATIONS = [
  'uvicornKeepAlive',
  'pgPoolTimeout',
  'pgPoolRecycle',
  'idleTimeout',
  'deregistrationDelay',
  'healthCheckGracePeriod',
] as const;
const SECRETS = ['apiPassword', 'administratorPassword'] as const;
const TARGET_PROTOCOLS: readonly string[] = [elbv2.ApplicationProtocol.HTTP, elbv2.ApplicationProtocol.HTTPS];

/**
 * What TypeScript would refuse and JavaScript lets through: as a value of another kind it would fail far from here, or
 * pass and mean less protection than was asked for.
 *
 * @throws for a secret, a duration or a protocol that is none
 */
export function validateKinds(path: string, options: LettaServiceOptions): void {
  for (const prop of SECRETS) {
    if (options[prop] !== undefined && typeof options[prop]?.grantRead !== 'function') {
      throw new Error(
        `${path}: ${prop} is no secret of Secrets Manager, wanted one and never the password itself: give for example ` +
          'secretsmanager.Secret.fromSecretCompleteArn(…)',
      );
    }
  }
  for (const prop of DURATIONS) {
    if (options[prop] !== undefined && typeof options[prop]?.toSeconds !== 'function') {
      throw new Error(`${path}: ${prop} is ${kind(options[prop])}, wanted a Duration: give ${example(options[prop])}`);
    }
  }
  const { targetProtocol } = options;
  if (targetProtocol !== undefined && !TARGET_PROTOCOLS.includes(targetProtocol)) {
    throw new Error(
      `${path}: targetProtocol is ${kind(targetProtocol)}, wanted elbv2.ApplicationProtocol.HTTP or .HTTPS: change ` +
        'targetProtocol',
    );
  }
}

function kind(value: unknown): string {
  if (Token.isUnresolved(value)) return 'known only at deployment';
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function example(value: unknown): string {
  return `Duration.seconds(${typeof value === 'number' ? value : Duration.minutes(10).toSeconds()})`;
}
