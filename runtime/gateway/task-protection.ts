import { Pool } from 'undici';
import { describeError, Log } from './log';

export interface TaskProtectionOptions {
  /** The ECS agent's own address of this task: `ECS_AGENT_URI`. */
  readonly agentUri: string;
  /** Milliseconds that the oldest work in flight has lasted; `undefined` while there is none. */
  readonly busyFor: () => number | undefined;
  readonly log: Log;
  readonly now?: () => number;
}

/**
 * What ends sooner needs none: the load balancer lets it finish. Were every turn protected, a task with a steady stream of
 * short ones would never be free to go.
 */
export const PROTECT_AFTER_MS = 60_000;
/** A gateway that dies lets go of its task after this. */
const EXPIRES_IN_MINUTES = 10;
const RENEW_AFTER_MS = (EXPIRES_IN_MINUTES * 60_000) / 2;
/** Turns that overlap for ever must not hold up a deployment for ever: CloudFormation gives a service three hours. */
export const LONGEST_MS = 60 * 60_000;
const PAUSE_MS = 5 * 60_000;
const LOOK_EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;

/**
 * Asks ECS not to end this task, by scaling in or for a deployment, while long work is in flight ("Amazon ECS task scale-in
 * protection endpoint", Amazon ECS Developer Guide). A failure is logged and is no failure of the work.
 */
export class TaskProtection {
  private timer?: NodeJS.Timeout;
  private looking = false;
  /** When the unbroken protection began, and when it was last asked for. */
  private held?: { readonly since: number; readonly renewed: number };
  private pausedUntil = 0;
  private failing = false;
  private readonly now: () => number;
  private readonly agent: Pool;
  private readonly path: string;

  constructor(private readonly options: TaskProtectionOptions) {
    this.now = options.now ?? (() => performance.now());
    const { origin, pathname } = new URL(`${options.agentUri}/task-protection/v1/state`);
    this.agent = new Pool(origin, { connections: 1 });
    this.path = pathname;
  }

  start(): void {
    this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** A task that is being stopped has nothing to protect. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Exposed for what is not to wait ten seconds. */
  async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      await this.adjust();
    } finally {
      this.looking = false;
    }
  }

  private async adjust(): Promise<void> {
    const now = this.now();
    const { held } = this;
    const overdue = held !== undefined && now - held.since >= LONGEST_MS;
    const busy = (this.options.busyFor() ?? -1) >= PROTECT_AFTER_MS;
    const wanted = busy && !overdue && now >= this.pausedUntil;
    if (!wanted && !held) return;
    if (wanted && held && now - held.renewed < RENEW_AFTER_MS) return;
    if (!(await this.ask(wanted))) return;
    this.held = wanted ? { since: held?.since ?? now, renewed: now } : undefined;
    if (overdue) this.pausedUntil = now + PAUSE_MS;
    if (!wanted !== !held) this.options.log.info('task-protection', { protected: wanted, busy });
  }

  private async ask(wanted: boolean): Promise<boolean> {
    const reason = await this.put(wanted).catch(describeError);
    // Once, not every ten seconds for as long as it lasts.
    if (reason !== undefined && !this.failing) {
      this.options.log.warn('task-protection-failed', { wanted, reason });
    }
    this.failing = reason !== undefined;
    return !this.failing;
  }

  /** Resolves with why it was refused. */
  private async put(wanted: boolean): Promise<string | undefined> {
    const { statusCode, body } = await this.agent.request({
      path: this.path,
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ProtectionEnabled: wanted,
        ...(wanted && { ExpiresInMinutes: EXPIRES_IN_MINUTES }),
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = (await body.json().catch(() => undefined)) as Answer | undefined;
    if (answer?.protection?.ProtectionEnabled === wanted) return undefined;
    const code = answer?.failure?.Reason ?? answer?.error?.Code;
    // A code and no text: the agent's messages hold ARNs.
    return `the ECS agent answered ${statusCode} with ${typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'no code'}`;
  }
}

interface Answer {
  readonly protection?: { readonly ProtectionEnabled?: boolean } | null;
  readonly failure?: { readonly Reason?: unknown } | null;
  readonly error?: { readonly Code?: unknown } | null;
}
