import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { VpcNamespace } from './namespace';
import { prepareParts } from './prepare';
import { checkRequirements } from './requirements';

const ownerVariable = 'LETTA_LAB_NAMESPACE_OWNER';
const socketVariable = 'LETTA_LAB_SOCKET';

export interface EnterOptions {
  /** TCP port on this machine's loopback that leads into the lab; 0 for any free one. @default - none */
  readonly port?: number;
  /** Host that the lab may reach on port 443, through a socket and not through its network. @default - none */
  readonly outbound?: string;
  /** Whether Letta servers as upstream has them, of this release and an older one, are wanted beside ours. @default false */
  readonly stock?: boolean;
}

/** The lab as seen by the process inside of it. */
export interface Inside {
  readonly vpc: VpcNamespace;
  /** Port on the machine's loopback that leads to what `serve` was given, if one was asked for. */
  readonly port?: number;
  /** Unix socket that leads to the host given as `outbound`. */
  readonly outbound: string;
  /** Sends connections from outside to an address inside. */
  serve(host: string, port: number): Promise<net.Server>;
}

/**
 * Runs the current program again inside the lab's network namespace and ends this process with its exit code. Inside,
 * it returns. All servers of the lab and its tests then run there, and cannot reach anything by mistake.
 */
export async function enterLab(options: EnterOptions = {}): Promise<Inside> {
  const owner = process.env[ownerVariable];
  if (owner) return inside(Number(owner));
  checkRequirements();
  await prepareParts((what) => console.log(`the lab ${what}`), options);
  process.exit(await runInside(options));
}

function inside(owner: number): Inside {
  const [folder, port] = (process.env[socketVariable] ?? '').split(',');
  return {
    vpc: VpcNamespace.existing(owner),
    outbound: path.join(folder, 'out'),
    port: port ? Number(port) : undefined,
    serve: (host, target) =>
      listen(
        relay(() => net.connect(target, host)),
        path.join(folder, 'api'),
      ),
  };
}

async function runInside(options: EnterOptions): Promise<number> {
  const vpc = VpcNamespace.create();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-lab-socket-'));
  try {
    let port = '';
    const { outbound } = options;
    if (outbound)
      await listen(
        relay(() => net.connect(443, outbound)),
        path.join(folder, 'out'),
      );
    if (options.port !== undefined) {
      // A Unix socket crosses network namespaces, so the lab needs no route to the machine.
      const server = await listen(
        relay(() => net.connect(path.join(folder, 'api'))),
        { host: '127.0.0.1', port: options.port },
      );
      port = String((server.address() as net.AddressInfo).port);
    }
    const env = { ...process.env, [ownerVariable]: String(process.pid), [socketVariable]: `${folder},${port}` };
    const args = ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${vpc.name}`, process.execPath];
    // A group of its own: Ctrl-C then reaches it once, from here, and not its containers before it can stop them.
    const child = spawn('setpriv', [...args, ...process.execArgv, ...process.argv.slice(1)], {
      env,
      stdio: 'inherit',
      detached: true,
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
    });
  } finally {
    vpc.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

function relay(connect: () => net.Socket): net.Server {
  return net.createServer((client) => {
    const upstream = connect();
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
}

function listen(server: net.Server, where: string | net.ListenOptions): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where as net.ListenOptions, () => resolve(server));
  });
}
