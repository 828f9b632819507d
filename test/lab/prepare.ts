import { existsSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from './parts/cache';
import { letta0160 } from './parts/letta-0-16-0';
import { lettaVenv } from './parts/letta-venv';
import { node24 } from './parts/node24';
import { pgvector } from './parts/pgvector';
import { sandboxPython } from './parts/sandbox-python';

/**
 * Fetches what the lab is made of, while there still is a network: inside its own namespace there is none.
 *
 * @param options.stock Letta as upstream has it too, of this release and of an older one. @default false
 *
 * @throws Error that names what is missing and how to get it
 */
export async function prepareParts(progress: (what: string) => void, { stock = false } = {}): Promise<void> {
  for (const bundle of [
    'runtime/images/gateway/dist/main.js',
    'runtime/functions/dist/migration/index.js',
    'runtime/images/sandbox/dist/runner.js',
  ]) {
    if (!existsSync(path.join(REPOSITORY, bundle))) throw new Error(`${bundle} is missing: npm run bundle`);
  }
  progress("looks for Letta, Node 24, pgvector and the sandbox's Python (about two minutes the first time)");
  const upstream = stock ? [lettaVenv({ trim: false }), letta0160()] : [];
  await Promise.all([lettaVenv(), node24(), pgvector(), sandboxPython(), ...upstream]);
}
