/** A value that is made anew when it is older than `maxAgeMs`; callers at the same time share one making. */
export function renewedValue<T>(make: () => Promise<T>, maxAgeMs: number, now = Date.now): () => Promise<T> {
  let value: { readonly made: Promise<T>; readonly at: number } | undefined;
  return () => {
    if (value === undefined || now() - value.at >= maxAgeMs) {
      const made = make();
      const current = (value = { made, at: now() });
      made.catch(() => {
        if (value === current) value = undefined;
      });
    }
    return value.made;
  };
}

export interface RetryOptions {
  readonly forMs: number;
  readonly everyMs: number;
  readonly onFailure: (error: unknown) => void;
}

/** Tries until it succeeds or the time is up; then fails with the last reason. */
export async function retry<T>(attempt: () => Promise<T>, { forMs, everyMs, onFailure }: RetryOptions): Promise<T> {
  const deadline = Date.now() + forMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() + everyMs >= deadline) throw error;
      onFailure(error);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
