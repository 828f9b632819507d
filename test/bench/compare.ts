import { type ProcessorTime, processorTime } from './machine';
import { treeProcessorSeconds } from './process-figures';
import { perSecond, type Span } from './statistics';
import { createAgent, deleteAgent, type Server, turns, turnsAtOnce } from './workload';

/** What one server showed in one round. */
export interface Block {
  /** Milliseconds of each plain turn. */
  readonly plain: number[];
  /** Milliseconds of each turn with a call of a memory tool. */
  readonly tool: number[];
  /** Milliseconds of each turn with all agents at once. */
  readonly atOnce: number[];
  /** Turns per second of all agents at once. */
  readonly turnsPerSecond: number;
  /** Share of the machine's processor time that was in use, this run's and all other load together. */
  readonly processorUse: number;
  /** Milliseconds of processor time a turn, of each part that serves it: other load distorts it less than the turn's own. */
  readonly processor: { readonly plain: PartTimes; readonly tool: PartTimes };
}

export interface PartTimes {
  readonly letta: number;
  /** With PgBouncer. */
  readonly gateway?: number;
}

/** A server and the first process of each of its parts. */
export interface MeasuredServer extends Server {
  readonly processes: { readonly letta: number; readonly gateway?: number };
}

export interface Workload {
  /** Turns of each kind in a block. */
  readonly turns: number;
  readonly agentsAtOnce: number;
  /** Milliseconds that the agents talk at once. */
  readonly window: number;
}

export const workload: Workload = { turns: 12, agentsAtOnce: 8, window: 12_000 };

const milliseconds = ({ start, end }: Span) => end - start;

/**
 * Gives two servers a block of turns each, in turn, `rounds` times; who goes first changes, so that neither always finds
 * the machine as the other left it. The server that is not measured stays up, idle.
 */
export async function alternate<Name extends string>(
  servers: Record<Name, MeasuredServer>,
  rounds: number,
  progress: (what: string) => void,
): Promise<Record<Name, Block[]>> {
  const names = Object.keys(servers) as Name[];
  const blocks = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Block[]>;
  for (const name of names) await measure(servers[name], { turns: 3, agentsAtOnce: workload.agentsAtOnce, window: 1 });
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 ? names : [...names].reverse()) {
      progress(`measures ${name}, round ${round} of ${rounds}`);
      blocks[name].push(await measure(servers[name], workload));
    }
  }
  return blocks;
}

/** New agents each time, so that all blocks begin with the same, empty conversations. */
async function measure(server: MeasuredServer, { turns: count, agentsAtOnce, window }: Workload): Promise<Block> {
  const agents: string[] = [];
  for (let number = 0; number < agentsAtOnce; number++) agents.push(await createAgent(server));
  await turns(server, agents[0], 'plain', 2);
  const before = processorTime();
  const [start, plain] = [partTimes(server), await turns(server, agents[0], 'plain', count)];
  const [middle, tool] = [partTimes(server), await turns(server, agents[0], 'tool', count)];
  const end = partTimes(server);
  const together = await turnsAtOnce(server, agents, window);
  const processorUse = share(before, processorTime());
  for (const agent of agents) await deleteAgent(server, agent);
  return {
    plain: plain.map(milliseconds),
    tool: tool.map(milliseconds),
    atOnce: together.spans.map(milliseconds),
    turnsPerSecond: perSecond(together.spans, together.window),
    processorUse,
    processor: { plain: perTurn(start, middle, count), tool: perTurn(middle, end, count) },
  };
}

function partTimes({ processes: { letta, gateway } }: MeasuredServer): PartTimes {
  const milliseconds = (root: number) => treeProcessorSeconds(root) * 1000;
  return { letta: milliseconds(letta), ...(gateway !== undefined && { gateway: milliseconds(gateway) }) };
}

function perTurn(before: PartTimes, after: PartTimes, turns: number): PartTimes {
  const letta = (after.letta - before.letta) / turns;
  if (before.gateway === undefined || after.gateway === undefined) return { letta };
  return { letta, gateway: (after.gateway - before.gateway) / turns };
}

function share(before: ProcessorTime, after: ProcessorTime): number {
  return (after.busy - before.busy) / (after.total - before.total);
}
