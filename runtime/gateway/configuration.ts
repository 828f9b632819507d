import {
  ChatModel,
  ConverseFeature,
  EmbeddingFormat,
  EmbeddingModel,
  GatewayMaximum,
  GatewayVariable,
  GUARDRAIL_VERSION,
  Listener,
  RouteGroup,
  SandboxSettings,
} from '../contract';
import { sandboxSettings } from './sandbox/sandbox-settings';
import { Environment, quote, VariableReader } from './variable-reader';

/** Everything the gateway is told from outside, validated. A listener that is not to be started has no entry. */
export interface GatewayConfiguration {
  readonly listeners: ReadonlySet<Listener>;
  readonly region: string;
  readonly urlSuffix: string;
  /** PEM file for AWS endpoints and ElastiCache; set when a listener speaks TLS to them. */
  readonly awsCaFile?: string;
  /** Dimension of the metrics; empty where none are written. */
  readonly serviceName: string;
  readonly idleTimeoutSeconds: number;
  readonly stopTimeoutSeconds: number;
  readonly api?: ApiConfiguration;
  readonly aws?: AwsConfiguration;
  readonly ollama?: { readonly embeddingModels: readonly EmbeddingModel[] };
  readonly cache?: CacheConfiguration;
  /** `allow` holds canonical `host:port`s. */
  readonly egress?: { readonly allow: ReadonlySet<string> };
  readonly database?: DatabaseConfiguration;
  readonly sandbox?: SandboxSettings;
}

export interface ApiConfiguration {
  readonly passwordSecretArn: string;
  /** Unset: nobody is an administrator. */
  readonly administratorPasswordSecretArn?: string;
  readonly maxConcurrentTurns: number;
  /** Whether ECS is to spare the task while long work is in flight, and by which agent; without one it can't be asked. */
  readonly taskProtection?: { readonly agentUri?: string };
  readonly tls: boolean;
  readonly openRoutes: ReadonlySet<RouteGroup>;
  readonly corsOrigins: ReadonlySet<string>;
}

export interface AwsConfiguration {
  readonly models: readonly ChatModel[];
  readonly guardrail?: Guardrail;
}

export interface Guardrail {
  readonly identifier: string;
  readonly version: string;
}

export interface CacheConfiguration {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
}

export interface DatabaseConfiguration {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly caFile: string;
  readonly maxConnections: number;
}

