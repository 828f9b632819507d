/** Wrong passwords that cost nothing: a person's typing errors, a client's retries after a rotation. */
const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** One failure is forgotten in this time. */
const DECAY_MS = 60_000;
/** Waits no longer grow from here on, so that everything is forgotten some ten minutes after the last failure. */
const MOST_FAILURES = FREE_FAILURES + Math.ceil(Math.log2(LONGEST_WAIT_MS / FIRST_WAIT_MS));
/** Some 2 MB; the address that failed least recently makes room. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  lastAt: number;
}

/** Makes guessing slow: an address that presents wrong passwords must wait, twice as long each time. */
export class PasswordBackoff {
  /** In the order of the last failure. */
  private readonly failures = new Map<string, Failures>();

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

  failed(address: string): void {
    this.forgetOld();
    const known = this.failures.get(address);
    this.failures.delete(address);
    const count = Math.min(MOST_FAILURES, (known ? this.remaining(known) : 0) + 1);
    this.failures.set(address, { count, lastAt: this.now() });
    if (this.failures.size > MOST_ADDRESSES) this.failures.delete(this.failures.keys().next().value!);
  }

  /** Takes one failure back: the password turned out to be a new one. */
  forgive(address: string): void {
    const known = this.failures.get(address);
    if (known && --known.count <= 0) this.failures.delete(address);
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
