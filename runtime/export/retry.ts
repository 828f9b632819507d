import { setTimeout as sleep } from 'node:timers/promises';
import { HttpAnswer, TooLarge } from './http-call';

export interface RetryOptions {
  /** Whether a second call does no harm, when nobody knows what came of the first. */
  readonly repeatable: boolean;
  readonly attempts?: number;
  /** Milliseconds before the second attempt; each further one waits twice as long. */
  readonly firstDelay?: number;
}

/** Refused before anything was done. */
const REFUSED = [429, 503];
const FAILED = [500, 502, 504];
const LONGEST_DELAY = 30_000;

/** Calls again while the other side is busy, for as long as it says; after other failures only what may be repeated. */
export async function withRetries(call: () => Promise<HttpAnswer>, options: RetryOptions): Promise<HttpAnswer> {
  const { repeatable, attempts = 8, firstDelay = 500 } = options;
  const again = repeatable ? [...REFUSED, ...FAILED] : REFUSED;
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= attempts;
    const delay = Math.min(firstDelay * 2 ** (attempt - 1), LONGEST_DELAY);
    try {
      const answer = await call();
      if (isLast || !again.includes(answer.status)) return answer;
      await sleep(Math.min(Number(answer.headers['retry-after']) * 1000 || jitter(delay), LONGEST_DELAY));
    } catch (error) {
      if (isLast || error instanceof TooLarge) throw error;
      if (!repeatable && (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      await sleep(jitter(delay));
    }
  }
}

function jitter(delay: number): number {
  return delay * (0.5 + Math.random() / 2);
}
