import { hash, timingSafeEqual } from 'node:crypto';
import { IncomingHttpHeaders } from 'node:http';
import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { PASSWORD_LEAST_LENGTH } from '../../contract';
import { describeError, Log } from '../log';

/** A secret's current and, during a rotation, previous password. */
export type LoadPasswords = () => Promise<readonly string[]>;

const REFRESH_MS = 5 * 60_000;
/** A wrong password may be a new one: look again, but not so often that guessing costs Secrets Manager calls. */
const LOOK_AGAIN_MS = 15_000;

/** The API password, kept as digests only and refreshed without restart. */
export class ApiPassword {
  private digests: readonly Buffer[] = [];
  private loadedAt = -Infinity;
  private pending?: Promise<void>;

  constructor(
    private readonly load: LoadPasswords,
    private readonly log: Log,
    private readonly now = Date.now,
  ) {}

  /** Loads the password. @throws if it cannot be had: the caller decides how long to try. */
  async start(): Promise<void> {
    await this.refresh();
    setInterval(() => void this.tryRefresh(), REFRESH_MS).unref();
  }

  /** @param digest of a presented password, by `digestOf` */
  matches(digest: Buffer): boolean {
    let matched = false;
    // Every digest is compared, so that the time does not tell which one it was.
    for (const known of this.digests) matched = timingSafeEqual(known, digest) || matched;
    return matched;
  }

  /** Reads the secret again because of a password that is not known, unless that was done a moment ago. */
  async lookAgain(): Promise<void> {
    if (this.now() - this.loadedAt >= LOOK_AGAIN_MS) await this.tryRefresh();
  }

  private async tryRefresh(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.loadedAt = this.now();
      this.log.error('api-password-refresh-failed', { reason: describeError(error) });
    }
  }

  private refresh(): Promise<void> {
    this.pending ??= this.load()
      .then((passwords) => {
        this.digests = passwords.map(digestOf);
        this.loadedAt = this.now();
      })
      .finally(() => (this.pending = undefined));
    return this.pending;
  }
}

/** Both headers that Letta's own clients use; Letta 0.16.8 accepts the same two. */
export function presentedPassword(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S.*)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const bare = headers['x-bare-password'];
  return typeof bare === 'string' ? /^password +(\S.*)$/.exec(bare)?.[1] : undefined;
}

/** Values arrive without white space at their ends, and of other characters each client makes other bytes. */
const CARRIED_BY_HEADERS = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Reads the secret's plain string, current and previous version. @throws if it is short, or no caller could present it */
export function passwordsFromSecret(client: SecretsManagerClient, secretArn: string): LoadPasswords {
  const read = async (stage: string) => {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionStage: stage }));
    return answer.SecretString;
  };
  return async () => {
    const current = await read('AWSCURRENT');
    if (!current?.trim()) throw new Error(`secret ${secretArn} is empty: its plain string must be the password`);
    if (!CARRIED_BY_HEADERS.test(current)) {
      throw new Error(
        `secret ${secretArn} can never match: a header carries visible ASCII characters, and blanks between them but no ` +
          'line end or blank at either end; store the password so',
      );
    }
    if (current.length < PASSWORD_LEAST_LENGTH) {
      throw new Error(
        `secret ${secretArn} is too short: its plain string, the password, has less than ${PASSWORD_LEAST_LENGTH} characters; ` +
          'store a longer random one',
      );
    }
    const previous = await read('AWSPREVIOUS').catch((error: unknown) => {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    });
    return previous !== undefined && previous.length >= PASSWORD_LEAST_LENGTH && CARRIED_BY_HEADERS.test(previous)
      ? [current, previous]
      : [current];
  };
}

/** Passwords are kept and compared as digests: of one length, whatever was presented. */
export function digestOf(password: string): Buffer {
  return hash('sha256', password, 'buffer');
}
