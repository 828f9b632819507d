import { Server as HttpServer } from 'node:http';
import { Agent } from 'node:https';
import { createServer, Server as NetServer } from 'node:net';
import { BedrockClient } from '@aws-sdk/client-bedrock';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Signer } from '@aws-sdk/rds-signer';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Pool } from 'undici';
import {
  ChatModel,
  ImagePath,
  Listener,
  Metric,
  MIGRATION_LOCK_WAIT_SECONDS,
  Port,
  SandboxSettings,
} from '../contract';
import { createApiFront } from './api/api-front';
import { ApiPassword, passwordsFromSecret } from './api/api-password';
import { lettaPool } from './api/letta-pool';
import { createAwsFront } from './bedrock/aws-front';
import { ChatModelList, listInferenceProfiles } from './bedrock/bedrock-models';
import { BedrockSigner } from './bedrock/bedrock-signer';
import { createCacheRelay } from './cache/cache-relay';
import { cacheToken } from './cache/cache-token';
import { AwsConfiguration, DatabaseConfiguration, GatewayConfiguration } from './configuration';
import { CredentialsProvider, taskCredentials } from './credentials';
import type { MigrationLock } from './database/migration-lock';
import { Pgbouncer } from './database/pgbouncer';
import { createEgressProxy, EgressProxy } from './egress/egress-proxy';
import { connectOutside } from './egress/outside-connection';
import { drain, listen } from './http-listener';
import { describeError, Log } from './log';
import { embeddedMetrics, Metrics } from './metrics';
import { createOllamaFront } from './ollama/ollama-front';
import { WatchedReadiness } from './readiness';
import { bedrockCheck, cacheCheck, databaseCheck, lettaCheck, sandboxCheck } from './readiness-checks';
import { renewedValue, retry } from './renewed-value';
import { SandboxService } from './sandbox/sandbox-service';
import { TaskProtection } from './task-protection';
import { TurnsInFlight } from './turns-in-flight';

export interface GatewaySurroundings {
  /** @throws if the file cannot be read. */
  readonly readAuthorities: (file: string) => string;
  /** Something the gateway cannot go on without has ended. */
  readonly onFatal: (reason: string) => void;
  readonly log: Log;
}

const LOOPBACK = '127.0.0.1';
/** ECS answers within a second as a rule; a task that still has no role after this is not going to get one. */
const START_RETRY = { forMs: 45_000, everyMs: 1_000 };
/** Kept back from the stop time-out for the other listeners, PgBouncer and the exit itself. */
const STOP_RESERVE_MS = 4_000;
const CACHE_TOKEN_MAX_AGE_MS = 5 * 60_000;
/** TCP keep-alive on, so that PrivateLink's 350 s idle limit does not cut a model that thinks for long. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** Every listener of one task: started in order, stopped in reverse. */
export class Gateway {
  private readonly servers: NetServer[] = [];
  private readonly credentials: CredentialsProvider;
  private readonly metrics: Metrics;
  private api?: HttpServer;
  private models?: ChatModelList;
  private readiness?: WatchedReadiness;
  private turnsInFlight?: TurnsInFlight;
  private taskProtection?: TaskProtection;
  private egress?: EgressProxy;
  private pgbouncer?: Pgbouncer;
  private migrationLock?: MigrationLock;
  private sandbox?: SandboxService;

  constructor(
    private readonly configuration: GatewayConfiguration,
    private readonly surroundings: GatewaySurroundings,
  ) {
    this.credentials = taskCredentials(surroundings.log);
    this.metrics = embeddedMetrics(configuration.serviceName, surroundings.log);
  }

  /** The API front comes last: nobody is let in before all that stands behind it does. @throws the first failure. */
  async start(): Promise<void> {
    const { configuration, surroundings } = this;
    const { egress, cache, aws, api, database, sandbox } = configuration;
    const ca =
      configuration.awsCaFile === undefined ? undefined : surroundings.readAuthorities(configuration.awsCaFile);
    if (database) surroundings.readAuthorities(database.caFile);

    if (egress) await this.startEgressProxy(egress.allow);
    if (api || aws || cache || database || sandbox) await this.insist('credentials', this.credentials);
    const password = api && ca !== undefined ? await this.apiPassword(api.passwordSecretArn, ca) : undefined;
    const administratorPassword =
      api?.administratorPasswordSecretArn !== undefined && ca !== undefined
        ? await this.apiPassword(api.administratorPasswordSecretArn, ca)
        : undefined;
    if (database) await this.startPgbouncer(database);
    if (database && configuration.listeners.has(Listener.MIGRATION_LOCK)) await this.takeMigrationLock(database);
    if (cache && ca !== undefined) await this.startCacheRelay(cache, ca);
    if (aws && ca !== undefined) await this.startBedrockFronts(aws, ca);
    if (sandbox && ca !== undefined) await this.startSandbox(sandbox, ca);
    if (api && password) await this.startApiFront(password, administratorPassword);
  }

