import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { lettaVenv } from '../lab/parts/letta-venv';
import type { ArchivalFigures } from './archival/main';
import { archivalTables, archivalTarget } from './archival/report';
import type { GatewayFigures, GatewayTask } from './gateway/figures';
import { gatewayTables, gatewayTarget, summarizeFront, summarizeModelCalls } from './gateway/report';
import { runInLab } from './lab-process';
import { machine } from './machine';
import { type BenchOptions, type BenchPart, parseOptions } from './options';
import { compareTurns, heading, synthTable, target, turnsTable } from './report';
import { measureSynth } from './synth';
import { compareTools, toolPrices, toolsTable, toolTarget } from './tool-report';
import type { ToolFigures } from './tools';
import type { TurnFigures } from './turns';

const TURN_ROUNDS = 3;
const TOOL_ROUNDS = 3;
const GATEWAY_ROUNDS = 5;
const SEARCHES = 15;

/** `npm run bench`: prints figures and judges them, but fails only when it cannot measure. See docs/benchmarks.md. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const progress = (what: string) => console.error(`the bench ${what}`);
  const wanted = (part: BenchPart) => options.only === undefined || options.only === part;
  const before = os.loadavg()[0];
  const synth = wanted('synth') ? await measureSynth(options.syntheses, progress) : undefined;
  const gateway = await measureGateway({
    rounds: wanted('gateway') ? (options.rounds ?? GATEWAY_ROUNDS) : undefined,
    soakSeconds: wanted('soak') ? options.seconds : undefined,
  });
  if (wanted('turns') || wanted('tools')) {
    progress('looks for Letta with untrimmed packages (a minute the first time)');
    await lettaVenv({ trim: false });
  }
  const turns = wanted('turns') ? await runInLab<TurnFigures>('turns.ts', rounds(options, TURN_ROUNDS)) : undefined;
  const tools = wanted('tools') ? await runInLab<ToolFigures>('tools.ts', rounds(options, TOOL_ROUNDS)) : undefined;
  const archival = wanted('archival')
    ? await runInLab<ArchivalFigures>('archival/main.ts', rounds(options, SEARCHES))
    : undefined;
  const load = [before, os.loadavg()[0]];

  console.log(`\n${heading(machine(), load)}`);
  if (turns) console.log(`\n${turnsTable(turns)}`);
  if (tools) console.log(`\n${toolsTable(tools)}`);
  if (gateway) console.log(`\n${gatewayTables(gateway)}`);
  if (archival) console.log(`\n${archivalTables(archival)}`);
  if (synth) console.log(`\n${synthTable(synth)}`);
  if (options.json) {
    const figures = {
      machine: machine(),
      load,
      target: { ...target, tools: toolTarget, gateway: gatewayTarget, archival: archivalTarget },
      turns: turns && { compared: compareTurns(turns), blocks: turns },
      tools: tools && { compared: compareTools(tools), prices: toolPrices(tools), measured: tools },
      gateway: gateway && {
        front: gateway.front && summarizeFront(gateway.front),
        modelCalls: gateway.modelCalls && summarizeModelCalls(gateway.modelCalls),
        measured: gateway,
      },
      archival,
      synth,
    };
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

async function measureGateway(task: GatewayTask): Promise<GatewayFigures | undefined> {
  if (task.rounds === undefined && task.soakSeconds === undefined) return undefined;
  return runInLab<GatewayFigures>('gateway/main.ts', JSON.stringify(task));
}

function rounds(options: BenchOptions, usual: number): string {
  return String(options.rounds ?? usual);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
