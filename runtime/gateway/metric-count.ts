import { Metric } from '../contract';
import { Metrics } from './metrics';

/** Counts what may come thousands of times a second, and writes the sum: a line each would be a way to flood the log. */
export class MetricCount {
  private count = 0;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly metrics: Metrics,
    private readonly event: string,
    private readonly metric: Metric,
    private readonly everyMs = 5_000,
  ) {}

  add(): void {
    this.count++;
    this.timer ??= setTimeout(() => this.flush(), this.everyMs).unref();
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.count > 0) this.metrics.record(this.event, { [this.metric]: this.count });
    this.count = 0;
  }
}
