import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer, IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { ContainerName, ImagePath } from '../../runtime/contract';
import type { LettaVenv } from '../lab/parts/letta-venv';
import type { Postgres } from '../lab/parts/postgres';
import { likeRds } from '../lab/parts/rds';
import type { LettaVersion } from './letta-versions';

interface ContainerDefinition {
  readonly name: string;
  readonly image: string;
  readonly command?: string[];
  readonly workingDirectory?: string;
  readonly environment?: { readonly name: string; readonly value: string }[];
}

interface TaskDefinition {
  readonly containerDefinitions: ContainerDefinition[];
}

/** How a migration task ended. */
export interface MigrationRun {
  readonly version: string;
  readonly exitCode: number;
  readonly lines: string[];
}

export interface PartsOptions {
  readonly postgres: Postgres;
  readonly letta: LettaVenv;
  readonly versions: LettaVersion[];
  readonly folder: string;
}

/** What stands behind the emulator's database, tasks and services; it asks over HTTP. */
export class Parts {
  /** Migration tasks that have run, the last one last. */
  readonly migrations: MigrationRun[] = [];
  /** Versions that services were given, the last one last. */
  readonly services: string[] = [];
  private readonly server: Server;

  private constructor(private readonly options: PartsOptions) {
    this.server = createServer((request, response) => {
      void this.answer(request).then(
        (answer) => response.end(JSON.stringify(answer)),
        (error: Error) => response.end(JSON.stringify({ error: error.message })),
      );
    });
  }

  static async start(options: PartsOptions): Promise<Parts> {
    const parts = new Parts(options);
    await mkdir(path.join(options.folder, 'home'), { recursive: true });
    await new Promise<void>((resolve) => parts.server.listen(0, '127.0.0.1', resolve));
    return parts;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage): Promise<object> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text);
    switch (request.url) {
      case '/database':
        return this.database(body.properties);
      case '/task':
        return this.task(body.startedBy, body.taskDefinition);
      case '/service':
        return this.service(body);
      default:
        throw new Error(`the rehearsal knows nothing of ${request.url}`);
    }
  }

  /** Gives Postgres what RDS gives a new instance. */
  private async database(properties: { MasterUsername: string; DBName: string }): Promise<object> {
    const { postgres } = this.options;
    const password = randomBytes(24).toString('base64url');
    await likeRds(postgres, { username: properties.MasterUsername, password }, properties.DBName);
    return { host: postgres.host, port: postgres.port, password };
  }

  /** Runs Letta's container of a migration task with the migrations of its image. */
  private async task(startedBy: string, { containerDefinitions }: TaskDefinition): Promise<object> {
    if (startedBy !== 'cdk-letta-migration') throw new Error(`the rehearsal runs no task that ${startedBy} starts`);
    const container = containerDefinitions.find(({ name }) => name === ContainerName.LETTA)!;
    const version = this.version(container);
    const run = await this.run(container, version);
    this.migrations.push({ version: version.name, ...run });
    return { exitCodes: { [container.name]: run.exitCode }, logs: { [container.name]: run.lines } };
  }

  private async run(container: ContainerDefinition, version: LettaVersion) {
    const { letta, postgres, folder } = this.options;
    const environment = Object.fromEntries((container.environment ?? []).map(({ name, value }) => [name, value]));
    if (container.workingDirectory !== ImagePath.LETTA_MIGRATIONS) throw new Error('the migration runs elsewhere');
    const uri = new URL(environment.LETTA_PG_URI);
    // The gateway, which logs in by IAM, is not there.
    uri.hostname = postgres.host;
    uri.port = `${postgres.port}`;
    const [program, ...args] = container.command ?? [];
    return ended(program, args, version.migrations, {
      ...environment,
      LETTA_PG_URI: uri.href,
      PATH: `${path.join(letta.venv, 'bin')}:${process.env.PATH}`,
      HOME: path.join(folder, 'home'),
    });
  }

  /** ECS' circuit breaker, as CloudFormation tells of it. */
  private service({ containerDefinitions }: TaskDefinition): object {
    const container = containerDefinitions.find(({ name }) => name === ContainerName.LETTA)!;
    const version = this.version(container);
    this.services.push(version.name);
    if (version.isHealthy) return {};
    throw new Error(
      'Resource handler returned message: "Error occurred during operation \'ECS Deployment Circuit Breaker was triggered\'."',
    );
  }

  private version({ image }: ContainerDefinition): LettaVersion {
    const version = this.options.versions.find(({ digest }) => image.endsWith(`@${digest}`));
    if (!version) throw new Error(`the rehearsal has no image ${image}`);
    return version;
  }
}

function ended(
  program: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ exitCode: number; lines: string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 137, lines: output.trimEnd().split('\n') }));
  });
}
