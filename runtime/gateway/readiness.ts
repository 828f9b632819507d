import { Metric } from '../contract';
import { Log } from './log';
import { Metrics } from './metrics';

/** What stands behind the gateway. */
export type CheckName = 'letta' | 'database' | 'cache' | 'bedrock' | 'sandbox';

export interface CheckResult {
  readonly ok: boolean;
  /** Why not, without secret and host. */
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  /** Of what this gateway is configured for. */
  readonly checks: { readonly [name in CheckName]?: CheckResult };
}

export interface Readiness {
  /** Not older than five seconds; every check takes two at most, and callers at the same time share one look. */
  report(): Promise<ReadinessReport>;
  /**
   * From memory, without a call: why the task must not look healthy. A server without chat models must not: their list
   * is empty, or could never be read since the start.
   */
  unhealthy(): string | undefined;
}

/** One look at one thing: resolves with why it is not well, else with nothing. It must end soon after the signal. */
export type Check = (signal: AbortSignal) => Promise<string | undefined>;

export interface WatchedReadinessOptions {
  readonly checks: { readonly [name in CheckName]?: Check };
  /** The list of chat models, where this gateway has one. */
  readonly models?: { readonly count: number; empty(): string | undefined };
  readonly metrics: Metrics;
  readonly log: Log;
}

const KEEP_MS = 5_000;
const CHECK_TIMEOUT_MS = 2_000;
const WATCH_EVERY_MS = 60_000;

/** Looks when it is asked, and once a minute by itself for the metrics. */
export class WatchedReadiness implements Readiness {
  private latest?: { readonly report: Promise<ReadinessReport>; readonly at: number };
  private before: ReadinessReport['checks'] = {};
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly options: WatchedReadinessOptions,
    private readonly now = Date.now,
  ) {}

  start(): void {
    this.timer ??= setInterval(() => void this.watch(), WATCH_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  report(): Promise<ReadinessReport> {
    if (this.latest === undefined || this.now() - this.latest.at >= KEEP_MS) {
      this.latest = { report: this.look(), at: this.now() };
    }
    return this.latest.report;
  }

  unhealthy(): string | undefined {
    const reason = this.options.models?.empty();
    // Whoever waits for it to be healthy asks often: that is what makes it look again.
    if (reason !== undefined) void this.report();
    return reason;
  }

  /** One line with the metrics. Exposed for what is not to wait a minute. */
  async watch(): Promise<void> {
    const { ready, checks } = await this.report();
    const { metrics, models } = this.options;
    const failing = names(checks).filter((name) => !checks[name]?.ok);
    metrics.record(
      'readiness',
      { [Metric.READY]: ready ? 1 : 0, ...(models && { [Metric.CHAT_MODELS_LISTED]: models.count }) },
      { failing },
    );
  }

  private async look(): Promise<ReadinessReport> {
    const results = await Promise.all(
      names(this.options.checks).map(async (name) => [name, await result(this.options.checks[name]!)] as const),
    );
    const checks: ReadinessReport['checks'] = Object.fromEntries(results);
    this.logChanges(checks);
    this.before = checks;
    return { ready: results.every(([, { ok }]) => ok), checks };
  }

  private logChanges(checks: ReadinessReport['checks']): void {
    for (const name of names(checks)) {
      const { ok, reason } = checks[name]!;
      if (ok === (this.before[name]?.ok ?? true)) continue;
      if (ok) this.options.log.info('check-recovered', { check: name });
      else this.options.log.error('check-failed', { check: name, reason });
    }
  }
}

function names(checks: { readonly [name in CheckName]?: unknown }): CheckName[] {
  return Object.keys(checks) as CheckName[];
}

async function result(check: Check): Promise<CheckResult> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const late = new Promise<string>((resolve) =>
    signal.addEventListener('abort', () => resolve(`no answer within ${CHECK_TIMEOUT_MS / 1000} s`), { once: true }),
  );
  const reason = await Promise.race([check(signal).catch(unexpected), late]);
  return reason === undefined ? { ok: true } : { ok: false, reason };
}

/** Messages of network errors name hosts and addresses; their codes do not. */
function unexpected(error: unknown): string {
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  const known = code ?? cause?.code;
  if (known === 'ECONNREFUSED') return 'it accepts no connection: it is starting or has ended';
  return typeof known === 'string' ? `it failed with ${known}` : 'it failed';
}
