import { Metric } from '../../contract';
import { Metrics } from '../metrics';

/** Somebody tried to leave. */
export interface EgressRefusal {
  readonly method: string;
  /** Host and port only: a path or a query may hold what somebody tried to carry out. */
  readonly destination: string;
  readonly reason: string;
}

const WINDOW_MS = 10_000;
/** Refusals that are told apart in a window; a flood of names is counted under one. */
const MAX_TOLD_APART = 50;

/**
 * Counts and logs who tried to leave: each destination at once, and what repeats itself at the end of a window, so that a
 * client that tries without end cannot flood the log. The counts of all lines add up to the number of refusals.
 */
export class EgressAudit {
  private readonly repeated = new Map<string, { readonly refusal: EgressRefusal; times: number }>();
  private others = 0;
  private window?: NodeJS.Timeout;

  constructor(
    private readonly metrics: Metrics,
    private readonly windowMs = WINDOW_MS,
  ) {}

  refused(refusal: EgressRefusal): void {
    this.window ??= setTimeout(() => this.flush(), this.windowMs).unref();
    const key = `${refusal.method} ${refusal.destination} ${refusal.reason}`;
    const known = this.repeated.get(key);
    if (known) known.times += 1;
    else if (this.repeated.size === MAX_TOLD_APART) this.others += 1;
    else {
      this.repeated.set(key, { refusal, times: 0 });
      this.write(refusal, 1);
    }
  }

  /** Writes what has been counted and not yet written. */
  flush(): void {
    clearTimeout(this.window);
    this.window = undefined;
    for (const { refusal, times } of this.repeated.values()) if (times > 0) this.write(refusal, times);
    if (this.others > 0) this.write({ method: 'any', destination: 'others', reason: 'too many to name' }, this.others);
    this.repeated.clear();
    this.others = 0;
  }

  private write(refusal: EgressRefusal, times: number): void {
    this.metrics.record('egress-refused', { [Metric.EGRESS_REFUSED]: times }, { ...refusal });
  }
}
