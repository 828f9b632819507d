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
 * @throws for a secret, a duration, a protocol or a tool sandbox that is none
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
    if (options[prop] !== undefined) requireDuration(path, prop, options[prop]);
  }
  const { customTools } = options;
  if (customTools !== undefined && !has(customTools, '_bind')) {
    const given = has(customTools, 'grantRun')
      ? 'ToolSandbox.fromSandbox(…) with it'
      : 'ToolSandbox.function() or ToolSandbox.codeInterpreter()';
    throw new Error(`${path}: customTools is ${shown(customTools)}, wanted a ToolSandbox: give ${given}`);
  }
  const { targetProtocol } = options;
  if (targetProtocol !== undefined && !TARGET_PROTOCOLS.includes(targetProtocol)) {
    throw new Error(
      `${path}: targetProtocol is ${shown(targetProtocol)}, wanted elbv2.ApplicationProtocol.HTTP or .HTTPS: change ` +
        'targetProtocol',
    );
  }
}

/** @throws for what is no `Duration` */
export function requireDuration(path: string, prop: string, value: unknown): void {
  if (has(value, 'toSeconds')) return;
  throw new Error(`${path}: ${prop} is ${shown(value)}, wanted a Duration: give ${example(value)}`);
}

/** Whether a value has a method: kinds are told by what they can do, since an app may hold two copies of a library. */
export function has(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';
}

/** A value in the text of an error. */
export function shown(value: unknown): string {
  if (Token.isUnresolved(value)) return 'known only at deployment';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return `the function or class ${value.name || 'without a name'}`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object' || value === null) return String(value);
  const kind = value.constructor?.name;
  return kind && kind !== 'Object' ? `of the kind ${kind}` : 'an object';
}

function example(value: unknown): string {
  return `Duration.seconds(${typeof value === 'number' ? value : Duration.minutes(10).toSeconds()})`;
}
