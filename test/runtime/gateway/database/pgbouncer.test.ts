import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Pgbouncer, TOKEN_RENEWAL, TokenRenewal } from '../../../../runtime/gateway/database/pgbouncer';
import { speaksPostgres } from '../../../../runtime/gateway/database/postgres-probe';
import { close, listening, recordingLog, until } from '../support';
import { createServer } from 'node:net';

// How the gateway keeps its child. What the real PgBouncer makes of it, sessions and database included, is shown by
// test/conformance/pgbouncer.spec.ts: here a program of its name stands on the path, which answers the probe and notes what it is told.

const STAND_IN = `#!${process.execPath}
const fs = require('node:fs'), net = require('node:net'), path = require('node:path');
const ini = fs.readFileSync(process.argv[2], 'utf8');
const setting = (name) => new RegExp('^' + name + ' = (.*)$', 'm').exec(ini)[1];
const folder = path.dirname(process.argv[2]);
const note = (what) => fs.appendFileSync(path.join(folder, 'notes'), what + '\\n');
fs.writeFileSync(path.join(folder, 'pid'), String(process.pid));
note('environment ' + Object.keys(process.env).sort().join());
if (fs.existsSync(path.join(folder, 'broken'))) { console.error('2026-01-01 10:00:00.000 UTC [7] FATAL cannot start'); process.exit(1); }
process.on('SIGHUP', () => note('hangup ' + fs.readFileSync(setting('auth_file'), 'utf8').trim()));
if (fs.existsSync(path.join(folder, 'stubborn'))) process.on('SIGTERM', () => note('ignored'));
net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.write('N'));
}).listen(Number(setting('listen_port')), setting('listen_addr'));
`;

let folder: string;
let binaries: string;
const { PATH } = process.env;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'pgbouncer-'));
  binaries = mkdtempSync(path.join(tmpdir(), 'pgbouncer-bin-'));
  writeFileSync(path.join(binaries, 'pgbouncer'), STAND_IN);
  chmodSync(path.join(binaries, 'pgbouncer'), 0o755);
  process.env.PATH = binaries;
});

let started: Pgbouncer[] = [];
afterEach(async () => {
  for (const pgbouncer of started.splice(0)) await pgbouncer.stop();
  started = [];
  process.env.PATH = PATH;
  for (const made of [folder, binaries]) rmSync(made, { recursive: true, force: true });
});

interface Setting {
  readonly renewal?: TokenRenewal;
  readonly token?: (nth: number) => Promise<string>;
}

async function make({ renewal, token = async (nth) => `token-${nth}` }: Setting = {}) {
  const free = await listening(createServer());
  await close(free.server);
  const deaths: string[] = [];
  const log = recordingLog();
  let tokens = 0;
  const pgbouncer = new Pgbouncer({
    database: { host: 'db', port: 5432, name: 'letta', user: 'letta_runtime', caFile: '/ca.pem', maxConnections: 5 },
    listen: { host: '127.0.0.1', port: free.port },
    folder,
    token: async () => token((tokens += 1)),
    onDeath: (reason) => deaths.push(reason),
    renewal,
    log,
  });
  started.push(pgbouncer);
  return { pgbouncer, port: free.port, deaths, log };
}

const file = (name: string) => path.join(folder, name);
const notes = () => (existsSync(file('notes')) ? readFileSync(file('notes'), 'utf8').trim().split('\n') : []);
const pid = () => Number(readFileSync(file('pid'), 'utf8'));
const lives = () => {
  try {
    return process.kill(pid(), 0);
  } catch {
    return false;
  }
};

test('has started once PgBouncer answers; its files are its own, and its environment is empty', async () => {
  const { pgbouncer, port } = await make();
  await pgbouncer.start('first-token');
  expect(await speaksPostgres(port, '127.0.0.1', 1_000)).toBe(true);
  expect(readFileSync(file('pgbouncer-users.txt'), 'utf8')).toBe('"letta_runtime" "first-token"\n');
  for (const name of ['pgbouncer-users.txt', 'pgbouncer.ini']) expect(statSync(file(name)).mode & 0o777).toBe(0o600);
  expect(notes()).toEqual(['environment PATH']);
});

