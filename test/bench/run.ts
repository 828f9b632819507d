import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { lettaVenv } from '../lab/parts/letta-venv';
import type { GatewayFigures, GatewayTask } from './gateway/figures';
import { gatewayTables, gatewayTarget, summarizeFront, summarizeModelCalls } from './gateway/report';
import { runInLab } from './lab-process';
import { machine } from './machine';
import { type BenchPart, parseOptions } from './options';
import { compareTurns, heading, synthTable, target, turnsTable } from './report';
import { measureSynth } from './synth';
import type { TurnFigures } from './turns';

const TURN_ROUNDS = 3;
const GATEWAY_ROUNDS = 5;

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
  const turns = wanted('turns') ? await measureTurns(options.rounds ?? TURN_ROUNDS, progress) : undefined;
  const load = [before, os.loadavg()[0]];

  console.log(`\n${heading(machine(), load)}`);
  if (turns) console.log(`\n${turnsTable(turns)}`);
  if (gateway) console.log(`\n${gatewayTables(gateway)}`);
  if (synth) console.log(`\n${synthTable(synth)}`);
  if (options.json) {
    const figures = {
      machine: machine(),
      load,
      target: { ...target, gateway: gatewayTarget },
      turns: turns && { compared: compareTurns(turns), blocks: turns },
      gateway: gateway && {
        front: gateway.front && summarizeFront(gateway.front),
        modelCalls: gateway.modelCalls && summarizeModelCalls(gateway.modelCalls),
        measured: gateway,
      },
      synth,
    };
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

async function measureGateway(task: GatewayTask): Promise<GatewayFigures | undefined> {
  if (task.rounds === undefined && task.soakSeconds === undefined) return undefined;
  return runInLab<GatewayFigures>('gateway/main.ts', JSON.stringify(task));
}

async function measureTurns(rounds: number, progress: (what: string) => void): Promise<TurnFigures> {
  progress('looks for Letta with untrimmed packages (a minute the first time)');
  await lettaVenv({ trim: false });
  return runInLab<TurnFigures>('turns.ts', String(rounds));
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
