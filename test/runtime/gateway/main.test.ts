import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Port } from '../../../runtime/contract';
import { REQUIRED_ENVIRONMENT } from './environment';

/** The gateway's process as the image starts it: the bundle on Node, environment in, log and exit code out. */

/** Tells of every attempt to listen, and moves it to a free port: the real ones may be taken on this machine. */
const watch = `
const net = require('node:net');
const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (options, ...rest) {
  process.stderr.write('listens ' + options.host + ':' + options.port + '\\n');
  return listen.call(this, { ...options, port: 0 }, ...rest);
};`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  writeFileSync(path.join(folder, 'watch.js'), watch);
  const source = path.resolve(__dirname, '../../../runtime/gateway/main.ts');
  const options = ['--bundle', '--platform=node', '--log-level=error', `--outfile=${path.join(folder, 'main.js')}`];
  execFileSync(require.resolve('esbuild/bin/esbuild'), [source, ...options]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface End {
  readonly code: number | null;
  readonly events: { readonly event: string; readonly reason?: string }[];
  readonly stderr: string;
}

/** Runs the gateway to its end. @param onStarted what to do once it says that it has started */
function runGateway(env: Record<string, string>, onStarted?: (pid: number) => void): Promise<End> {
  return new Promise((resolve, reject) => {
    const files = ['--require', path.join(folder, 'watch.js'), path.join(folder, 'main.js')];
    const child = spawn(process.execPath, files, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      const before = stdout;
      stdout += chunk;
      const started = '"gateway-started"';
      if (stdout.includes(started) && !before.includes(started)) onStarted?.(child.pid!);
    });
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const events = stdout.trim().split('\n').filter(Boolean);
      resolve({ code, events: events.map((line) => JSON.parse(line)), stderr });
    });
  });
}

const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(REQUIRED_ENVIRONMENT).filter(([name]) => !names.includes(name)));

test('a gateway that has what it wants listens, and ends with code 0 on SIGTERM', async () => {
  const { code, events, stderr } = await runGateway(
    { GATEWAY_LISTENERS: 'egress', GATEWAY_SERVICE_NAME: 'AgentsService' },
    (pid) => process.kill(pid),
  );
  expect(events.map(({ event }) => event)).toEqual(['gateway-started', 'gateway-stopping', 'gateway-stopped']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `listens 127.0.0.1:${Port.EGRESS}\n` });
}, 30_000);

test.each(Object.keys(REQUIRED_ENVIRONMENT))(
  'without %s the process ends with code 1, names it, and nothing listens',
  async (name) => {
    const { code, events, stderr } = await runGateway(without(name));
    expect(events).toEqual([
      expect.objectContaining({
        event: 'configuration-invalid',
        reason: expect.stringContaining(`${name} is missing`),
      }),
    ]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  },
  30_000,
);

test('several missing variables are named in one line', async () => {
  const missing = ['AWS_REGION', 'GATEWAY_CACHE_HOST', 'GATEWAY_DATABASE_USER'];
  const { code, events } = await runGateway(without(...missing));
  expect(code).toBe(1);
  expect(events).toHaveLength(1);
  for (const name of missing) expect(events[0].reason).toContain(`${name} is missing`);
}, 30_000);
