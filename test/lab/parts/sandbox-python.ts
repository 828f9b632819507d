import { chmod, link, copyFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cached, REPOSITORY } from './cache';
import { run } from './command';
import { node24 } from './node24';

const REQUIREMENTS = 'runtime/images/sandbox/requirements.txt';
// The same as Letta's: readable by the users that the lab runs tools as.
const SYSTEM_PYTHON = '/usr/bin/python3.11';

/**
 * What the sandbox function's image has at `/usr/local`, made by its Dockerfile's steps from its own lock: Python's
 * programs and packages, and Node. Here it is Python 3.11.
 */
export async function sandboxPython(): Promise<string> {
  const node = path.join(await node24(), 'bin/node');
  const folder = await cached('sandbox', { files: [REQUIREMENTS], text: node }, async (target) => {
    await chmod(target, 0o755);
    const local = path.join(target, 'local');
    const python = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : '3.11';
    await run('uv', ['venv', '--relocatable', '--python', python, local], { install: 'pip install uv' });
    const into = ['--python', path.join(local, 'bin/python'), '--compile-bytecode'];
    const locked = ['--require-hashes', '--only-binary', ':all:', '-r', path.join(REPOSITORY, REQUIREMENTS)];
    await run('uv', ['pip', 'install', ...into, ...locked], { install: 'pip install uv' });
    const program = path.join(local, 'bin/node');
    await link(node, program).catch(() => copyFile(node, program));
  });
  return path.join(folder, 'local');
}
