import { BedrockAgentCoreClientConfig } from '@aws-sdk/client-bedrock-agentcore';
import { LambdaClientConfig } from '@aws-sdk/client-lambda';
import { Server } from 'node:net';
import { Port, SandboxSettings } from '../../contract';
import { createEgressProxy, EgressProxy } from '../egress/egress-proxy';
import { connectOutside } from '../egress/outside-connection';
import { listen } from '../http-listener';
import { Log } from '../log';
import { Metrics } from '../metrics';
import { PackageAnswers } from './package-answers';
import { RunPasses, taskAddress } from './run-passes';
import { createSandboxFront } from './sandbox-front';
import { ToolRunner } from './tool-runner';
import { ToolRuns } from './tool-runs';

export interface SandboxServiceOptions {
  readonly settings: SandboxSettings;
  /** Of an SDK's client of the service. A run takes as long as it may, so its requests must have no time-out. */
  readonly aws: (service: string, options: { requestTimeout: number; maxSockets: number }) => SdkConfiguration;
  readonly metrics: Metrics;
  readonly log: Log;
}

type SdkConfiguration = BedrockAgentCoreClientConfig & LambdaClientConfig;

const LOOPBACK = '127.0.0.1';
/** A run takes as long as it may, which the runner minds; there are more sockets than runs that are let in at once. */
const RUN_REQUESTS = { requestTimeout: 0, maxSockets: 256 };

/** Callers' tools: the listeners that Letta takes for E2B's, what runs the code, and the way out of runs. */
export class SandboxService {
  private readonly servers: Server[] = [];
  private runner?: ToolRunner;
  private runs?: ToolRuns;
  private egress?: EgressProxy;

  constructor(private readonly options: SandboxServiceOptions) {}

  /** @throws if a port is taken, or the task has no address for its sandbox */
  async start(): Promise<void> {
    const { settings, metrics, log } = this.options;
    const runner = (this.runner = await this.createRunner());
    const runs = (this.runs = new ToolRuns({ limits: settings, runner, proxy: await this.startEgress(), metrics }));
    const front = createSandboxFront({ runs, packages: new PackageAnswers(runner), log });
    await this.listen(front.control, Port.SANDBOX_CONTROL);
    await this.listen(front.execute, Port.SANDBOX_EXECUTE);
    await this.listen(front.commands, Port.SANDBOX_COMMANDS);
  }

  /** Why the sandbox could not do the last run, if it could not. */
  problem(): string | undefined {
    return this.runs?.problem();
  }

  async stop(): Promise<void> {
    for (const server of this.servers) server.close();
    this.egress?.stop();
    await this.runner?.stop();
  }

  private async listen(server: Server, port: number): Promise<void> {
    await listen(server, port, LOOPBACK);
    this.servers.push(server);
  }

  /** Loaded where it is wanted, as its client is. */
  private async createRunner(): Promise<ToolRunner> {
    const { settings, aws } = this.options;
    if (settings.kind === 'codeInterpreter') {
      const { createCodeInterpreterRunner } = await import('./code-interpreter-runner');
      return createCodeInterpreterRunner(aws('bedrock-agentcore', RUN_REQUESTS), settings);
    }
    const { createFunctionRunner } = await import('./function-runner');
    return createFunctionRunner(aws('lambda', RUN_REQUESTS), settings.functionArn);
  }

  /** Beyond loopback, hence for runs that are under way only. */
  private async startEgress(): Promise<RunPasses | undefined> {
    const { settings, metrics, log } = this.options;
    if (settings.kind !== 'function' || settings.allowedEndpoints.length === 0) return undefined;
    const address = taskAddress();
    const passes = new RunPasses(`${address}:${Port.SANDBOX_EGRESS}`);
    this.egress = createEgressProxy({
      allow: new Set(settings.allowedEndpoints),
      connect: connectOutside,
      idleTimeoutSeconds: settings.timeoutSeconds,
      admit: (authorization) => passes.find(authorization),
      openedBy: 'ToolSandbox.function({ allowedEndpoints })',
      metrics,
      log,
    });
    await listen(this.egress.server, Port.SANDBOX_EGRESS, address);
    return passes;
  }
}
