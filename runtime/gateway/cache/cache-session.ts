import { Socket } from 'node:net';
import { within } from '../deadline';
import { describeError, Log } from '../log';
import { replyScanner, RequestFrame, requestScanner } from './resp-framing';

/** How long an authenticated connection may live. */
export interface CacheLifetime {
  /** Age of an authentication at which it is renewed, in the first moment between two commands. */
  readonly renewAfterMs: number;
  /** Between two attempts to renew it. */
  readonly retryAfterMs: number;
  /** Age at which a connection that could not be renewed is closed between two commands. */
  readonly retireAfterMs: number;
  /** Age at which it is closed whatever it does. */
  readonly retireAtLatestMs: number;
  /** How often all that is looked at. */
  readonly checkEveryMs: number;
}

const HOUR_MS = 3_600_000;

/**
 * ElastiCache ends an IAM-authenticated connection after 12 hours; a new AUTH on it gives it another 12 ("Authenticating
 * with IAM", ElastiCache user guide).
 */
export const ELASTICACHE_LIFETIME: CacheLifetime = {
  renewAfterMs: 10 * HOUR_MS,
  retryAfterMs: 60_000,
  retireAfterMs: 11.5 * HOUR_MS,
  retireAtLatestMs: 11.9 * HOUR_MS,
  checkEveryMs: 5_000,
};

/** What a connection is doing. */
export interface CacheUse {
  /** Time since its authentication. */
  readonly ageMs: number;
  /** Whether nothing is asked, nothing unanswered, nothing queued in a transaction. */
  readonly betweenCommands: boolean;
  /** Time since the last byte in either direction. */
  readonly quietMs: number;
  /** Whether its commands and replies can be told apart: not while it listens to a channel, for example. */
  readonly countable: boolean;
}

const QUIET_MS = 200;
/** A reply to AUTH is a short line. What comes before it unasked may be longer. */
const MAX_HELD_BYTES = 64 * 1024;
/** After these a connection gets replies that answer no command, none at all, or is somebody else's. */
const UNCOUNTABLE = new Set(
  'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR SYNC PSYNC RESET AUTH'.split(' '),
);

export function dueStep(use: CacheUse, lifetime: CacheLifetime): 'nothing' | 'renew' | 'retire' {
  if (use.ageMs >= lifetime.retireAtLatestMs) return 'retire';
  // One that cannot be counted has no moment between commands that could be seen: silence has to do.
  const idle = use.quietMs >= QUIET_MS && (use.betweenCommands || !use.countable);
  if (use.ageMs >= lifetime.retireAfterMs && idle) return 'retire';
  return use.ageMs >= lifetime.renewAfterMs && use.betweenCommands && use.countable ? 'renew' : 'nothing';
}

function endsCounting({ words: [name, option], length, quoted }: RequestFrame): boolean {
  if (quoted || UNCOUNTABLE.has(name)) return true;
  // HELLO with more than a version may log in as somebody else.
  return (name === 'CLIENT' && option === 'REPLY') || (name === 'HELLO' && length > 2);
}

export interface CacheSessionOptions {
  readonly client: Socket;
  /** Authenticated just now. */
  readonly upstream: Socket;
  /** The AUTH command with a token that is valid now. */
  readonly authentication: () => Promise<string>;
  readonly lifetime: CacheLifetime;
  readonly log: Log;
  /** Ends the client's connection with an error it understands. */
  readonly refuse: (reason: string) => void;
}

/** One client and its connection to the cache: bytes pass unchanged, and are counted. */
export class CacheSession {
  private readonly requests = requestScanner();
  private readonly replies = replyScanner();
  private unanswered = 0;
  private inTransaction = false;
  private countable = true;
  private refused = false;
  private authenticatedAt = Date.now();
  private lastByteAt = Date.now();
  private renewNotBefore = 0;
  private renewing: 'no' | 'signing' | 'asked' = 'no';
  /** While our AUTH is unanswered: the beginning of a reply that may be the answer. */
  private held: Buffer[] = [];

  constructor(private readonly options: CacheSessionOptions) {
    const { client, upstream } = options;
    client.once('close', () => upstream.destroy());
    client.once('end', () => upstream.end());
    upstream.once('close', () => {
      // What the cache said last is still on its way to a slow reader.
      if (upstream.readableEnded || this.refused) client.end();
      else client.destroy();
    });
    client.on('data', (chunk) => this.guarded(() => this.ask(chunk)));
    upstream.on('data', (chunk) => this.guarded(() => this.answer(chunk)));
    client.on('drain', () => upstream.resume());
    upstream.on('drain', () => client.resume());
    client.resume();
    upstream.resume();
  }

