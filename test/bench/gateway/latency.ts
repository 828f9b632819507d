import type { LoadFigures } from './programs/load';
import { apiCall, modelCall, modelTarget, portOf, type Way } from './requests';
import type { GatewayStand } from './stand';

/** What one way showed in one round: one connection, and so many that the server's core has no pause. */
export interface WayRound {
  readonly alone: LoadFigures;
  readonly crowd: LoadFigures;
}

export type FrontRound = { readonly [way in Way]: WayRound };

export const CROWD = 32;
const WINDOW = 3_000;
const WARM_UP = 1_000;
const ways: Way[] = ['direct', 'bare', 'gateway'];

/** The API front beside a bare proxy and no proxy, each its turn in every round; who begins changes. */
export async function measureFront(stand: GatewayStand, rounds: number, progress: (what: string) => void) {
  const { host, programs, processes } = stand;
  const watch = { direct: undefined, bare: processes.bareProxy, gateway: processes.gateway };
  const load = (way: Way, connections: number) =>
    programs.run('load', {
      ...{ host, port: portOf[way], request: apiCall(stand), connections },
      ...{ window: WINDOW, warmUp: WARM_UP, watch: watch[way] },
    });
  const measured: FrontRound[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`measures the API front, round ${round} of ${rounds}`);
    const one: Partial<Record<Way, WayRound>> = {};
    for (const way of rotated(ways, round)) one[way] = { alone: await load(way, 1), crowd: await load(way, CROWD) };
    measured.push(
      withoutFailures(one as FrontRound, (figures) =>
        Object.values(figures).flatMap(({ alone, crowd }) => [alone, crowd]),
      ),
    );
  }
  return measured;
}

/** A plain and a streamed model call, to Bedrock's stand-in itself and through the gateway. */
export interface ModelRound {
  readonly direct: { readonly plain: LoadFigures; readonly stream: LoadFigures };
  readonly gateway: { readonly plain: LoadFigures; readonly stream: LoadFigures };
}

export async function measureModelCalls(stand: GatewayStand, rounds: number, progress: (what: string) => void) {
  const load = (way: 'direct' | 'gateway', stream: boolean) =>
    stand.programs.run('load', {
      ...{ ...modelTarget(stand, way), request: modelCall(stand, stream), connections: 1 },
      ...{ window: WINDOW, warmUp: WARM_UP, watch: way === 'gateway' ? stand.processes.gateway : undefined },
    });
  const measured: ModelRound[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`measures model calls, round ${round} of ${rounds}`);
    const one: Partial<Record<keyof ModelRound, ModelRound['direct']>> = {};
    for (const way of rotated(['direct', 'gateway'] as const, round)) {
      one[way] = { plain: await load(way, false), stream: await load(way, true) };
    }
    measured.push(
      withoutFailures(one as ModelRound, (figures) =>
        Object.values(figures).flatMap(({ plain, stream }) => [plain, stream]),
      ),
    );
  }
  return measured;
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** @throws Error when a request failed: a refusal is quick, and no figure */
function withoutFailures<Round>(round: Round, loads: (round: Round) => LoadFigures[]): Round {
  const failures = loads(round).reduce((sum, load) => sum + load.failures, 0);
  if (failures > 0) throw new Error(`${failures} requests of the load failed: what was measured is no figure`);
  return round;
}
