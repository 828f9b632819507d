import { Aws, Duration } from 'aws-cdk-lib';
import {
  DatabaseRole,
  GatewayVariable,
  ImagePath,
  Listener,
  PLACEHOLDER_CREDENTIAL,
  Port,
  RouteGroup,
} from '../../runtime/contract';
import { BedrockAccess } from '../bedrock-access';
import { ILettaCache } from '../letta-cache';
import { ILettaDatabase } from '../letta-database';
import { ServiceSettings } from './service-settings';

type Environment = Record<string, string>;

/** What Letta's environment is made of. */
export interface LettaEnvironmentOptions extends Pick<
  ServiceSettings,
  'uvicornWorkers' | 'uvicornKeepAlive' | 'pgPoolSize' | 'pgMaxOverflow' | 'pgPoolTimeout' | 'pgPoolRecycle'
> {
  readonly bedrock: BedrockAccess;
  readonly database: ILettaDatabase;
  readonly region: string;
  /** Whether tools run in the Letta container. */
  readonly toolsInContainer: boolean;
  /** Whether the gateway is the sandbox that Letta sends tools to. */
  readonly toolsInSandbox: boolean;
}

/** Letta knows loopback addresses and placeholders only: tool code can read its environment. */
export function lettaEnvironment(options: LettaEnvironmentOptions): Environment {
  const loopback = (port: number): string => `http://127.0.0.1:${port}`;
  return {
    LETTA_PG_URI: `${databaseUri(DatabaseRole.RUNTIME, options.database.databaseName)}?ssl=disable`,
    // Without this Letta ignores the four sizes below.
    LETTA_DISABLE_SQLALCHEMY_POOLING: 'false',
    LETTA_PG_POOL_SIZE: `${options.pgPoolSize}`,
    LETTA_PG_MAX_OVERFLOW: `${options.pgMaxOverflow}`,
    LETTA_PG_POOL_TIMEOUT: `${options.pgPoolTimeout.toSeconds()}`,
    LETTA_PG_POOL_RECYCLE: `${options.pgPoolRecycle.toSeconds()}`,
    LETTA_UVICORN_WORKERS: `${options.uvicornWorkers}`,
    LETTA_UVICORN_TIMEOUT_KEEP_ALIVE: `${options.uvicornKeepAlive.toSeconds()}`,
    LETTA_USE_UVLOOP: 'true',
    // It counts every use of a connection, for an OpenTelemetry exporter that there is none of.
    LETTA_ENABLE_DB_POOL_MONITORING: 'false',
    LETTA_REDIS_HOST: '127.0.0.1',
    LETTA_REDIS_PORT: `${Port.CACHE}`,
    AWS_ACCESS_KEY_ID: PLACEHOLDER_CREDENTIAL,
    AWS_SECRET_ACCESS_KEY: PLACEHOLDER_CREDENTIAL,
    AWS_DEFAULT_REGION: options.region,
    // Letta reads neither AWS_REGION nor LETTA_LLM_ENDPOINT_TYPE; the public documents name them.
    AWS_REGION: options.region,
    LETTA_LLM_ENDPOINT_TYPE: 'bedrock',
    AWS_ENDPOINT_URL_STS: loopback(Port.AWS),
    AWS_ENDPOINT_URL_BEDROCK: loopback(Port.AWS),
    ANTHROPIC_BEDROCK_BASE_URL: loopback(Port.AWS),
    OLLAMA_BASE_URL: loopback(Port.OLLAMA),
    // A proxy that refuses at once: in a closed network Letta's download of NLTK data would stand still for 135 s.
    // ALL_PROXY is for `ws:` and `wss:`, which httpx sends as plain requests past the other two.
    HTTPS_PROXY: loopback(Port.EGRESS),
    HTTP_PROXY: loopback(Port.EGRESS),
    ALL_PROXY: loopback(Port.EGRESS),
    // Google's SDK otherwise looks for a metadata server by plain sockets, past every proxy, and stands still for 12 s while
    // it does: any agent may be told that its model is Google's.
    GOOGLE_APPLICATION_CREDENTIALS: '/nonexistent',
    // Past the proxy only to the two ports Letta calls by HTTP: its own port would be a way around the gateway's rules
    // for whatever fetches a caller's URL inside the server (images of messages, endpoints in an agent's body).
    NO_PROXY: noProxy(options.toolsInSandbox),
    LETTA_DEFAULT_LLM_HANDLE: options.bedrock.chatModels[0].handle,
    LETTA_DEFAULT_EMBEDDING_HANDLE: options.bedrock.embeddingModels[0].handle,
    // An MCP server over stdio is a process of the caller's choice in this container. Letta's default, said all the same.
    MCP_DISABLE_STDIO: 'true',
    // Letta runs some tools of its own (multi-agent ones) in a subprocess with the model's words as code, unless it has
    // a remote sandbox. With one that no call of it gets out to, they fail instead.
    ...(options.toolsInContainer ? {} : { E2B_API_KEY: PLACEHOLDER_CREDENTIAL }),
    // E2B's client then speaks plain HTTP to three ports of localhost: the gateway is the sandbox.
    ...(options.toolsInSandbox ? { E2B_DEBUG: 'true' } : {}),
  };
}

function noProxy(toolsInSandbox: boolean): string {
  const ports = [`127.0.0.1:${Port.AWS}`, `127.0.0.1:${Port.OLLAMA}`];
  // As E2B's client names it. Its calls to the other two ports of the sandbox heed no proxy.
  return [...ports, ...(toolsInSandbox ? [`localhost:${Port.SANDBOX_CONTROL}`] : [])].join();
}