test('a token lives 15 minutes: it is renewed long before, and soon again after a failure', () => {
  expect(TOKEN_RENEWAL.everyMs + 4 * TOKEN_RENEWAL.retryMs).toBeLessThan(15 * 60_000);
});

test('each new token is in the file before PgBouncer is told to read it, and it is not started anew', async () => {
  const { pgbouncer, port, log } = await make({ renewal: { everyMs: 30, retryMs: 10 } });
  await pgbouncer.start('first-token');
  const session: Socket = connect({ port, host: '127.0.0.1' });
  let closed = false;
  session.on('close', () => (closed = true)).on('error', () => undefined);
  await until(() => notes().length >= 4, 'three renewals');
  expect(notes().slice(1, 4)).toEqual(
    ['token-1', 'token-2', 'token-3'].map((token) => `hangup "letta_runtime" "${token}"`),
  );
  expect(closed).toBe(false);
  session.destroy();
  expect(log.lines[0]).toMatchObject({ level: 'info', event: 'database-token-renewed' });
  expect(JSON.stringify(log.lines)).not.toContain('token-1');
});

test.each<[string, (nth: number) => Promise<string>, string]>([
  ['cannot be had', async (nth) => (nth < 3 ? Promise.reject(new Error('no credentials')) : 'good'), 'no credentials'],
  ['could break out of its file', async (nth) => (nth < 3 ? 'a"b' : 'good'), 'not a single quotable line'],
])('a token that %s leaves the last one in place, and is tried again', async (_what, token, reason) => {
  const { pgbouncer, deaths, log } = await make({ renewal: { everyMs: 30, retryMs: 10 }, token });
  await pgbouncer.start('first-token');
  await until(() => log.lines.length >= 2, 'two failures');
  expect(log.lines.slice(0, 2)).toMatchObject(
    [1, 2].map(() => ({ level: 'error', fields: { reason: expect.stringContaining(reason) } })),
  );
  await until(() => notes().length >= 2, 'the renewal');
  expect(notes()[1]).toBe('hangup "letta_runtime" "good"');
  expect(deaths).toEqual([]);
});

test.each(['SIGKILL', 'SIGTERM', 'SIGSEGV'] as const)(
  'its death by %s is told once, and nothing is renewed any more',
  async (signal) => {
    const { pgbouncer, deaths, log } = await make({ renewal: { everyMs: 200, retryMs: 10 } });
    await pgbouncer.start('first-token');
    process.kill(pid(), signal);
    await until(() => deaths.length > 0, 'its death');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(deaths).toEqual([`pgbouncer ended with ${signal}`]);
    expect(log.lines.filter(({ event }) => event === 'database-token-renewed')).toEqual([]);
  },
);

test('one that dies at its start fails the start with its own words in the log', async () => {
  writeFileSync(file('broken'), '');
  const { pgbouncer, log } = await make();
  await expect(pgbouncer.start('first-token')).rejects.toThrow('pgbouncer ended with code 1');
  await until(() => log.lines.length > 0, 'its words');
  expect(log.lines).toEqual([{ level: 'error', event: 'pgbouncer', fields: { message: 'cannot start' } }]);
});

test('one that is not there fails the start and says so', async () => {
  rmSync(path.join(binaries, 'pgbouncer'));
  const { pgbouncer } = await make();
  await expect(pgbouncer.start('first-token')).rejects.toThrow(
    'pgbouncer could not be started: spawn pgbouncer ENOENT',
  );
});

test.each([false, true])('a stop ends it, and is no death (ignores SIGTERM: %s)', async (stubborn) => {
  if (stubborn) writeFileSync(file('stubborn'), '');
  const { pgbouncer, deaths } = await make();
  await pgbouncer.start('first-token');
  expect(lives()).toBe(true);
  await pgbouncer.stop();
  expect(lives()).toBe(false);
  expect(deaths).toEqual([]);
});
