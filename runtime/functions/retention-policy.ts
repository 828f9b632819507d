import { RetentionVariable } from '../contract';
import { variable } from './custom-resource';
import { RetentionPolicy } from './retention';

const DAY_SECONDS = 86_400;

/**
 * The policy out of the function's environment. What is not plainly said deletes nothing.
 *
 * @throws naming the variable, what it got and what was wanted
 */
export function retentionPolicy(): RetentionPolicy {
  const maximumAgeSeconds = Number(variable(RetentionVariable.MAXIMUM_AGE));
  if (!Number.isInteger(maximumAgeSeconds) || maximumAgeSeconds < DAY_SECONDS) {
    throw new Error(
      `environment variable ${RetentionVariable.MAXIMUM_AGE} is '${variable(RetentionVariable.MAXIMUM_AGE)}', wanted whole seconds ` +
        `from ${DAY_SECONDS}`,
    );
  }
  const dryRun = variable(RetentionVariable.DRY_RUN);
  if (dryRun !== 'true' && dryRun !== 'false') {
    throw new Error(`environment variable ${RetentionVariable.DRY_RUN} is '${dryRun}', wanted true or false`);
  }
  const held = process.env[RetentionVariable.HELD_AGENTS];
  // Without it nobody knows who is held; empty says that nobody is.
  if (held === undefined) throw new Error(`environment variable ${RetentionVariable.HELD_AGENTS} is not set`);
  return {
    maximumAgeSeconds,
    heldAgents: held.split(',').filter((id) => id !== ''),
    holdTag: variable(RetentionVariable.HOLD_TAG),
    dryRun: dryRun === 'true',
  };
}
