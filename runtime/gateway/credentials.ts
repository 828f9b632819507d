import { fromContainerMetadata } from '@aws-sdk/credential-providers';
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

/** The task role's credentials, from the container credential endpoint and nowhere else. */
export function taskCredentials(log: Log): CredentialsProvider {
  return refreshingCredentials(fromContainerMetadata({ timeout: 2_000, maxRetries: 2 }), log);
}

/**
 * Caches credentials until near expiry and renews them behind the callers' backs, so that an endpoint that fails for a
 * while costs no call as long as the keys at hand are good.
 */
export function refreshingCredentials(
  load: () => Promise<AwsCredentials>,
  log: Log,
  now = Date.now,
): CredentialsProvider {
  let current: AwsCredentials | undefined;
  let pending: Promise<AwsCredentials> | undefined;
  let notBefore = 0;

  const remaining = () => (current === undefined ? -Infinity : (current.expiration?.getTime() ?? Infinity) - now());
  const refresh = () => {
    notBefore = now() + REFRESH_EVERY_MS;
    pending ??= load()
      .then(
        (loaded) => (current = loaded),
        (error: unknown) => {
          log.error('credentials-refresh-failed', { reason: describeError(error) });
          throw error;
        },
      )
      .finally(() => (pending = undefined));
    return pending;
  };

  return async ({ forceRefresh = false } = {}) => {
    const left = remaining();
    if (left <= TOO_OLD_MS) return refresh();
    if (forceRefresh) return refresh().catch(() => current!);
    if (left <= REFRESH_BEFORE_MS && now() >= notBefore) refresh().catch(() => undefined);
    return current!;
  };
}
