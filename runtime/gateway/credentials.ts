import { fromContainerMetadata } from '@aws-sdk/credential-providers';
import { within } from './deadline';
import { describeError, Log } from './log';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export type CredentialsProvider = (options?: { forceRefresh?: boolean }) => Promise<AwsCredentials>;

/** ECS hands out new keys well before the old ones end; from here on we ask for them. A token lives 15 minutes too. */
const REFRESH_BEFORE_MS = 15 * 60_000;
/** Below this the keys could expire on the way: a caller waits for new ones. */
const TOO_OLD_MS = 30_000;
/** Between two attempts behind the callers' backs. */
const REFRESH_EVERY_MS = 5_000;

/** The endpoint limits its callers: while it fails it is asked no more often, however many calls want keys. */
const FAIL_FOR_MS = 1_000;
/** The SDK gives up on silence, yet waits without end for the rest of an answer that was cut off. */
const LOAD_TIMEOUT_MS = 8_000;

/** The task role's credentials, from the container credential endpoint and nowhere else. */
export function taskCredentials(log: Log, now = Date.now): CredentialsProvider {
  return refreshingCredentials(fromContainerMetadata({ timeout: 2_000, maxRetries: 2 }), log, now);
}

/**
 * Caches credentials until near expiry and renews them behind the callers' backs, so that an endpoint that fails for a
 * while costs no call as long as the keys at hand are good.
 */
export function refreshingCredentials(
  load: () => Promise<AwsCredentials>,
  log: Log,
  now = Date.now,
  loadTimeoutMs = LOAD_TIMEOUT_MS,
): CredentialsProvider {
  let current: AwsCredentials | undefined;
  let pending: Promise<AwsCredentials> | undefined;
  let failed: { readonly error: unknown; readonly at: number } | undefined;
  let notBefore = 0;

  const remaining = () => (current === undefined ? -Infinity : (current.expiration?.getTime() ?? Infinity) - now());
  const loadOnce = async () => {
    try {
      const loaded = await within(loadTimeoutMs, load(), 'the credential endpoint did not answer in time');
      if (Number.isNaN(loaded.expiration?.getTime())) throw new Error('the credential endpoint gave no date of expiry');
      failed = undefined;
      return (current = loaded);
    } catch (error) {
      failed = { error, at: now() };
      log.error('credentials-refresh-failed', { reason: describeError(error) });
      throw error;
    } finally {
      pending = undefined;
    }
  };
  const refresh = () => {
    if (failed && now() - failed.at < FAIL_FOR_MS) return Promise.reject(failed.error as Error);
    notBefore = now() + REFRESH_EVERY_MS;
    return (pending ??= loadOnce());
  };

  return async ({ forceRefresh = false } = {}) => {
    const left = remaining();
    if (left > TOO_OLD_MS && !forceRefresh) {
      if (left <= REFRESH_BEFORE_MS && now() >= notBefore) refresh().catch(() => undefined);
      return current!;
    }
    try {
      return await refresh();
    } catch (error) {
      // Keys that may expire on the way are better than none.
      if (remaining() > 0) return current!;
      throw error;
    }
  };
}