  /** Nothing new in, what is in flight out, then the ways to model, cache and database. */
  async stop(): Promise<void> {
    const withinMs = Math.max(0, this.configuration.stopTimeoutSeconds * 1000 - STOP_RESERVE_MS);
    this.readiness?.stop();
    this.turnsInFlight?.stop();
    this.taskProtection?.stop();
    if (this.api) await drain(this.api, withinMs);
    for (const server of this.servers) server.close();
    this.egress?.stop();
    await this.sandbox?.stop();
    await this.migrationLock?.release();
    await this.pgbouncer?.stop();
  }

  private insist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      ...START_RETRY,
      onFailure: (error) => this.surroundings.log.warn('start-waits', { what, reason: describeError(error) }),
    });
  }

  private async listen(server: NetServer, port: number, host = LOOPBACK): Promise<void> {
    await listen(server, port, host);
    this.servers.push(server);
  }

  private async startEgressProxy(allow: ReadonlySet<string>): Promise<void> {
    const { log } = this.surroundings;
    const { idleTimeoutSeconds } = this.configuration;
    this.egress = createEgressProxy({ allow, connect: connectOutside, idleTimeoutSeconds, metrics: this.metrics, log });
    await listen(this.egress.server, Port.EGRESS, LOOPBACK);
  }

  private sdkConfiguration(service: string, ca: string, { requestTimeout = 15_000, maxSockets = 8 } = {}) {
    const { region, urlSuffix } = this.configuration;
    return {
      region,
      // Said in full, so that no variable in the environment can point an SDK client elsewhere.
      endpoint: `https://${service}.${region}.${urlSuffix}`,
      credentials: this.credentials,
      requestHandler: new NodeHttpHandler({
        httpsAgent: new Agent({ ca, keepAlive: true, maxSockets }),
        connectionTimeout: 5_000,
        requestTimeout,
      }),
    };
  }

  private async apiPassword(secretArn: string, ca: string): Promise<ApiPassword> {
    const client = new SecretsManagerClient(this.sdkConfiguration('secretsmanager', ca));
    const password = new ApiPassword(passwordsFromSecret(client, secretArn), this.surroundings.log);
    await this.insist('api password', () => password.start());
    return password;
  }

  private async startPgbouncer(database: DatabaseConfiguration): Promise<void> {
    const signer = new Signer({
      hostname: database.host,
      port: database.port,
      username: database.user,
      region: this.configuration.region,
      credentials: this.credentials,
    });
    const token = () => signer.getAuthToken();
    this.pgbouncer = new Pgbouncer({
      database,
      listen: { host: LOOPBACK, port: Port.DATABASE },
      folder: ImagePath.GATEWAY_RUN,
      token,
      onDeath: this.surroundings.onFatal,
      log: this.surroundings.log,
    });
    await this.pgbouncer.start(await this.insist('database token', token));
  }

  /** Healthy only with the lock: the migration beside this gateway starts once it is healthy, and ends when it ends. */
  private async takeMigrationLock({ user, name }: DatabaseConfiguration): Promise<void> {
    // Loaded where it is wanted: nobody but a migration needs a client of its own.
    const { MigrationLock } = await import('./database/migration-lock');
    const { dropInvalidIndexes } = await import('./database/invalid-indexes');
    const { log } = this.surroundings;
    const session = { host: LOOPBACK, port: Port.DATABASE, user, database: name };
    const waitMs = MIGRATION_LOCK_WAIT_SECONDS * 1000;
    this.migrationLock = await MigrationLock.take({ ...session, waitMs, onLost: this.surroundings.onFatal, log });
    await dropInvalidIndexes({ ...session, log });
    await this.listen(
      createServer((socket) => socket.destroy()),
      Port.MIGRATION_LOCK,
    );
  }

  private async startCacheRelay(cache: NonNullable<GatewayConfiguration['cache']>, ca: string): Promise<void> {
    const identity = { name: cache.name, user: cache.user, region: this.configuration.region };
    const token = renewedValue(() => cacheToken(identity, this.credentials), CACHE_TOKEN_MAX_AGE_MS);
    await this.listen(createCacheRelay({ ...cache, ca, token, log: this.surroundings.log }), Port.CACHE);
  }

  private async startBedrockFronts(aws: AwsConfiguration, ca: string): Promise<void> {
    const { region, urlSuffix, idleTimeoutSeconds, ollama } = this.configuration;
    const { log } = this.surroundings;
    const host = `bedrock-runtime.${region}.${urlSuffix}`;
    const bedrock = new Pool(`https://${host}`, {
      connect: { ca, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
      headersTimeout: idleTimeoutSeconds * 1000,
      bodyTimeout: idleTimeoutSeconds * 1000,
    });
    const signer = new BedrockSigner(host, region, this.credentials);
    const models = (this.models = await this.chatModelList(aws.models, ca));
    if (ollama) {
      const front = createOllamaFront({
        embeddingModels: ollama.embeddingModels,
        chatModels: aws.models.filter(({ format }) => format === 'converse'),
        offered: () => models.offered('converse'),
        guardrail: aws.guardrail,
        signer,
        bedrock,
        metrics: this.metrics,
        log,
      });
      await this.listen(front, Port.OLLAMA);
    }
    const allowedModels = new Set(aws.models.filter(({ format }) => format === 'anthropic').map(({ id }) => id));
    await this.listen(
      createAwsFront({
        allowedModels,
        models,
        signer,
        bedrock,
        guardrail: aws.guardrail,
        metrics: this.metrics,
        log,
      }),
      Port.AWS,
    );
  }

  /**
   * Letta asks for models once, at its own start, and that waits for this gateway: without any it would be a healthy
   * server with no models for good. @throws if there are none
   */
  private async chatModelList(allowed: readonly ChatModel[], ca: string): Promise<ChatModelList> {
    const client = new BedrockClient(this.sdkConfiguration('bedrock', ca));
    const { region } = this.configuration;
    const models = new ChatModelList(allowed, () => listInferenceProfiles(client), region, this.surroundings.log);
    try {
      await this.insist('chat models', () => models.required());
    } catch (error) {
      this.metrics.record('readiness', { [Metric.READY]: 0, [Metric.CHAT_MODELS_LISTED]: 0 }, { failing: ['bedrock'] });
      throw error;
    }
    return models;
  }

  private async startSandbox(settings: SandboxSettings, ca: string): Promise<void> {
    this.sandbox = new SandboxService({
      settings,
      aws: (service, options) => this.sdkConfiguration(service, ca, options),
      metrics: this.metrics,
      log: this.surroundings.log,
    });
    await this.sandbox.start();
  }

  private async startApiFront(password: ApiPassword, administratorPassword?: ApiPassword): Promise<void> {
    const { api, egress, idleTimeoutSeconds } = this.configuration;
    const letta = lettaPool(`http://${LOOPBACK}:${Port.LETTA}`, idleTimeoutSeconds);
    const { tls, openRoutes, corsOrigins, maxConcurrentTurns } = api!;
    const readiness = this.watchReadiness();
    const turnsInFlight = (this.turnsInFlight = new TurnsInFlight(this.metrics));
    // Loaded where it is wanted: its libraries are as large as the rest of the gateway.
    const certificate = tls ? await import('./self-signed-certificate') : undefined;
    const server = createApiFront({
      tls: await certificate?.selfSignedCertificate('letta-gateway'),
      letta,
      excuse: () => this.pgbouncer?.shortage.reason(),
      password,
      administratorPassword,
      openRoutes,
      allowedEgress: egress?.allow ?? new Set(),
      corsOrigins,
      idleTimeoutSeconds,
      maxConcurrentTurns,
      turnsInFlight,
      readiness,
      metrics: this.metrics,
      log: this.surroundings.log,
    });
    await listen(server, Port.API, '0.0.0.0');
    this.api = server;
    this.readiness = readiness;
    readiness.start();
    turnsInFlight.start();
    if (api!.taskProtection) this.protectTask(turnsInFlight, api!.taskProtection.agentUri);
  }

  private protectTask(turns: TurnsInFlight, agentUri?: string): void {
    const { log } = this.surroundings;
    if (agentUri === undefined) return log.warn('task-protection-failed', { reason: 'ECS_AGENT_URI is not set' });
    this.taskProtection = new TaskProtection({ agentUri, busyFor: () => turns.oldest(), log });
    this.taskProtection.start();
  }

  /** Of what this gateway is configured for: what is not there cannot fail. */
  private watchReadiness(): WatchedReadiness {
    const { api, database, cache } = this.configuration;
    const at = (port: number) => ({ host: LOOPBACK, port });
    return new WatchedReadiness({
      checks: {
        ...(api && { letta: lettaCheck(at(Port.LETTA)) }),
        ...(database && {
          database: databaseCheck(at(Port.DATABASE), { user: database.user, database: database.name }),
        }),
        ...(cache && { cache: cacheCheck(at(Port.CACHE)) }),
        ...(this.models && { bedrock: bedrockCheck(this.models) }),
        ...(this.sandbox && { sandbox: sandboxCheck(this.sandbox) }),
      },
      models: this.models,
      metrics: this.metrics,
      log: this.surroundings.log,
    });
  }
}