  /** Looks at its age. Called now and then. */
  check(): void {
    const step = dueStep(this.use(), this.options.lifetime);
    if (step === 'retire') this.options.client.destroy();
    else if (step === 'renew') void this.renew();
  }

  private use(): CacheUse {
    const now = Date.now();
    const { unanswered, inTransaction, countable, requests, replies } = this;
    return {
      ageMs: now - this.authenticatedAt,
      quietMs: now - this.lastByteAt,
      betweenCommands: unanswered === 0 && !inTransaction && requests.atBoundary && replies.atBoundary,
      countable,
    };
  }

  private guarded(step: () => void): void {
    const { client, upstream, refuse } = this.options;
    if (client.destroyed || upstream.destroyed) return;
    try {
      this.lastByteAt = Date.now();
      step();
    } catch (error) {
      this.refused = true;
      client.removeAllListeners('data');
      upstream.removeAllListeners('data').destroy();
      refuse(describeError(error));
    }
  }

  private ask(chunk: Buffer): void {
    for (const { frame } of this.requests.scan(chunk)) {
      const [name] = frame.words;
      if (name === undefined) continue;
      this.unanswered += 1;
      if (name === 'MULTI') this.inTransaction = true;
      if (name === 'EXEC' || name === 'DISCARD') this.inTransaction = false;
      if (endsCounting(frame)) this.countable = false;
    }
    this.pass(this.options.upstream, chunk, this.options.client);
  }

  private answer(chunk: Buffer): void {
    const { client, upstream } = this.options;
    let from = 0;
    for (const { end, frame } of this.replies.scan(chunk)) {
      if (this.renewing === 'asked') {
        const reply = Buffer.concat([...this.held.splice(0), chunk.subarray(from, end)]);
        from = end;
        if (frame.push) this.pass(client, reply, upstream);
        else this.renewed(reply.toString('latin1').trimEnd());
      } else if (!frame.push) this.unanswered = Math.max(0, this.unanswered - 1);
    }
    const rest = chunk.subarray(from);
    if (this.renewing === 'asked' && rest.length > 0) this.hold(rest);
    else if (rest.length > 0) this.pass(client, rest, upstream);
    // Busy connections are between two commands for moments only: this is one.
    if (dueStep(this.use(), this.options.lifetime) === 'renew') void this.renew();
  }

  /** Our own AUTH between two commands of the client's. */
  private async renew(): Promise<void> {
    const { authentication, lifetime, log, upstream } = this.options;
    if (this.renewing !== 'no' || Date.now() < this.renewNotBefore) return;
    this.renewing = 'signing';
    try {
      const command = await within(lifetime.retryAfterMs, authentication(), 'no token could be made in time');
      // Asked something meanwhile: the next moment between two commands will do.
      const still = dueStep(this.use(), lifetime) === 'renew' && !upstream.destroyed;
      this.renewing = still ? 'asked' : 'no';
      if (still) upstream.write(command);
    } catch (error) {
      this.renewing = 'no';
      this.renewNotBefore = Date.now() + lifetime.retryAfterMs;
      log.error('cache-renewal-failed', { reason: describeError(error) });
    }
  }

  /** A refused AUTH leaves the connection as it was: there is time to try again. */
  private renewed(reply: string): void {
    const { lifetime, log } = this.options;
    this.renewing = 'no';
    if (reply === '+OK') {
      this.authenticatedAt = Date.now();
      return log.info('cache-connection-renewed');
    }
    this.renewNotBefore = Date.now() + lifetime.retryAfterMs;
    log.error('cache-renewal-failed', { reason: `the cache answered ${reply.slice(0, 200)}` });
  }

  private hold(part: Buffer): void {
    this.held.push(part);
    const bytes = this.held.reduce((sum, { length }) => sum + length, 0);
    if (bytes > MAX_HELD_BYTES) throw new Error('the cache did not answer AUTH in RESP');
  }

  /** A slow reader holds back the other side. */
  private pass(to: Socket, bytes: Buffer, from: Socket): void {
    if (!to.write(bytes)) from.pause();
  }
}
