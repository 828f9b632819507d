import type { FrontRound, ModelRound } from './latency';
import type { MemoryFigures } from './memory';
import type { SoakFigures } from './soak';

/** What is to be measured: one or the other, or both with the same gateway. */
export interface GatewayTask {
  /** Rounds of latency, after a look at memory. */
  readonly rounds?: number;
  readonly soakSeconds?: number;
}

/** What the gateway alone showed. */
export interface GatewayFigures {
  memory?: MemoryFigures;
  front?: FrontRound[];
  modelCalls?: ModelRound[];
  soak?: SoakFigures;
}
