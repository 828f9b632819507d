import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { ToolSandbox } from '../../lib';
import type { Lab } from '../lab/lab';
import { type BothServers, withBothServers } from './both-servers';
import { agentWithTool, type SmallToolName, timeRun, timeTurn } from './tool-calls';
import { deleteAgent, type Server } from './workload';

/** Milliseconds of each call of a small tool in one round. */
export interface ToolRound {
  /** `POST /v1/tools/run` as an agent that has run tools before. */
  readonly warm: number[];
  readonly warmWithArguments: number[];
  /** The first one of an agent: this stack makes a sandbox for it. */
  readonly cold: number[];
  /** This stack's alone: a stock server has no sandbox of its own for it. */
  readonly typescript: number[];
  /** Turns in which an agent calls its tool, each agent's first one aside, and the tool's part of them. */
  readonly turn: number[];
  readonly turnCall: number[];
  readonly firstTurn: number[];
  readonly firstTurnCall: number[];
}

export interface ToolFigures {
  readonly stack: ToolRound[];
  readonly docs: ToolRound[];
  /** Milliseconds of all warm runs as the gateway saw them: what Lambda bills for, and its answer's way. */
  readonly runs: number[];
  /** Mebibytes of the sandbox function. */
  readonly memorySize: number;
}

const WARM = 12;
const COLD = 4;

/** Inside the lab: `tools.ts ROUNDS FILE` writes the figures to the file. */
async function main(): Promise<void> {
  const [rounds, file] = process.argv.slice(2);
  const props = { http: true, customTools: ToolSandbox.function() };
  const figures = await withBothServers(props, (servers, progress) => measure(servers, Number(rounds), progress));
  writeFileSync(file, JSON.stringify(figures));
}

async function measure(
  { lab, stack, docs }: BothServers,
  rounds: number,
  progress: (what: string) => void,
): Promise<ToolFigures> {
  const figures = { stack: [] as ToolRound[], docs: [] as ToolRound[] };
  // What Letta loads at its first tool is not what a tool costs.
  await measureRound({ stack, docs }, 2, 1);
  for (let round = 1; round <= rounds; round++) {
    progress(`measures calls of tools, round ${round} of ${rounds}`);
    const both = await measureRound({ stack, docs }, WARM, COLD);
    figures.stack.push(both.stack);
    figures.docs.push(both.docs);
  }
  return { ...figures, runs: runsOfGateway(lab), memorySize: memorySize(lab) };
}

/** Call by call in turn, so that other load meets both alike; who goes first changes. */
async function measureRound(servers: Pick<BothServers, 'stack' | 'docs'>, warm: number, cold: number) {
  const round = { stack: emptyRound(), docs: emptyRound() };
  const names = ['stack', 'docs'] as const;
  const times = async (count: number, one: (name: 'stack' | 'docs') => Promise<void>) => {
    for (let number = 0; number < count; number++) {
      for (const name of number % 2 ? names : [...names].reverse()) await one(name);
    }
  };
  const agent = `agent-${randomUUID()}`;
  const runs = async (tool: SmallToolName, into: 'warm' | 'warmWithArguments') => {
    await times(1, (name) => timeRun(servers[name], tool, agent).then(() => undefined));
    await times(warm, async (name) => void round[name][into].push(await timeRun(servers[name], tool, agent)));
  };
  await runs('python', 'warm');
  await runs('pythonWithArguments', 'warmWithArguments');
  for (let number = 0; number <= warm; number++) {
    const milliseconds = await timeRun(servers.stack, 'typescript', agent);
    if (number > 0) round.stack.typescript.push(milliseconds);
  }
  await times(cold, async (name) => void round[name].cold.push(await timeRun(servers[name], 'python')));
  await times(cold, (name) => turns(servers[name], round[name], Math.ceil(warm / cold)));
  return round;
}

/** One agent's turns, the first of which is its tool's first run. */
async function turns(server: Server, round: ToolRound, count: number): Promise<void> {
  const agent = await agentWithTool(server, 'python');
  const first = await timeTurn(server, agent, 'python');
  round.firstTurn.push(first.turn);
  round.firstTurnCall.push(first.call);
  for (let number = 0; number < count; number++) {
    const { turn, call } = await timeTurn(server, agent, 'python');
    round.turn.push(turn);
    round.turnCall.push(call);
  }
  await deleteAgent(server, agent);
}

function emptyRound(): ToolRound {
  return {
    ...{ warm: [], warmWithArguments: [], cold: [], typescript: [] },
    ...{ turn: [], turnCall: [], firstTurn: [], firstTurnCall: [] },
  };
}

/** @throws Error when the gateway wrote no line of a run: then it was not the gateway that ran the tools */
function runsOfGateway(lab: Lab): number[] {
  const runs = lab
    .logLines()
    .filter(({ file, line }) => file.includes('/task/gateway/') && line.includes('"tool-run"'))
    .map(({ line }) => JSON.parse(line) as { durationMs: number; outcome: string })
    .filter(({ outcome }) => outcome === 'result')
    .map(({ durationMs }) => durationMs);
  if (runs.length === 0) throw new Error('the gateway wrote no tool-run line');
  return runs;
}

function memorySize({ template }: Lab): number {
  const sandboxes = template
    .ofType('AWS::Lambda::Function')
    .map(([id]) => template.properties<{ MemorySize?: number; TenancyConfig?: object }>(id))
    .filter(({ TenancyConfig }) => TenancyConfig);
  if (sandboxes.length !== 1) throw new Error(`the template has ${sandboxes.length} sandbox functions, wanted one`);
  return sandboxes[0].MemorySize!;
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.stack);
    process.exit(1);
  },
);
