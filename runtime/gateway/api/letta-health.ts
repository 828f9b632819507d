import { Dispatcher } from 'undici';

export interface LettaHealthAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: Buffer;
}

/** From the answer on, or the failure. */
const KEEP_MS = 1_000;
/** The load balancer's own time-out. */
const SILENCE_MS = 10_000;

/** Letta's own health route, asked at most once a second: anybody may ask for it, and each question costs Letta work. */
export class LettaHealth {
  private latest?: { readonly answer: Promise<LettaHealthAnswer>; until: number };

  constructor(
    private readonly letta: Dispatcher,
    private readonly now = () => performance.now(),
  ) {}

  /** @throws what the dispatcher throws, or a `TimeoutError` */
  ask(): Promise<LettaHealthAnswer> {
    if (this.latest !== undefined && this.now() < this.latest.until) return this.latest.answer;
    const latest = { answer: this.look(), until: Infinity };
    const keep = () => void (latest.until = this.now() + KEEP_MS);
    latest.answer.then(keep, keep);
    this.latest = latest;
    return latest.answer;
  }

  private async look(): Promise<LettaHealthAnswer> {
    const signal = AbortSignal.timeout(SILENCE_MS);
    const { statusCode, headers, body } = await this.letta.request({ method: 'GET', path: '/v1/health/', signal });
    const type = headers['content-type'];
    return {
      status: statusCode,
      contentType: typeof type === 'string' ? type : undefined,
      body: Buffer.from(await body.arrayBuffer()),
    };
  }
}
