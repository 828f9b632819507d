import { ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { cached, REPOSITORY } from '../lab/parts/cache';
import { run } from '../lab/parts/command';
import { waitFor } from '../lab/wait';
import { ACCOUNT, REGION } from './stack';
import { STUBS } from './stubbed-types';

const REQUIREMENTS = 'test/rehearsal/requirements.txt';
const SYSTEM_PYTHON = '/usr/bin/python3.11';

/** An emulated account, on the loopback interface. */
export interface Emulator {
  /** Environment of whatever speaks to it. */
  readonly environment: NodeJS.ProcessEnv;
  /** The end of what it printed. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts it, with nothing in its environment but what is said here: neither proxies nor credentials of whoever runs it.
 *
 * @param options.folder for all that it writes
 * @param options.node folder with `bin/node`, which the functions run on
 * @param options.rehearsal address of what the emulator asks what becomes of databases, tasks and services
 */
export async function startEmulator(options: { folder: string; node: string; rehearsal: string }): Promise<Emulator> {
  const venv = await ministack();
  const port = await freePort();
  const at = `http://127.0.0.1:${port}`;
  const { folder } = options;
  for (const name of ['tmp', 's3', 'state', 'home']) await mkdir(path.join(folder, name), { recursive: true });
  const environment = {
    PATH: `${path.join(options.node, 'bin')}:${process.env.PATH}`,
    HOME: path.join(folder, 'home'),
    TMPDIR: path.join(folder, 'tmp'),
    AWS_ENDPOINT_URL: at,
    AWS_ENDPOINT_URL_S3: at,
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: 'emulated',
    AWS_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const log = path.join(folder, 'emulator.log');
  const output = openSync(log, 'w');
  const emulator = spawn(path.join(venv, 'bin/python'), [path.join(__dirname, 'emulator.py')], {
    cwd: folder,
    stdio: ['pipe', output, output],
    env: {
      ...environment,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: `${port}`,
      MINISTACK_HOST: 'localhost',
      MINISTACK_REGION: REGION,
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      S3_DATA_DIR: path.join(folder, 's3'),
      STATE_DIR: path.join(folder, 'state'),
      // The waiter of a custom resource asks every ten seconds on AWS.
      SFN_WAIT_SCALE: '0.3',
      // Lambda has the SDK beside a function's own code.
      NODE_PATH: path.join(REPOSITORY, 'node_modules'),
      REHEARSAL_URL: options.rehearsal,
      REHEARSAL_STUBS: STUBS,
    },
  });
  const end = async () => (await readFile(log, 'utf8')).slice(-4000);
  const answers = async () => {
    if (emulator.exitCode !== null) throw new Error(`the emulator ended at its start: ${await end()}`);
    return fetch(`${at}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await waitFor('the emulator', answers, { timeout: 60_000 }).catch(async (error) => {
    await stop(emulator);
    throw error;
  });
  return { environment, log: end, stop: () => stop(emulator) };
}

/** ministack in an environment of its own, made once for these versions. Needs uv and Python 3.11. */
async function ministack(): Promise<string> {
  return cached('ministack', { files: [REQUIREMENTS] }, async (venv) => {
    const python = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : '3.11';
    const install = { install: 'pip install uv' };
    await run('uv', ['venv', '--relocatable', '--python', python, '--allow-existing', venv], install);
    const target = ['--python', path.join(venv, 'bin/python'), '--compile-bytecode'];
    await run('uv', ['pip', 'install', ...target, '--only-binary', ':all:', '--require-hashes', '-r', REQUIREMENTS]);
  });
}

async function stop(emulator: ChildProcess): Promise<void> {
  if (emulator.exitCode !== null || emulator.signalCode !== null) return;
  const ended = new Promise((resolve) => emulator.once('exit', resolve));
  emulator.stdin?.end();
  const timer = setTimeout(() => emulator.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}
