import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait for something, and whom to ask about it when it does not come. */
export interface WaitOptions {
  /** Milliseconds before the wait becomes an error. */
  readonly timeout: number;
  /** Milliseconds between two looks. @default 200 */
  readonly interval?: number;
  /** What to add to the error, such as a process's last log lines. */
  readonly evidence?: () => string;
}

/**
 * Waits until `look` returns something other than undefined, false or null. An error of `look` ends the wait at once.
 *
 * @throws Error that names what was waited for, when the time is over
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  options: WaitOptions,
): Promise<T> {
  const end = Date.now() + options.timeout;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && seen !== null) return seen;
    if (Date.now() >= end) {
      const evidence = options.evidence?.();
      throw new Error(
        `waited ${options.timeout / 1000} s in vain for ${what}${evidence ? `; last seen:\n${evidence}` : ''}`,
      );
    }
    await sleep(options.interval ?? 200);
  }
}

/** Gives a promise an end: an error naming what was waited for. */
export async function within<T>(what: string, timeout: number, promise: Promise<T>, evidence?: () => string) {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seen = evidence?.();
      reject(new Error(`waited ${timeout / 1000} s in vain for ${what}${seen ? `; last seen:\n${seen}` : ''}`));
    }, timeout);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
