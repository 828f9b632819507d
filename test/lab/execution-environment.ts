import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import path from 'node:path';
import { Container, type ContainerOptions } from './container';
import { ControlGroup } from './control-group';
import { type InvocationContext, LambdaRuntime } from './lambda-runtime';
import type { IsolatedNamespace, VpcNamespace } from './namespace';
import { Relay, type Way, wayTo } from './relay';
import { waitFor } from './wait';

/** Where runtimes find their API. */
export const RUNTIME_API = { address: '127.0.0.1', port: 9001 };

export interface EnvironmentOptions {
  readonly vpc: VpcNamespace;
  /** What runs in it; network, folder and limits are the environment's. */
  readonly container: Omit<ContainerOptions, 'name' | 'namespace' | 'folder' | 'controlGroup' | 'sharedMemory'>;
  readonly name: string;
  readonly folder: string;
  /** Mebibytes. */
  readonly memorySize: number;
  /** Addresses and ports that it may reach, and nothing else. */
  readonly ways: readonly { readonly address: string; readonly port: number }[];
  /** Bytes of an answer, at most. @default - Lambda's */
  readonly mostPayload?: number;
}

/** An answer as Invoke gives it: with the kind of error, if it is one. */
export interface EnvironmentAnswer {
  readonly payload: Buffer;
  /** `X-Amz-Function-Error` */
  readonly functionError?: 'Unhandled';
}

/** How much a runtime's start may take on a machine under load. */
const START = 60_000;
/** Processes and threads of an execution environment (Lambda quotas). */
const PROCESSES = 1024;

/** One execution environment of Lambda: own processes, user, root and limits, and loopback for all its network. */
export class ExecutionEnvironment {
  private constructor(
    private readonly options: EnvironmentOptions,
    private readonly namespace: IsolatedNamespace,
    private readonly runtime: LambdaRuntime,
    private readonly relay: Relay,
    private readonly ends: Server[],
    private readonly controlGroup: ControlGroup | undefined,
    private readonly container: Container,
  ) {}

  /** @throws Error with its last lines, when its runtime does not come up */
  static async start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
    const { vpc, ways, memorySize } = options;
    const sockets = path.join(options.folder, options.name, 'ways');
    mkdirSync(sockets, { recursive: true });
    const namespace = vpc.addIsolated(ways.map(({ address }) => address));
    const runtime = new LambdaRuntime(options.mostPayload);
    const api: Way = { ...RUNTIME_API, socket: path.join(sockets, 'api') };
    await runtime.listen(api.socket);
    const outside = await Promise.all(ways.map(({ address, port }) => wayTo(sockets, address, port)));
    const relay = await Relay.start(namespace.name, [api, ...outside.map(({ way }) => way)]);
    // Its files are in memory here, which Lambda counts apart.
    const files = options.container.volumes.reduce((sum, { size = 0 }) => sum + size, 0);
    const controlGroup = ControlGroup.make(`${vpc.name}-${options.name}`, {
      memoryBytes: (memorySize + files) * 1024 * 1024,
      processes: PROCESSES,
    });
    const { folder, name } = options;
    const network = { namespace: namespace.name, sharedMemory: false };
    const container = Container.start({ ...options.container, ...network, folder, name, controlGroup });
    const ends = outside.map(({ end }) => end);
    const environment = new ExecutionEnvironment(
      ...([options, namespace, runtime, relay, ends, controlGroup, container] as const),
    );
    await environment.ready();
    return environment;
  }

  get hasEnded(): boolean {
    return this.container.exitCode !== undefined;
  }

  /** One invocation; what does not come to its end in time ends with the environment. */
  async invoke(event: Buffer, context: InvocationContext): Promise<EnvironmentAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), context.timeout)));
    const answer = this.runtime.invoke(event, context);
    const end = await Promise.race([answer, late, this.container.ended()]);
    clearTimeout(timer);
    if (end === 'late') {
      await this.stop();
      const seconds = (context.timeout / 1000).toFixed(2);
      return failure('Sandbox.Timedout', `Error: Task timed out after ${seconds} seconds`);
    }
    if (typeof end === 'number') {
      const memory = this.controlGroup?.wasOutOfMemory() ?? false;
      await this.stop();
      if (memory) return failure('Runtime.OutOfMemory', 'Error: Runtime exited with error: signal: killed');
      return failure('Runtime.ExitError', `Error: Runtime exited with error: exit status ${end}`);
    }
    return { payload: end.payload, ...(end.failed ? { functionError: 'Unhandled' as const } : {}) };
  }

  async stop(): Promise<void> {
    this.relay.stop();
    this.runtime.stop();
    for (const end of this.ends) end.close();
    if (!this.hasEnded) await this.container.kill();
    this.namespace.remove();
    this.controlGroup?.remove();
  }

  private async ready(): Promise<void> {
    let isReady = false;
    void this.runtime.ready().then(() => (isReady = true));
    const { log } = this.options.container;
    const look = () => {
      if (this.hasEnded) throw new Error(`the runtime of ${this.options.name} ended at its start:\n${log.tail()}`);
      return isReady;
    };
    const limits = { timeout: START, interval: 10, evidence: () => log.tail() };
    try {
      await waitFor(`the runtime of ${this.options.name} to ask for an event`, look, limits);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }
}

function failure(errorType: string, errorMessage: string): EnvironmentAnswer {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), functionError: 'Unhandled' };
}