/** alembic's driver takes no query in the URI. */
export function migrationEnvironment(database: ILettaDatabase): Environment {
  return { LETTA_PG_URI: databaseUri(DatabaseRole.MIGRATOR, database.databaseName) };
}

/** What the gateway's environment is made of when it serves the database alone. */
export interface DatabaseGatewayOptions {
  readonly database: ILettaDatabase;
  readonly databaseRole: string;
  readonly databaseConnections: number;
  readonly region: string;
  readonly stopTimeout: Duration;
}

/** The gateway of a migration: the database alone, and nobody else who migrates it. */
export function migrationGatewayEnvironment(options: DatabaseGatewayOptions): Environment {
  return {
    ...databaseGatewayEnvironment(options),
    [GatewayVariable.LISTENERS]: [Listener.DATABASE, Listener.MIGRATION_LOCK].join(),
  };
}

/** A gateway that serves the database alone. */
function databaseGatewayEnvironment(options: DatabaseGatewayOptions): Environment {
  return {
    [GatewayVariable.LISTENERS]: Listener.DATABASE,
    [GatewayVariable.REGION]: options.region,
    [GatewayVariable.STOP_TIMEOUT]: `${options.stopTimeout.toSeconds()}`,
    [GatewayVariable.DATABASE_HOST]: options.database.host,
    [GatewayVariable.DATABASE_PORT]: `${options.database.port}`,
    [GatewayVariable.DATABASE_NAME]: options.database.databaseName,
    [GatewayVariable.DATABASE_USER]: options.databaseRole,
    [GatewayVariable.DATABASE_CA_FILE]: ImagePath.GATEWAY_DATABASE_CA,
    [GatewayVariable.DATABASE_MAX_CONNECTIONS]: `${options.databaseConnections}`,
  };
}

/** What the gateway's environment is made of. */
export interface GatewayEnvironmentOptions extends DatabaseGatewayOptions {
  readonly bedrock: BedrockAccess;
  readonly cache: ILettaCache;
  /** Tells the metrics of this service from those of others. */
  readonly serviceName: string;
  readonly apiPasswordSecretArn: string;
  readonly administratorPasswordSecretArn?: string;
  readonly maxConcurrentTurns: number;
  /** Whether the API front speaks TLS. */
  readonly targetTls: boolean;
  /** `host:port` each. */
  readonly allowedEgress: string[];
  readonly openRoutes: RouteGroup[];
  /** JSON `SandboxSettings`; without it callers' tools run nowhere. */
  readonly sandbox?: string;
  readonly corsOrigins: string[];
  readonly idleTimeout: Duration;
}

/** A gateway that does all its jobs. It holds names and addresses; its secrets it fetches with the task role. */
export function gatewayEnvironment(options: GatewayEnvironmentOptions): Environment {
  const { bedrock, cache } = options;
  const chatModels = bedrock.chatModels.map(({ id, chatFormat, contextLength, maxOutputTokens, features }) => ({
    id,
    format: chatFormat,
    contextLength,
    maxOutputTokens,
    features,
  }));
  const embeddingModels = bedrock.embeddingModels.map(({ id, dimensions, format }) => ({ id, dimensions, format }));
  return {
    ...databaseGatewayEnvironment(options),
    [GatewayVariable.LISTENERS]: Object.values(Listener)
      .filter((name) => name !== Listener.MIGRATION_LOCK)
      .filter((name) => name !== Listener.SANDBOX || options.sandbox !== undefined)
      .join(),
    [GatewayVariable.URL_SUFFIX]: Aws.URL_SUFFIX,
    [GatewayVariable.SERVICE_NAME]: options.serviceName,
    [GatewayVariable.AWS_CA_FILE]: ImagePath.GATEWAY_AWS_CA,
    [GatewayVariable.API_PASSWORD_SECRET]: options.apiPasswordSecretArn,
    ...(options.administratorPasswordSecretArn !== undefined && {
      [GatewayVariable.ADMINISTRATOR_PASSWORD_SECRET]: options.administratorPasswordSecretArn,
    }),
    [GatewayVariable.MAX_CONCURRENT_TURNS]: `${options.maxConcurrentTurns}`,
    [GatewayVariable.API_TLS]: `${options.targetTls}`,
    [GatewayVariable.EGRESS_ALLOW]: options.allowedEgress.join(),
    [GatewayVariable.OPEN_ROUTES]: options.openRoutes.join(),
    [GatewayVariable.CORS_ORIGINS]: options.corsOrigins.join(),
    [GatewayVariable.IDLE_TIMEOUT]: `${options.idleTimeout.toSeconds()}`,
    [GatewayVariable.CHAT_MODELS]: JSON.stringify(chatModels),
    [GatewayVariable.EMBEDDING_MODELS]: JSON.stringify(embeddingModels),
    ...(bedrock.guardrail && {
      [GatewayVariable.GUARDRAIL_ID]: bedrock.guardrail.guardrailId,
      [GatewayVariable.GUARDRAIL_VERSION]: bedrock.guardrail.guardrailVersion,
    }),
    ...(options.sandbox !== undefined && { [GatewayVariable.SANDBOX]: options.sandbox }),
    [GatewayVariable.CACHE_HOST]: cache.host,
    [GatewayVariable.CACHE_PORT]: `${cache.port}`,
    [GatewayVariable.CACHE_NAME]: cache.replicationGroupId,
    [GatewayVariable.CACHE_USER]: cache.userId,
  };
}

function databaseUri(role: string, databaseName: string): string {
  return `postgresql://${role}@127.0.0.1:${Port.DATABASE}/${databaseName}`;
}
