import { createHmac, randomBytes } from 'node:crypto';

/** Wrong passwords that cost nothing: a person's typing errors, a client's retries after a rotation. */
const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** One failure is forgotten in this time. */
const DECAY_MS = 60_000;
/** Waits no longer grow from here on, so that everything is forgotten some ten minutes after the last failure. */
const MOST_FAILURES = FREE_FAILURES + Math.ceil(Math.log2(LONGEST_WAIT_MS / FIRST_WAIT_MS));
/** Of one address; more than cost nothing, so that those of several stale clients are all known before it waits. */
const REMEMBERED_PASSWORDS = 8;
/** Some 3 MB; the address that failed least recently makes room. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  lastAt: number;
  /** Marks of the last wrong passwords, the newest first. */
  readonly marks: readonly number[];
}

/**
 * Makes guessing slow: an address that presents wrong passwords must wait, twice as long each time. The same one again is
 * no new guess, so that a client that was left with an old password does not lock out all who share its address.
 */
export class PasswordBackoff {
  /** In the order of the last failure. */
  private readonly failures = new Map<string, Failures>();
  private readonly key = randomBytes(32);

  constructor(private readonly now = Date.now) {}

  /** Whether nobody failed of late: the usual case, in which no address need be worked out. */
  get quiet(): boolean {
    return this.failures.size === 0;
  }

  get size(): number {
    return this.failures.size;
  }

  /** Seconds until this address may present a password again; 0: it may now. */
  waitSeconds(address: string): number {
    this.forgetOld();
    const failures = this.failures.get(address);
    if (failures === undefined) return 0;
    const count = this.remaining(failures);
    if (count < FREE_FAILURES) return 0;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - FREE_FAILURES));
    return Math.max(0, Math.ceil((failures.lastAt + wait - this.now()) / 1000));
  }

  /** @returns whether it counts: it does not if this address has presented the same wrong password of late. */
  failed(address: string, digest: Buffer): boolean {
    this.forgetOld();
    const known = this.failures.get(address);
    const mark = this.mark(digest);
    if (known?.marks.includes(mark)) return false;
    this.failures.delete(address);
    const count = Math.min(MOST_FAILURES, (known ? this.remaining(known) : 0) + 1);
    const marks = [mark, ...(known?.marks ?? [])].slice(0, REMEMBERED_PASSWORDS);
    this.failures.set(address, { count, lastAt: this.now(), marks });
    if (this.failures.size > MOST_ADDRESSES) this.failures.delete(this.failures.keys().next().value!);
    return true;
  }

  /** Takes one failure back that counted: the password turned out to be a new one. */
  forgive(address: string): void {
    const known = this.failures.get(address);
    if (known && --known.count <= 0) this.failures.delete(address);
  }

  /** 48 bits under a key of this process: of no use to find the password by. */
  private mark(digest: Buffer): number {
    return createHmac('sha256', this.key).update(digest).digest().readUIntBE(0, 6);
  }

  /** From the front, so that one look costs next to nothing: who failed often holds up those behind it, not for long. */
  private forgetOld(): void {
    for (const [address, failures] of this.failures) {
      if (this.remaining(failures) > 0) return;
      this.failures.delete(address);
    }
  }

  private remaining({ count, lastAt }: Failures): number {
    return Math.max(0, count - Math.floor((this.now() - lastAt) / DECAY_MS));
  }
}
