import { chmod, copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { cached, REPOSITORY } from './cache';
import { fetchSource, installLetta, type LettaVenv, moveMigrations, uv } from './letta-venv';

const VERSION = '0.16.0';
/** Its archives, by hash; the source names everything else by hash in its own lock. */
const LETTA = 'test/lab/parts/letta-0-16-0.txt';
const CA = 'runtime/images/letta/ca.pem';
const EXTRAS = ['postgres', 'redis', 'server', 'bedrock', 'experimental', 'cloud-tool-sandbox'];

/** An old release, as an image that a deployment is upgraded from: about a minute and 1 GB, then nothing. */
export async function letta0160(): Promise<LettaVenv> {
  const folder = await cached('letta-0-16-0', { files: [LETTA, CA], text: VERSION }, build);
  return {
    venv: path.join(folder, 'venv'),
    migrations: path.join(folder, 'migrations'),
    ca: path.join(folder, 'ca.pem'),
  };
}

async function build(folder: string): Promise<void> {
  const letta = path.join(REPOSITORY, LETTA);
  const requirements = path.join(folder, 'requirements.txt');
  await chmod(folder, 0o755);
  await fetchSource(folder, letta, VERSION, async (source) => {
    // It names a Python that need not be here.
    await rm(path.join(source, '.python-version'), { force: true });
    // psycopg2 comes as source only and would need a compiler; psycopg2-binary, locked too, is the same module.
    const what = ['--no-emit-project', '--no-dev', '--no-emit-package', 'psycopg2', '--no-emit-index-url'];
    const extras = EXTRAS.flatMap((extra) => ['--extra', extra]);
    const to = ['--directory', source, '--output-file', requirements];
    await uv('export', '--quiet', '--frozen', '--python', '/usr/bin/python3.11', ...what, ...extras, ...to);
    await moveMigrations(source, folder);
  });
  await installLetta(path.join(folder, 'venv'), requirements, letta, VERSION);
  await copyFile(path.join(REPOSITORY, CA), path.join(folder, 'ca.pem'));
}
