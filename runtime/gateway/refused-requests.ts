import { randomUUID } from 'node:crypto';
import { Log } from './log';
import { TellMalformed } from './malformed-request';

const MOST_LINES = 20;
const WINDOW_MS = 10_000;

/**
 * Tells of requests that are none. Anybody can send those, as many as they like: of one window the first ones have a
 * line each, the others are counted in one at its end.
 */
export class RefusedRequests {
  private lines = 0;
  private others = 0;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly log: Log,
    private readonly most = MOST_LINES,
    private readonly windowMs = WINDOW_MS,
  ) {}

  /** Says so to the client as Letta does, under an id that the log line has too. */
  readonly tell: TellMalformed = ({ status, reason }) => {
    const requestId = randomUUID();
    this.timer ??= setTimeout(() => this.flush(), this.windowMs).unref();
    if (this.lines++ < this.most) this.log.warn('request-refused', { requestId, status, reason });
    else this.others++;
    return { headers: { 'x-request-id': requestId }, body: { detail: reason } };
  };

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.others > 0) this.log.warn('requests-refused', { count: this.others });
    this.lines = this.others = 0;
  }
}
