import { type ChildProcess, spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { waitFor } from './wait';

/** A way out of a namespace that has none: what connects to this address inside comes to `socket` outside. */
export interface Way {
  readonly address: string;
  readonly port: number;
  /** Path of the Unix socket that it leads to. */
  readonly socket: string;
}

const script = `
const net = require('node:net');
const ways = JSON.parse(process.argv[1]);
let open = 0;
for (const { address, port, socket } of ways) {
  const server = net.createServer({ allowHalfOpen: true }, (inside) => {
    const outside = net.connect({ path: socket, allowHalfOpen: true });
    for (const [from, to] of [[inside, outside], [outside, inside]]) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(port, address, () => ++open === ways.length && process.stdout.write('open'));
}
`;

/** Exactly these addresses and ports, and nothing else, can be reached from inside a namespace. */
export class Relay {
  private constructor(private readonly child: ChildProcess) {}

  static async start(namespace: string, ways: Way[]): Promise<Relay> {
    const enter = ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${namespace}`];
    const child = spawn('setpriv', [...enter, process.execPath, '-e', script, JSON.stringify(ways)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    let [opened, printed] = [false, ''];
    child.stdout.on('data', () => (opened = true));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
    await waitFor(`the ways out of ${namespace}`, () => opened || (child.exitCode !== null && died(printed)), {
      timeout: 15_000,
      interval: 10,
      evidence: () => printed,
    });
    return new Relay(child);
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }
}

function died(printed: string): never {
  throw new Error(`a relay of the lab ended: ${printed.trim()}`);
}

/** The outer end of a way: leads from a Unix socket to a place in the VPC. */
export async function wayTo(folder: string, address: string, port: number): Promise<{ way: Way; end: net.Server }> {
  const socket = path.join(folder, `${address}-${port}`);
  const end = net.createServer((inside) => {
    const outside = net.connect(port, address);
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ]) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve, reject) => end.once('error', reject).listen(socket, () => resolve()));
  return { way: { address, port, socket }, end };
}
