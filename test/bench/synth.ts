import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPOSITORY } from '../lab/parts/cache';
import { type PeakMemory, watchMemory } from './process-tree';

export interface SynthRun extends PeakMemory {
  readonly seconds: number;
}

/** Runs README's command once to warm up and then `count` times, each from start to exit. */
export async function measureSynth(count: number, progress: (what: string) => void): Promise<SynthRun[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-synth-'));
  try {
    const runs: SynthRun[] = [];
    for (let run = 0; run <= count; run++) {
      progress(run === 0 ? 'synthesizes once to warm up' : `synthesizes, ${run} of ${count}`);
      const measured = await synthOnce(path.join(folder, 'cdk.out'));
      if (run > 0) runs.push(measured);
    }
    return runs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function synthOnce(output: string): Promise<SynthRun> {
  const start = performance.now();
  const child = spawn('npx', ['cdk', 'synth', 'LettaBedrockStack', '--output', output], {
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
      else reject(new Error(`npx cdk synth LettaBedrockStack ended with ${code}:\n${errors}`));
    });
  });
}
