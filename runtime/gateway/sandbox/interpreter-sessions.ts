import { SandboxFailure } from './sandbox-failure';

/** How sessions of a code interpreter begin and end at AWS. */
export interface SessionService {
  /** @param kept whether later runs will come to it @throws what AWS answers */
  start(kept: boolean): Promise<string>;
  /** Never throws: what cannot be stopped ends by its own time-out. */
  stop(session: string): Promise<void>;
}

/** A use that failed before anything of it ran: its session is as it was. */
export class NotBegun extends Error {
  constructor(readonly reason: unknown) {
    super('the use has not begun');
  }
}

export interface SessionLimits {
  /** Sessions at once. Each one costs its memory until it ends, and anybody may name agents that do not exist. */
  readonly most: number;
  /** How long one is kept for its tenant's next run. */
  readonly idleMs: number;
  /** How old one may be when a run begins in it: AWS ends it at an age, whatever runs in it. */
  readonly oldestMs: number;
}

export interface SessionUse {
  readonly tenant: string;
  /** Whether the session stays for the tenant's next use. */
  readonly keep: boolean;
  /** Aborted when nobody waits for this use any more. */
  readonly hungUp: AbortSignal;
}

/** The session that a use has, while it has it. */
export interface HeldSession {
  readonly id: string;
  /** Ends it: what comes next gets another one. */
  end(): void;
}

/** What one tenant has: uses of a session come one after the other. */
interface Place {
  readonly tenant: string;
  /** Ends when the last use that was asked for has ended. */
  line: Promise<void>;
  /** In the line, the one at its head included. */
  uses: number;
  session?: { readonly id: string; readonly began: number };
  /** While a session is on its way. */
  starting: boolean;
  idleSince: number;
  idle?: NodeJS.Timeout;
}

/** The sessions of a code interpreter: one a tenant, which finds again what its uses before have left. */
export class InterpreterSessions {
  private readonly places = new Map<string, Place>();

  constructor(
    private readonly service: SessionService,
    private readonly limits: SessionLimits,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Uses the tenant's session, in its turn. A use that fails ends the session, since code may still run in it, unless it had
   * not begun; those that wait get another one. A use that nobody waits for any more leaves the line, and the session to the
   * others.
   *
   * @throws SandboxFailure if every session is at work, or nobody waits any more; else what the service or `work` throws, and for
   *   `NotBegun` its reason
   */
  async use<T>({ tenant, keep, hungUp }: SessionUse, work: (session: HeldSession) => Promise<T>): Promise<T> {
    const place = this.place(tenant);
    clearTimeout(place.idle);
    place.uses++;
    const before = place.line;
    let leave = () => undefined as void;
    const left = new Promise<void>((resolve) => (leave = resolve));
    place.line = before.then(() => left);
    try {
      await waited(before, hungUp);
      const id = await this.sessionOf(place, keep);
      if (hungUp.aborted) throw nobodyWaits();
      const end = () => this.end(place, id);
      try {
        return await work({ id, end });
      } catch (error) {
        if (error instanceof NotBegun) throw error.reason;
        end();
        throw error;
      }
    } finally {
      leave();
      place.uses--;
      if (place.uses === 0) this.rest(place, keep);
    }
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    const ends = [...this.places.values()].map((place) => {
      const { session } = place;
      place.session = undefined;
      this.forget(place);
      return session && this.service.stop(session.id);
    });
    await Promise.all(ends);
  }

  private place(tenant: string): Place {
    let place = this.places.get(tenant);
    if (place === undefined) {
      place = { tenant, line: Promise.resolve(), uses: 0, starting: false, idleSince: 0 };
      this.places.set(tenant, place);
    }
    return place;
  }

  private async sessionOf(place: Place, keep: boolean): Promise<string> {
    const { session } = place;
    if (session && this.now() - session.began <= this.limits.oldestMs) return session.id;
    if (session) this.end(place, session.id);
    this.makeRoom();
    place.starting = true;
    const began = this.now();
    try {
      const id = await this.service.start(keep);
      if (this.places.get(place.tenant) !== place) {
        void this.service.stop(id);
        throw new SandboxFailure('unavailable', 'the gateway stops, and runs no more tools');
      }
      place.session = { id, began };
      return id;
    } finally {
      place.starting = false;
    }
  }

  /** @throws SandboxFailure if there is none, with what the agent is told */
  private makeRoom(): void {
    const held = [...this.places.values()].filter(({ session, starting }) => session !== undefined || starting);
    if (held.length < this.limits.most) return;
    const resting = held.filter(({ uses }) => uses === 0);
    if (resting.length === 0) {
      throw new SandboxFailure(
        'refused',
        `this server has ${this.limits.most} code interpreter sessions at work already, try again later`,
      );
    }
    const longest = resting.reduce((one, other) => (other.idleSince < one.idleSince ? other : one));
    this.end(longest, longest.session!.id);
    this.forget(longest);
  }

  /** After the last use that was asked for. */
  private rest(place: Place, keep: boolean): void {
    const { session } = place;
    if (session && !keep) this.end(place, session.id);
    if (place.session === undefined) return this.forget(place);
    place.idleSince = this.now();
    place.idle = setTimeout(() => {
      this.end(place, place.session!.id);
      this.forget(place);
    }, this.limits.idleMs).unref();
  }

  private end(place: Place, id: string): void {
    if (place.session?.id !== id) return;
    place.session = undefined;
    void this.service.stop(id);
  }

  private forget(place: Place): void {
    clearTimeout(place.idle);
    if (this.places.get(place.tenant) === place) this.places.delete(place.tenant);
  }
}

function nobodyWaits(): SandboxFailure {
  return new SandboxFailure('died', 'nobody waits for the tool any more');
}

/** @throws SandboxFailure if nobody waits any more before the turn comes */
async function waited(turn: Promise<void>, hungUp: AbortSignal): Promise<void> {
  let stopWaiting = () => undefined as void;
  const nobody = new Promise<void>((resolve) => {
    stopWaiting = resolve;
    if (hungUp.aborted) resolve();
    hungUp.addEventListener('abort', stopWaiting, { once: true });
  });
  await Promise.race([turn, nobody]);
  hungUp.removeEventListener('abort', stopWaiting);
  if (hungUp.aborted) throw nobodyWaits();
}
