import { setTimeout as pause } from 'node:timers/promises';

const PAUSES_MS = [200, 500, 1_000];

/** Lambda's and AgentCore's words for too many calls at once: what they refuse so has not begun. */
export function isThrottled(error: unknown): boolean {
  const name = (error as Error | undefined)?.name;
  return name === 'TooManyRequestsException' || name === 'ThrottlingException';
}

/**
 * Tries again what AWS has throttled, and nothing else: what failed otherwise may have run.
 *
 * @param signal aborted when there is no use in it any more
 * @throws the last attempt's error
 */
export async function retryThrottled<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isThrottled(error) || signal.aborted) throw error;
      await pause(ms);
      if (signal.aborted) throw error;
    }
  }
  return attempt();
}
