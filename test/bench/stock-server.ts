import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ChatModel } from '../../runtime/contract';
import { Account } from '../lab/account';
import { Container } from '../lab/container';
import { FakeBedrock, FakeBedrockRuntime } from '../lab/fake-aws/bedrock';
import { UnsignedBedrock } from '../lab/fake-aws/server';
import type { FakeService, SignedCall } from '../lab/fake-aws/service';
import { LogFile } from '../lab/logs';
import type { LettaVenv } from '../lab/parts/letta-venv';
import type { Postgres } from '../lab/parts/postgres';
import { waitFor } from '../lab/wait';
import type { MeasuredServer } from './compare';
import type { Server } from './workload';

export interface StockServerOptions {
  /** The Postgres that the measured deployment uses as well. */
  readonly postgres: Postgres;
  /** Host and port that both servers reach it at. */
  readonly database: string;
  /** Letta with untrimmed packages. */
  readonly letta: LettaVenv;
  /** Network namespace that the lab's servers run in. */
  readonly namespace: string;
  readonly chatModels: ChatModel[];
  readonly folder: string;
}

const port = 8283;
const redisPort = 6390;
const databaseName = 'letta_stock';
const home = '/var/lib/letta';

/**
 * Letta as its public documentation configures it: `LETTA_PG_URI` straight to Postgres with TLS, Redis without a
 * password, static AWS keys, every other setting at its default, packages as the lock file has them, no gateway.
 *
 * Redis and the model are on its own loopback and speak plaintext, while those of the measured deployment verify tokens
 * and signatures over TLS: where the comparison is not even, it is uneven in its favour.
 */
export class StockServer {
  private constructor(
    readonly server: MeasuredServer,
    /** What to stop, in this order. */
    private readonly parts: { stop(): unknown }[],
  ) {}

  static async start(options: StockServerOptions): Promise<StockServer> {
    const { folder, chatModels } = options;
    mkdirSync(folder, { recursive: true });
    const parts: { stop(): unknown }[] = [];
    try {
      const bedrock = new UnsignedBedrock(bothSides(chatModels.map(({ id }) => id)));
      await bedrock.start('127.0.0.1');
      parts.unshift(bedrock);
      parts.unshift(await startRedis(folder));
      const variables = environment(await createDatabase(options), `http://127.0.0.1:${bedrock.port}`);
      const start = (name: string, command: string[], workingDirectory: string) =>
        startContainer(options, { name, command, workingDirectory, variables });

      const migration = start('migration', ['alembic', 'upgrade', 'head'], '/opt/letta/migrations');
      const code = await migration.ended();
      if (code !== 0) throw new Error(`the migration of the stock server ended with ${code}:\n${migration.log.tail()}`);

      const letta = start('letta', ['letta', 'server', '--host', '127.0.0.1', '--port', String(port)], home);
      parts.unshift({ stop: () => letta.stop(10_000) });
      const server = {
        url: `http://127.0.0.1:${port}`,
        model: `bedrock/${chatModels[0].id}`,
        embedding: 'letta/letta-free',
      };
      await healthy(server, letta);
      return new StockServer({ ...server, processes: { letta: letta.pid! } }, parts);
    } catch (error) {
      for (const part of parts) await part.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const part of this.parts) await part.stop();
  }
}

function environment(databaseUri: string, bedrock: string): Record<string, string> {
  return {
    PATH: '/opt/letta/venv/bin:/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    PYTHONUNBUFFERED: '1',
    LETTA_PG_URI: databaseUri,
    LETTA_REDIS_HOST: '127.0.0.1',
    LETTA_REDIS_PORT: String(redisPort),
    AWS_ACCESS_KEY_ID: 'AKIALAB',
    AWS_SECRET_ACCESS_KEY: 'lab',
    AWS_DEFAULT_REGION: Account.REGION,
    AWS_ENDPOINT_URL_STS: bedrock,
    AWS_ENDPOINT_URL_BEDROCK: bedrock,
    ANTHROPIC_BEDROCK_BASE_URL: bedrock,
  };
}

/** A database and user of its own on the same server; pgvector is there, as in the published image's. */
async function createDatabase({ postgres, database }: StockServerOptions): Promise<string> {
  const password = randomBytes(18).toString('base64url');
  await postgres.sql(`CREATE ROLE ${databaseName} LOGIN PASSWORD '${password}'`);
  await postgres.sql(`CREATE DATABASE ${databaseName} OWNER ${databaseName}`);
  await postgres.sql('CREATE EXTENSION vector', databaseName);
  return `postgresql://${databaseName}:${password}@${database}/${databaseName}`;
}

async function startRedis(folder: string): Promise<{ stop(): void }> {
  const settings = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...settings], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = new LogFile(path.join(folder, 'redis.log'));
  log.follow(redis.stdout!);
  log.follow(redis.stderr!);
  await waitFor('the stock Redis', () => log.lines().some(({ message }) => message.includes('Ready to accept')), {
    timeout: 10_000,
    evidence: () => log.tail(),
  });
  return { stop: () => void redis.kill() };
}

interface Process {
  readonly name: string;
  readonly command: string[];
  readonly workingDirectory: string;
  readonly variables: Record<string, string>;
}

function startContainer({ letta, namespace, folder }: StockServerOptions, process: Process): Container {
  return Container.start({
    ...process,
    name: `stock-${process.name}`,
    namespace,
    environment: process.variables,
    user: '10003:10003',
    mounts: [
      { source: letta.venv, target: '/opt/letta/venv' },
      { source: letta.migrations, target: '/opt/letta/migrations' },
    ],
    volumes: [home, '/tmp'].map((place) => ({ path: place, owner: '10003:10003' })),
    hosts: '127.0.0.1 localhost\n',
    folder: path.join(folder, 'containers'),
    log: new LogFile(path.join(folder, `${process.name}.log`)),
  });
}

/** Control and data plane at one address, as the endpoint variables point both there. */
function bothSides(allowed: string[]): FakeService {
  const [bedrock, runtime] = [new FakeBedrock(allowed), new FakeBedrockRuntime()];
  const side = ({ request }: SignedCall) => (request.target.startsWith('/model/') ? runtime : bedrock);
  return { host: '', signingName: '', handle: (call) => side(call).handle(call) };
}

async function healthy(server: Server, letta: Container): Promise<void> {
  const evidence = () => letta.log.tail();
  const look = async () => {
    if (letta.exitCode !== undefined) throw new Error(`the stock Letta ended with ${letta.exitCode}:\n${evidence()}`);
    return (await fetch(`${server.url}/v1/health/`).catch(() => undefined))?.status === 200;
  };
  await waitFor('the stock Letta to be healthy', look, { timeout: 180_000, interval: 300, evidence });
}
