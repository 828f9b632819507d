import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPOSITORY } from '../lab/parts/cache';
import { type PeakMemory, watchMemory } from './process-tree';
import { median } from './statistics';

export interface SynthRun extends PeakMemory {
  readonly seconds: number;
}

export interface SynthFigures {
  readonly runs: SynthRun[];
  /** Seconds of `npx cdk --version` as a yardstick: what npx and the CLI cost here before they do anything. */
  readonly version: number;
}

/** Runs README's command once to warm up and then `count` times, each from start to exit. */
export async function measureSynth(count: number, progress: (what: string) => void): Promise<SynthFigures> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-synth-'));
  try {
    const runs: SynthRun[] = [];
    for (let run = 0; run <= count; run++) {
      progress(run === 0 ? 'synthesizes once to warm up' : `synthesizes, ${run} of ${count}`);
      const measured = await cdk('synth', 'LettaBedrockStack', '--output', path.join(folder, 'cdk.out'));
      if (run > 0) runs.push(measured);
    }
    const version = [await cdk('--version'), await cdk('--version'), await cdk('--version')];
    return { runs, version: median(version.map(({ seconds }) => seconds)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function cdk(...words: string[]): Promise<SynthRun> {
  const start = performance.now();
  const child = spawn('npx', ['cdk', ...words], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const memory = watchMemory(child.pid!);
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = (performance.now() - start) / 1000;
      const peak = memory.stop();
      if (code === 0) resolve({ seconds, ...peak });
      else reject(new Error(`npx cdk ${words.join(' ')} ended with ${code}:\n${errors}`));
    });
  });
}
