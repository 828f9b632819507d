import { Duration } from 'aws-cdk-lib';
import { SandboxLimits, SandboxMaximum } from '../../runtime/contract';
import { requireDuration } from './kinds';
import { validateKnown, validateSeconds, validateWholeNumber } from './validation';

/** As long as stock Letta gives a tool in its own sandbox (`tool_sandbox_timeout`). */
export const DEFAULT_TOOL_TIMEOUT = Duration.minutes(3);

/** A tool that runs more at once than this holds the turns of one agent only: it is a slip. */
const MOST_RUNS = 1000;

/** The limits of a run as the gateway is told them. @throws for a time or a number that the gateway does not do */
export function validateSandboxLimits(
  path: string,
  { timeout, maxRunsPerAgent }: { readonly timeout: Duration; readonly maxRunsPerAgent: number },
): SandboxLimits {
  const why = 'Letta waits 300 s for a tool and the gateway answers it before';
  validateKnownSeconds(path, 'timeout', timeout, 1, SandboxMaximum.TIMEOUT_SECONDS, why);
  validateKnown(path, 'maxRunsPerAgent', maxRunsPerAgent, 'the gateway is told it as a number');
  validateWholeNumber(path, 'maxRunsPerAgent', maxRunsPerAgent, 1, MOST_RUNS);
  return { timeoutSeconds: timeout.toSeconds(), maxRunsPerAgent };
}

/** A duration that the gateway is told as a number. @throws for another kind, a token, parts of seconds, or out of bounds */
export function validateKnownSeconds(
  path: string,
  prop: string,
  value: Duration,
  from: number,
  to: number,
  why: string,
): void {
  requireDuration(path, prop, value);
  if (value.isUnresolved()) {
    throw new Error(
      `${path}: ${prop} is known only at deployment, wanted ${from} to ${to} s at synth, because the gateway is told it as a ` +
        `number: change ${prop}`,
    );
  }
  validateSeconds(path, prop, value, from, to, why);
}