/** Every missing or malformed variable at once, so that one failed start is enough to mend them all. */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the gateway does not start: ${problems.join('; ')}`);
    this.name = 'ConfigurationError';
  }
}

/** Letta with one worker answers some 6 turns a second: more than this only waits, and holds memory. */
const DEFAULT_CONCURRENT_TURNS = 64;
const DEFAULT_IDLE_TIMEOUT_SECONDS = 600;
/** Below the 120 s that Fargate grants at most. */
const DEFAULT_STOP_TIMEOUT_SECONDS = 110;

/** Vector lengths each format can answer with (Bedrock user guide, "Amazon Titan" and "Cohere Embed" parameters). */
const DIMENSIONS: Readonly<Record<EmbeddingFormat, readonly number[]>> = {
  'titan-v1': [1536],
  'titan-v2': [256, 512, 1024],
  'cohere-v3': [1024],
  'cohere-v4': [256, 512, 1024, 1536],
};

/** Set by ECS itself on Fargate 1.4 and later ("Amazon ECS task scale-in protection endpoint", Amazon ECS Developer Guide). */
const AGENT_URI_VARIABLE = 'ECS_AGENT_URI';
const AGENT_URI = /^http:\/\/[\w.-]+(:\d{1,5})?(\/[\w.-]+)*$/;

const HOST = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const SECRET_ARN = /^arn:[a-z-]+:secretsmanager:\S+:secret:\S+$/;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d+$/;
/** Unquoted SQL identifiers only: the name goes into PgBouncer's configuration file. */
const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;
const CACHE_NAME = /^[a-z][a-z0-9-]{0,39}$/i;
const SERVICE_NAME = /^[\x21-\x7e]{1,255}$/;
const MODEL_ID = /^[a-z0-9][a-z0-9._:/-]{0,2047}$/i;

/**
 * Reads the gateway's environment.
 *
 * @throws ConfigurationError naming every variable that is missing or malformed.
 */
export function readConfiguration(environment: Environment): GatewayConfiguration {
  const reader = new VariableReader(environment);
  const listeners = new Set(reader.listOf(GatewayVariable.LISTENERS, Object.values(Listener), { least: 1 }));
  const has = (...names: Listener[]) => names.some((name) => listeners.has(name));
  const callsAws = has('api', 'aws', 'ollama', 'cache', 'database', 'sandbox');

  if (has('ollama') && !has('aws')) {
    reader.problem(
      GatewayVariable.LISTENERS,
      'holds ollama without aws, wanted both: they share one list of chat models',
    );
  }
  if (has('migration-lock') && !has('database')) {
    reader.problem(
      GatewayVariable.LISTENERS,
      'holds migration-lock without database, wanted both: the lock is one of the database',
    );
  }

  const configuration: GatewayConfiguration = {
    listeners,
    region: callsAws ? reader.matching(GatewayVariable.REGION, REGION) : '',
    urlSuffix: has('api', 'aws', 'ollama', 'sandbox') ? reader.matching(GatewayVariable.URL_SUFFIX, HOST) : '',
    awsCaFile: has('api', 'aws', 'ollama', 'cache', 'sandbox') ? reader.path(GatewayVariable.AWS_CA_FILE) : undefined,
    serviceName: has('api', 'aws', 'ollama', 'egress', 'sandbox')
      ? reader.matching(GatewayVariable.SERVICE_NAME, SERVICE_NAME)
      : '',
    idleTimeoutSeconds: reader.integer(GatewayVariable.IDLE_TIMEOUT, 1, 86_400, DEFAULT_IDLE_TIMEOUT_SECONDS),
    stopTimeoutSeconds: reader.integer(GatewayVariable.STOP_TIMEOUT, 1, 120, DEFAULT_STOP_TIMEOUT_SECONDS),
    api: has('api') ? readApi(reader) : undefined,
    aws: has('aws') ? readAws(reader) : undefined,
    ollama: has('ollama')
      ? { embeddingModels: reader.json(GatewayVariable.EMBEDDING_MODELS, embeddingModels) }
      : undefined,
    cache: has('cache')
      ? {
          host: reader.matching(GatewayVariable.CACHE_HOST, HOST),
          port: reader.integer(GatewayVariable.CACHE_PORT, 1, 65_535),
          name: reader.matching(GatewayVariable.CACHE_NAME, CACHE_NAME),
          user: reader.matching(GatewayVariable.CACHE_USER, CACHE_NAME),
        }
      : undefined,
    egress: has('egress') ? { allow: new Set(reader.destinations(GatewayVariable.EGRESS_ALLOW)) } : undefined,
    database: has('database')
      ? {
          host: reader.matching(GatewayVariable.DATABASE_HOST, HOST),
          port: reader.integer(GatewayVariable.DATABASE_PORT, 1, 65_535),
          name: reader.matching(GatewayVariable.DATABASE_NAME, IDENTIFIER),
          user: reader.matching(GatewayVariable.DATABASE_USER, IDENTIFIER),
          caFile: reader.path(GatewayVariable.DATABASE_CA_FILE),
          maxConnections: reader.integer(
            GatewayVariable.DATABASE_MAX_CONNECTIONS,
            1,
            GatewayMaximum.DATABASE_CONNECTIONS,
          ),
        }
      : undefined,
    sandbox: has('sandbox') ? reader.json(GatewayVariable.SANDBOX, sandboxSettings) : undefined,
  };
  if (callsAws) reader.containerCredentials();
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return configuration;
}

function readApi(reader: VariableReader): ApiConfiguration {
  return {
    passwordSecretArn: reader.matching(GatewayVariable.API_PASSWORD_SECRET, SECRET_ARN),
    administratorPasswordSecretArn: reader.optional(GatewayVariable.ADMINISTRATOR_PASSWORD_SECRET, SECRET_ARN),
    maxConcurrentTurns: reader.integer(
      GatewayVariable.MAX_CONCURRENT_TURNS,
      1,
      GatewayMaximum.CONCURRENT_TURNS,
      DEFAULT_CONCURRENT_TURNS,
    ),
    taskProtection: reader.flag(GatewayVariable.TASK_PROTECTION)
      ? { agentUri: reader.optional(AGENT_URI_VARIABLE, AGENT_URI) }
      : undefined,
    tls: reader.flag(GatewayVariable.API_TLS),
    openRoutes: new Set(reader.listOf(GatewayVariable.OPEN_ROUTES, Object.values(RouteGroup))),
    corsOrigins: new Set(reader.origins(GatewayVariable.CORS_ORIGINS)),
  };
}

function readAws(reader: VariableReader): AwsConfiguration {
  const identifier = reader.optional(GatewayVariable.GUARDRAIL_ID, /^[\x21-\x7e]{1,2048}$/);
  const version = reader.optional(GatewayVariable.GUARDRAIL_VERSION, GUARDRAIL_VERSION);
  if ((identifier === undefined) !== (version === undefined)) {
    reader.problem(
      identifier === undefined ? GatewayVariable.GUARDRAIL_ID : GatewayVariable.GUARDRAIL_VERSION,
      `is missing: ${GatewayVariable.GUARDRAIL_ID} and ${GatewayVariable.GUARDRAIL_VERSION} are set together or not at all`,
    );
  }
  return {
    models: reader.json(GatewayVariable.CHAT_MODELS, chatModels),
    guardrail: identifier && version ? { identifier, version } : undefined,
  };
}

function chatModels(value: unknown): ChatModel[] {
  const allowed = models(value).map(chatModel);
  if (allowed.length === 0) throw new Error('wanted at least one model');
  return allowed;
}

function chatModel(model: ModelEntry): ChatModel {
  const { id, format, contextLength, maxOutputTokens, features = [] } = model;
  if (format === 'anthropic') return { id, format };
  if (format !== 'converse') throw new Error(`model ${id} has format ${quote(format)}, wanted anthropic or converse`);
  const known: readonly unknown[] = Object.values(ConverseFeature);
  if (!Array.isArray(features) || !features.every((feature) => known.includes(feature))) {
    throw new Error(`model ${id} has features ${quote(features)}, wanted a list of any of ${known.join(', ')}`);
  }
  return {
    id,
    format,
    contextLength: tokens(id, 'contextLength', contextLength),
    ...(maxOutputTokens !== undefined && { maxOutputTokens: tokens(id, 'maxOutputTokens', maxOutputTokens) }),
    features: features as ConverseFeature[],
  };
}

function tokens(id: string, name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new Error(`model ${id} has ${name} ${quote(value)}, wanted a number of tokens`);
}

function embeddingModels(value: unknown): EmbeddingModel[] {
  return models(value).map(({ id, dimensions, format }) => {
    const lengths = DIMENSIONS[format as EmbeddingFormat] as readonly number[] | undefined;
    if (lengths === undefined || !Object.hasOwn(DIMENSIONS, format as string)) {
      throw new Error(`model ${id} has format ${quote(format)}, wanted any of ${Object.keys(DIMENSIONS).join(', ')}`);
    }
    if (!lengths.includes(dimensions as number)) {
      throw new Error(`model ${id} has dimensions ${quote(dimensions)}, wanted any of ${lengths.join(', ')}`);
    }
    return { id, dimensions: dimensions as number, format: format as EmbeddingFormat };
  });
}

type ModelEntry = { readonly id: string } & Readonly<Record<string, unknown>>;

function models(value: unknown): ModelEntry[] {
  if (!Array.isArray(value)) throw new Error('wanted a JSON array of models');
  const seen = new Set<string>();
  return value.map((item: unknown) => {
    const model = (typeof item === 'object' && item !== null ? item : {}) as { id?: unknown };
    if (typeof model.id !== 'string' || !MODEL_ID.test(model.id))
      throw new Error(`got ${quote(item)}, wanted an object with a model id`);
    if (seen.has(model.id)) throw new Error(`model ${model.id} is there twice`);
    seen.add(model.id);
    return model as ModelEntry;
  });
}
