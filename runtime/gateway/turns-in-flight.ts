import { Metric } from '../contract';
import { Metrics } from './metrics';

const RECORD_EVERY_MS = 60_000;

/** The turns that this task works on: how long the oldest has lasted, and once a minute how many there were on average. */
export class TurnsInFlight {
  /** In the order in which they began. */
  private readonly begun = new Set<{ readonly at: number }>();
  private timer?: NodeJS.Timeout;
  private recordedAt: number;
  private changedAt: number;
  /** Turns × milliseconds since the last record. */
  private work = 0;

  constructor(
    private readonly metrics: Metrics,
    private readonly now = () => performance.now(),
  ) {
    this.recordedAt = this.changedAt = now();
  }

  /** The function ends the turn, once however often it is called. */
  begin(): () => void {
    this.settle();
    const turn = { at: this.now() };
    this.begun.add(turn);
    return () => {
      this.settle();
      this.begun.delete(turn);
    };
  }

  /** Milliseconds; `undefined` while there is none. */
  oldest(): number | undefined {
    for (const { at } of this.begun) return this.now() - at;
    return undefined;
  }

  start(): void {
    this.timer ??= setInterval(() => this.record(), RECORD_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Also without a turn: scaling in is for tasks that have nothing to do. Exposed for what is not to wait a minute. */
  record(): void {
    this.settle();
    const elapsed = this.changedAt - this.recordedAt;
    const average = elapsed > 0 ? this.work / elapsed : this.begun.size;
    this.recordedAt = this.changedAt;
    this.work = 0;
    this.metrics.record('turns-in-flight', { [Metric.TURNS_IN_FLIGHT]: Math.round(average * 100) / 100 });
  }

  private settle(): void {
    const now = this.now();
    this.work += this.begun.size * (now - this.changedAt);
    this.changedAt = now;
  }
}
