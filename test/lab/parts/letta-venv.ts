import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LETTA_VERSION } from '../../../runtime/contract';
import { cached, REPOSITORY } from './cache';
import { run } from './command';

const IMAGE = 'runtime/images/letta';
const TRIM = 'trim.py';
/** Closes what a tool's definition could make the server do. */
const CLOSE = 'close_tools.py';
/** Lets it acknowledge only what it has written down. */
const KEEP = 'keep_answers.py';
const CHANGES = [TRIM, CLOSE, KEEP];
const INPUTS = ['requirements.txt', 'letta.txt', 'build.txt', ...CHANGES, 'ca.pem'];
const BUILD = path.join(REPOSITORY, IMAGE, 'build.txt');
// The system's interpreter is readable by the unprivileged user the lab runs Letta as; one in a home folder may not be.
const SYSTEM_PYTHON = '/usr/bin/python3.11';

/** What the Letta image holds, outside of an image. */
export interface LettaVenv {
  /** Stands for `/opt/letta/venv`; relocatable, so it may be mounted there. */
  readonly venv: string;
  /** Stands for `/opt/letta/migrations`. */
  readonly migrations: string;
  /** Stands for `/opt/letta/ca.pem`. */
  readonly ca: string;
}

/**
 * Installs Letta from the image's own lock files by the Dockerfile's steps, once per content of these files: about a
 * minute and 1 GB, then nothing. Needs uv and Python 3.11.
 *
 * @param options.trim whether packages are cut as in the image; if not, they are as their wheels have them. @default true
 */
export async function lettaVenv({ trim = true } = {}): Promise<LettaVenv> {
  const files = INPUTS.filter((name) => trim || !CHANGES.includes(name)).map((name) => `${IMAGE}/${name}`);
  const name = trim ? 'letta' : 'letta-untrimmed';
  const folder = await cached(name, { files, text: LETTA_VERSION }, (target) => build(target, trim));
  return {
    venv: path.join(folder, 'venv'),
    migrations: path.join(folder, 'migrations'),
    ca: path.join(folder, 'ca.pem'),
  };
}

async function build(folder: string, trim: boolean): Promise<void> {
  const image = path.join(REPOSITORY, IMAGE);
  const venv = path.join(folder, 'venv');
  const python = path.join(venv, 'bin/python');
  await chmod(folder, 0o755);

  await installLetta(venv, path.join(image, 'requirements.txt'), path.join(image, 'letta.txt'), LETTA_VERSION);
  for (const step of trim ? CHANGES : []) {
    await run(python, [path.join(image, step), await sitePackages(venv)]);
  }
  await fetchSource(folder, path.join(image, 'letta.txt'), LETTA_VERSION, (source) => moveMigrations(source, folder));
  await copyFile(path.join(image, 'ca.pem'), path.join(folder, 'ca.pem'));
}

/** Makes a virtual environment with a release of Letta and what its lock names. */
export async function installLetta(venv: string, requirements: string, letta: string, wanted: string): Promise<void> {
  await createVenv(venv);
  await install(venv, requirements);
  await install(venv, letta, '--no-deps');
  const python = path.join(venv, 'bin/python');
  const version = await run(python, ['-c', 'from importlib.metadata import version; print(version("letta"))']);
  if (version.trim() !== wanted) throw new Error(`${letta} installs letta ${version.trim()}, wanted ${wanted}`);
}

async function sitePackages(venv: string): Promise<string> {
  return (
    await run(path.join(venv, 'bin/python'), ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])
  ).trim();
}

async function createVenv(folder: string): Promise<void> {
  const python = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : '3.11';
  await uv('venv', '--relocatable', '--python', python, folder);
}

async function install(venv: string, requirements: string, ...options: string[]): Promise<void> {
  const target = ['--python', path.join(venv, 'bin/python')];
  const sources = ['--only-binary', ':all:', '--no-binary', 'demjson3', '--build-constraints', BUILD];
  await uv(
    'pip',
    'install',
    ...target,
    ...options,
    ...sources,
    '--require-hashes',
    '--compile-bytecode',
    '-r',
    requirements,
  );
}

/** Only the source distribution holds migrations and lock: it is there as long as `use` takes. */
export async function fetchSource(
  folder: string,
  letta: string,
  version: string,
  use: (source: string) => Promise<void>,
): Promise<void> {
  const work = path.join(folder, 'work');
  const tools = path.join(work, 'tools');
  await mkdir(work);
  await createVenv(tools);
  await install(tools, BUILD);
  const source = ['--no-deps', '--no-binary', 'letta', '--no-build-isolation', '--require-hashes'];
  await run(path.join(tools, 'bin/python'), ['-m', 'pip', 'download', ...source, '-r', letta, '-d', work]);
  await run('tar', ['xzf', path.join(work, `letta-${version}.tar.gz`), '-C', work]);
  await use(path.join(work, `letta-${version}`));
  await rm(work, { recursive: true });
}

export async function moveMigrations(source: string, folder: string): Promise<void> {
  const migrations = path.join(folder, 'migrations');
  await mkdir(migrations);
  for (const name of ['alembic', 'alembic.ini']) await rename(path.join(source, name), path.join(migrations, name));
  await readFile(path.join(migrations, 'alembic/env.py'));
}

export async function uv(...args: string[]): Promise<string> {
  return run('uv', args, { install: 'pip install uv' });
}
