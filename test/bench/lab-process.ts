import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { REPOSITORY } from '../lab/parts/cache';

/**
 * Runs a program of this folder in a process of its own, because the lab lives in a network that has no way out; what it
 * wrote to the file that is its last argument, from JSON.
 */
export async function runInLab<Figures>(program: string, ...words: string[]): Promise<Figures> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-bench-'));
  const file = path.join(folder, 'figures.json');
  try {
    await run([require.resolve('ts-node/dist/bin'), '-T', path.join(__dirname, program), ...words, file]);
    return JSON.parse(readFileSync(file, 'utf8')) as Figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(words: string[]): Promise<void> {
  const child = spawn(process.execPath, words, { cwd: REPOSITORY, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`it could not be measured: the lab ended with ${code ?? signal}`)),
    );
  });
}
