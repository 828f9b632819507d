import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { within } from '../../lab/wait';
import type { AbuseFigures, AbuseOptions } from './programs/abuse';
import type { LoadFigures, LoadOptions } from './programs/load';
import type { StreamsFigures, StreamsOptions } from './programs/open-streams';

/** Programs that run to their end: what they are told and what they say. */
interface Runs {
  readonly load: { options: LoadOptions; figures: LoadFigures };
  readonly 'open-streams': { options: StreamsOptions; figures: StreamsFigures };
  readonly abuse: { options: AbuseOptions; figures: AbuseFigures };
}

/** Programs that serve until they are stopped. */
type ServerName = 'bare-proxy' | 'trivial-letta' | 'trivial-bedrock';
const names: (keyof Runs | ServerName)[] = [
  ...(['bare-proxy', 'trivial-letta', 'trivial-bedrock', 'load', 'open-streams', 'abuse'] as const),
];

/** The server that is measured has one core to itself; whatever asks it and stands behind it shares the other. */
export const Core = { SERVER: '0', LOAD: '1' } as const;
export type Core = (typeof Core)[keyof typeof Core];

/** Beside the gateway's own ports. */
export const BARE_PROXY_PORT = 8290;

const START_TIMEOUT = 15_000;
/** What a program may take longer than it was told to run. */
const PATIENCE = 30_000;

export class Programs {
  private readonly running = new Set<ChildProcess>();

  /** @param namespace network that they run in @param node path of the Node they run on */
  constructor(
    private readonly folder: string,
    private readonly namespace: string,
    private readonly node: string,
  ) {
    buildSync({
      entryPoints: names.map((name) => path.join(__dirname, 'programs', `${name}.ts`)),
      outdir: folder,
      bundle: true,
      platform: 'node',
      target: 'node24',
    });
  }

  /** Starts a server and waits until it says `ready`; its process id. */
  async serve(name: ServerName, core: Core, ...words: string[]): Promise<number> {
    const child = this.start(name, core, words);
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout!.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it served`)));
    });
    await within(`${name} to serve`, START_TIMEOUT, ready);
    return child.pid!;
  }

  /** Runs a program on the load's core to its end; what it printed, from JSON. */
  async run<Name extends keyof Runs>(name: Name, options: Runs[Name]['options']): Promise<Runs[Name]['figures']> {
    const child = this.start(name, Core.LOAD, [JSON.stringify(options)]);
    let printed = '';
    child.stdout!.on('data', (chunk) => (printed += chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const code = await within(`the end of ${name}`, options.window + PATIENCE, ended);
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
    return JSON.parse(printed) as Runs[Name]['figures'];
  }

  stop(): void {
    for (const child of this.running) child.kill('SIGKILL');
  }

  private start(name: string, core: Core, words: string[]): ChildProcess {
    const place = ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${this.namespace}`, 'taskset', '-c', core];
    const program = [this.node, path.join(this.folder, `${name}.js`), ...words];
    const child = spawn('setpriv', [...place, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    return child;
  }
}
