import { setTimeout as sleep } from 'node:timers/promises';
import { residentMegabytes } from '../process-figures';
import type { AbuseFigures } from './programs/abuse';
import type { StreamsFigures } from './programs/open-streams';
import { apiStream } from './requests';
import type { GatewayStand } from './stand';

/** Resident memory of the gateway's process, in MiB; PgBouncer is another process and not in it. */
export interface MemoryFigures {
  /** Most while the streams were open. */
  readonly open: number;
  readonly streams: StreamsFigures;
  readonly afterStreams: number;
  /** Most during the abuse. */
  readonly abused: number;
  readonly abuse: AbuseFigures;
  readonly afterAbuse: number;
}

export const OPEN_STREAMS = 500;
const STREAMS_WINDOW = 20_000;
const ABUSE_WINDOW = 20_000;
/** What Node gets to give memory back. */
const REST = 15_000;
const LOOK_EVERY = 250;
/** What a gateway that has just started gets to come to rest. */
const SETTLE = 5_000;

/** Of a gateway that nobody has called yet. */
export async function idleMegabytes(stand: GatewayStand): Promise<number> {
  await sleep(SETTLE);
  return residentMegabytes(stand.processes.gateway);
}

export async function measureMemory(stand: GatewayStand, progress: (what: string) => void): Promise<MemoryFigures> {
  const { host, port, password, programs, processes } = stand;
  const resident = () => residentMegabytes(processes.gateway);
  progress(`looks at memory with ${OPEN_STREAMS} streams`);
  const request = apiStream(stand, 1000, 1000);
  const streams = { host, port, request, streams: OPEN_STREAMS, window: STREAMS_WINDOW };
  const opened = await most(resident, programs.run('open-streams', streams));
  await sleep(REST);
  const afterStreams = resident();
  progress('looks at memory while it is abused');
  const abused = await most(resident, programs.run('abuse', { host, port, password, window: ABUSE_WINDOW }));
  await sleep(REST);
  if (opened.result.mostAtOnce < OPEN_STREAMS) {
    throw new Error(
      `only ${opened.result.mostAtOnce} of ${OPEN_STREAMS} streams could be opened:\n${stand.evidence()}`,
    );
  }
  return {
    ...{ open: opened.most, streams: opened.result, afterStreams },
    ...{ abused: abused.most, abuse: abused.result, afterAbuse: resident() },
  };
}

async function most<Result>(look: () => number, during: Promise<Result>): Promise<{ most: number; result: Result }> {
  let most = look();
  const timer = setInterval(() => (most = Math.max(most, look())), LOOK_EVERY);
  try {
    return { result: await during, most };
  } finally {
    clearInterval(timer);
  }
}
