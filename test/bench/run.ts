import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPOSITORY } from '../lab/parts/cache';
import { lettaVenv } from '../lab/parts/letta-venv';
import { machine } from './machine';
import { parseOptions } from './options';
import { compareTurns, heading, synthTable, target, turnsTable } from './report';
import { measureSynth } from './synth';
import type { TurnFigures } from './turns';

/** `npm run bench`: prints figures and judges them, but fails only when it cannot measure. See docs/benchmarks.md. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const progress = (what: string) => console.error(`the bench ${what}`);
  const before = os.loadavg()[0];
  const synth = options.only === 'turns' ? undefined : await measureSynth(options.syntheses, progress);
  const turns = options.only === 'synth' ? undefined : await measureTurns(options.rounds, progress);
  const load = [before, os.loadavg()[0]];

  console.log(`\n${heading(machine(), load)}`);
  if (turns) console.log(`\n${turnsTable(turns)}`);
  if (synth) console.log(`\n${synthTable(synth)}`);
  if (options.json) {
    const figures = {
      machine: machine(),
      load,
      target,
      turns: turns && { compared: compareTurns(turns), blocks: turns },
      synth,
    };
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
}

/** In a process of its own: the lab lives in a network that has no way out. */
async function measureTurns(rounds: number, progress: (what: string) => void): Promise<TurnFigures> {
  progress('looks for Letta with untrimmed packages (a minute the first time)');
  await lettaVenv({ trim: false });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-bench-'));
  try {
    const file = path.join(folder, 'turns.json');
    await runLab(String(rounds), file);
    return JSON.parse(readFileSync(file, 'utf8')) as TurnFigures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runLab(...words: string[]): Promise<void> {
  const program = [require.resolve('ts-node/dist/bin'), '-T', path.join(__dirname, 'turns.ts')];
  const child = spawn(process.execPath, [...program, ...words], { cwd: REPOSITORY, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0
        ? resolve()
        : reject(new Error(`the turns could not be measured: the lab ended with ${code ?? signal}`)),
    );
  });
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
