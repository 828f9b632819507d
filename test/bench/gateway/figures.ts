import type { FrontRound, ModelRound } from './latency';
import type { MemoryFigures } from './memory';
import type { SoakFigures } from './soak';

/** What is to be measured: one or the other, or both with the same gateway. */
export interface GatewayTask {
  /** Rounds of latency, and a look at memory. */
  readonly rounds?: number;
  readonly soakSeconds?: number;
}

/** What the gateway alone showed. */
export interface GatewayFigures {
  /** MiB of resident memory before the first call. */
  idle?: number;
  front?: FrontRound[];
  modelCalls?: ModelRound[];
  memory?: MemoryFigures;
  /** The API front once more, after the abuse: what has been done to it must not have made it slow. */
  frontAfterAbuse?: FrontRound[];
  soak?: SoakFigures;
}
