import { IncomingMessage } from 'node:http';
import { ApiPassword, digestOf, presentedPassword } from './api-password';
import { clientAddress } from './client-address';
import { PasswordBackoff } from './password-backoff';

export type Caller =
  | { readonly kind: 'caller' | 'administrator' }
  /** No password at all, which is no attempt to guess one. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'waits'; readonly seconds: number };

const CALLER: Caller = { kind: 'caller' };
const ADMINISTRATOR: Caller = { kind: 'administrator' };
const NOBODY: Caller = { kind: 'nobody' };
const WRONG: Caller = { kind: 'wrong' };

export interface CallersOptions {
  readonly password: ApiPassword;
  readonly administratorPassword?: ApiPassword;
  /** A wrong password was presented. */
  readonly onFailure: () => void;
  readonly backoff?: PasswordBackoff;
}

/** Tells who calls by the password presented. */
export class Callers {
  private readonly password: ApiPassword;
  private readonly administratorPassword?: ApiPassword;
  private readonly onFailure: () => void;
  private readonly backoff: PasswordBackoff;

  constructor({ password, administratorPassword, onFailure, backoff = new PasswordBackoff() }: CallersOptions) {
    this.password = password;
    this.administratorPassword = administratorPassword;
    this.onFailure = onFailure;
    this.backoff = backoff;
  }

  /** Answers without a promise where nothing is waited for, which is nearly always. */
  identify(request: IncomingMessage): Caller | Promise<Caller> {
    const presented = presentedPassword(request.headers);
    if (presented === undefined) return NOBODY;
    if (!this.backoff.quiet) {
      const seconds = this.backoff.waitSeconds(clientAddress(request));
      if (seconds > 0) return { kind: 'waits', seconds };
    }
    const digest = digestOf(presented);
    return this.known(digest) ?? this.unknown(request, digest);
  }

  private known(digest: Buffer): Caller | undefined {
    const administrator = this.administratorPassword?.matches(digest) ?? false;
    // A password that is in both secrets makes nobody an administrator: everybody knows it.
    if (this.password.matches(digest)) return CALLER;
    return administrator ? ADMINISTRATOR : undefined;
  }

  /** It counts as wrong before the secrets are read again, so that many at once cannot be tried for one. */
  private async unknown(request: IncomingMessage, digest: Buffer): Promise<Caller> {
    const address = clientAddress(request);
    const counted = this.backoff.failed(address, digest);
    await Promise.all([this.password.lookAgain(), this.administratorPassword?.lookAgain()]);
    const caller = this.known(digest);
    if (caller) {
      if (counted) this.backoff.forgive(address);
      return caller;
    }
    this.onFailure();
    return WRONG;
  }
}
