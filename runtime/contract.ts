/**
 * The only file that constructs (`lib/`) and what runs in the account (`runtime/`) both import: names that must not
 * drift between the side that writes them into a template and the side that reads them from its environment.
 */
import { BlockList, isIPv6 } from 'net';

/** Ports of one task. Everything but `API` and `SANDBOX_EGRESS` listens on loopback only. */
export const Port = {
  /** The gateway's API front: the only port that listens beyond loopback. */
  API: 8283,
  /** The Letta server. */
  LETTA: 8284,
  /** STS and Bedrock for Letta. */
  AWS: 4566,
  /** An Ollama-shaped server: chat models that are not Claude, and embeddings. */
  OLLAMA: 11434,
  /** Redis relay. */
  CACHE: 6379,
  /** Egress proxy: refuses all but what is on its allow-list. */
  EGRESS: 3128,
  /** PgBouncer. */
  DATABASE: 6432,
  /** Open while the gateway of a migration holds the lock on migrations of its database. */
  MIGRATION_LOCK: 6433,
  /** Where Letta asks for a sandbox: E2B's control API. The three ports are fixed in E2B's client. */
  SANDBOX_CONTROL: 3000,
  /** Where Letta sends a tool's code: E2B's code interpreter. */
  SANDBOX_EXECUTE: 49999,
  /** Where Letta runs commands in a sandbox, such as `pip install`: E2B's envd. */
  SANDBOX_COMMANDS: 49983,
  /** Egress proxy for the tool sandbox, beyond loopback; it listens only if the sandbox has endpoints it may reach. */
  SANDBOX_EGRESS: 3129,
} as const;

/** What a gateway process serves; `GATEWAY_LISTENERS` names them, comma-separated. */
export const Listener = {
  API: 'api',
  AWS: 'aws',
  OLLAMA: 'ollama',
  CACHE: 'cache',
  EGRESS: 'egress',
  DATABASE: 'database',
  /** Of the migration's task alone: healthy only while no other migration of the database can run. */
  MIGRATION_LOCK: 'migration-lock',
  SANDBOX: 'sandbox',
} as const;
export type Listener = (typeof Listener)[keyof typeof Listener];

/** Environment variables of the gateway container. */
export const GatewayVariable = {
  /** Comma-separated `Listener`s to start. */
  LISTENERS: 'GATEWAY_LISTENERS',
  /** Region of every AWS call. */
  REGION: 'AWS_REGION',
  /** DNS suffix of AWS endpoints, e.g. `amazonaws.com`. */
  URL_SUFFIX: 'GATEWAY_AWS_URL_SUFFIX',
  /** PEM file with the authorities that AWS endpoints and ElastiCache are verified against. */
  AWS_CA_FILE: 'GATEWAY_AWS_CA_FILE',
  /** ARN of the secret whose plain string is the API password. (api) */
  API_PASSWORD_SECRET: 'GATEWAY_API_PASSWORD_SECRET_ARN',
  /** Comma-separated `RouteGroup`s that are open. Empty: all closed. (api) */
  OPEN_ROUTES: 'GATEWAY_OPEN_ROUTES',
  /** Comma-separated origins whose browsers may call. Empty: none. (api) */
  CORS_ORIGINS: 'GATEWAY_CORS_ORIGINS',
  /** Seconds that a turn, a call of Bedrock or a passage of the egress proxy may stay silent before it is cut. */
  IDLE_TIMEOUT: 'GATEWAY_IDLE_TIMEOUT_SECONDS',
  /** Seconds between SIGTERM and the end of the process. */
  STOP_TIMEOUT: 'GATEWAY_STOP_TIMEOUT_SECONDS',
  /** `true`: the gateway has ECS spare this task while long work is in flight. (api) */
  TASK_PROTECTION: 'GATEWAY_TASK_PROTECTION',
  /** ARN of the secret whose plain string is the administrators' password. Unset: nobody is an administrator. (api) */
  ADMINISTRATOR_PASSWORD_SECRET: 'GATEWAY_ADMINISTRATOR_PASSWORD_SECRET_ARN',
  /** Most turns in flight at once; one more gets 429. (api) */
  MAX_CONCURRENT_TURNS: 'GATEWAY_MAX_CONCURRENT_TURNS',
  /** `true`: the API front speaks TLS, with a certificate it makes itself at its start. (api) */
  API_TLS: 'GATEWAY_API_TLS',
  /** Comma-separated `host:port` that the egress proxy lets out. Empty: none. (egress) */
  EGRESS_ALLOW: 'GATEWAY_EGRESS_ALLOW',
  /** Value of the metrics' dimension `Service`. */
  SERVICE_NAME: 'GATEWAY_SERVICE_NAME',
  /** JSON array of `ChatModel`, of both formats: one serves Claude, the other all else. (aws, ollama) */
  CHAT_MODELS: 'GATEWAY_CHAT_MODELS',
  /** JSON array of `EmbeddingModel`. (ollama) */
  EMBEDDING_MODELS: 'GATEWAY_EMBEDDING_MODELS',
  /** Guardrail identifier (id or ARN) sent with every chat call, InvokeModel's and Converse's. Unset: none. (aws, ollama) */
  GUARDRAIL_ID: 'GATEWAY_GUARDRAIL_ID',
  /** Guardrail version; set exactly when GUARDRAIL_ID is. (aws, ollama) */
  GUARDRAIL_VERSION: 'GATEWAY_GUARDRAIL_VERSION',
  DATABASE_HOST: 'GATEWAY_DATABASE_HOST',
  DATABASE_PORT: 'GATEWAY_DATABASE_PORT',
  DATABASE_NAME: 'GATEWAY_DATABASE_NAME',
  /** Postgres role the gateway signs IAM tokens for. (database) */
  DATABASE_USER: 'GATEWAY_DATABASE_USER',
  /** PEM file with the authorities of the database's certificate; verify-full. (database) */
  DATABASE_CA_FILE: 'GATEWAY_DATABASE_CA_FILE',
  /** Most server connections PgBouncer opens. (database) */
  DATABASE_MAX_CONNECTIONS: 'GATEWAY_DATABASE_MAX_CONNECTIONS',
  /** Endpoint host of the replication group. (cache) */
  CACHE_HOST: 'GATEWAY_CACHE_HOST',
  CACHE_PORT: 'GATEWAY_CACHE_PORT',
  /** Replication group id: the host that an ElastiCache IAM token is signed for. (cache) */
  CACHE_NAME: 'GATEWAY_CACHE_NAME',
  /** ElastiCache user id, equal to its user name. (cache) */
  CACHE_USER: 'GATEWAY_CACHE_USER',
  /** JSON `SandboxSettings`; set exactly when `LISTENERS` has `sandbox`. (sandbox) */
  SANDBOX: 'GATEWAY_SANDBOX',
} as const;
export type GatewayVariable = (typeof GatewayVariable)[keyof typeof GatewayVariable];

/**
 * Characters of a password that the gateway starts with, at least. Back-off slows one network down, not many at once: it is
 * the length that makes guessing hopeless.
 */
export const PASSWORD_LEAST_LENGTH = 16;

/** A guardrail's version: its number, or the draft. */
export const GUARDRAIL_VERSION = /^([1-9]\d{0,7}|DRAFT)$/;

/** The largest numbers that the gateway starts with: what is larger is a slip. */
export const GatewayMaximum = {
  CONCURRENT_TURNS: 100_000,
  DATABASE_CONNECTIONS: 100_000,
} as const;

/** A chat model of the gateway's allow-list. */
export interface ChatModel {
  /** Inference profile or foundation model id, as Letta's handle ends: `bedrock/<id>` or, by Converse, `ollama/<id>`. */
  readonly id: string;
  /** How the gateway offers it to Letta. */
  readonly format: ChatFormat;
  /** Tokens that the model's context holds; set exactly for `converse`, where nobody else tells Letta. */
  readonly contextLength?: number;
  /** Tokens that one answer may have; a caller that asks for more gets this many. For `converse` alone. */
  readonly maxOutputTokens?: number;
  /** What the model can do that not every model behind Converse can. For `converse` alone; unset: nothing of it. */
  readonly features?: readonly ConverseFeature[];
}

/** What not every model that Converse speaks to can do, though all of them know tools. */
export const ConverseFeature = {
  /** It takes images. */
  IMAGES: 'images',
  /** It streams while it has tools; of another one the answer comes in one piece. */
  STREAMED_TOOLS: 'streamedTools',
  /** It can be made to call some tool. */
  ANY_TOOL: 'anyTool',
  /** It can be made to call a certain tool. */
  NAMED_TOOL: 'namedTool',
} as const;
export type ConverseFeature = (typeof ConverseFeature)[keyof typeof ConverseFeature];

/** `anthropic`: Letta speaks to it itself (InvokeModel). `converse`: the gateway translates from OpenAI's chat shape. */
export type ChatFormat = 'anthropic' | 'converse';

/** Request formats of the embedding models the gateway speaks. */
export type EmbeddingFormat = 'titan-v1' | 'titan-v2' | 'cohere-v3' | 'cohere-v4';

/** An embedding model of the gateway's allow-list. */
export interface EmbeddingModel {
  /** Foundation model or inference profile id, as Letta's handle `ollama/<id>` ends. */
  readonly id: string;
  readonly dimensions: number;
  readonly format: EmbeddingFormat;
}

/** Groups of routes that are closed unless opened by the `LettaService` prop of the same name. */
export const RouteGroup = {
  /** Opened by a tool sandbox, not by a flag. */
  CUSTOM_TOOLS: 'customTools',
  UNSAFE_TOOLS_IN_LETTA_CONTAINER: 'unsafeToolsInLettaContainer',
  EXTERNAL_PROVIDERS: 'externalProviders',
  MCP_SERVERS: 'mcpServers',
  AGENT_IMPORT: 'agentImport',
} as const;
export type RouteGroup = (typeof RouteGroup)[keyof typeof RouteGroup];

/** Where things stand inside the images; the Dockerfiles and the constructs agree on these. */
export const ImagePath = {
  /** The gateway's writable folder (tmpfs or volume): PgBouncer's configuration and its current token. */
  GATEWAY_RUN: '/run/gateway',
  GATEWAY_HEALTHCHECK: '/opt/gateway/dist/healthcheck.js',
  /** Authorities of AWS service endpoints and ElastiCache. */
  GATEWAY_AWS_CA: '/opt/gateway/ca/aws.pem',
  /** Authorities of RDS. */
  GATEWAY_DATABASE_CA: '/opt/gateway/ca/rds.pem',
  /** Letta's HOME: it writes `~/.letta` and its OpenAPI files there. */
  LETTA_HOME: '/var/lib/letta',
  /** Where `alembic.ini` and `alembic/` stand: the migration's working directory. Read-only. */
  LETTA_MIGRATIONS: '/opt/letta/migrations',
  TMP: '/tmp',
} as const;

/** uid:gid the containers run as; the Dockerfiles make these users and give them their volumes. */
export const ContainerUser = {
  GATEWAY: '10001:10001',
  LETTA: '10002:10002',
} as const;

/** Placeholder credentials in Letta's environment: the gateway replaces them by the task role's signature. */
export const PLACEHOLDER_CREDENTIAL = 'the-gateway-signs';

/** Postgres roles and names the set-up function creates. */
export const DatabaseRole = {
  /** Owns the schema, runs migrations. IAM login. */
  MIGRATOR: 'letta_migrator',
  /** DML only, what the service uses. IAM login. */
  RUNTIME: 'letta_runtime',
} as const;

/** Environment variables of the database set-up function. */
export const SetupVariable = {
  HOST: 'DATABASE_HOST',
  PORT: 'DATABASE_PORT',
  NAME: 'DATABASE_NAME',
  /** ARN of the master secret: JSON with `username` and `password`. */
  MASTER_SECRET: 'DATABASE_MASTER_SECRET_ARN',
} as const;

/** The database role of the retention: sees ids and times of messages, deletes them, and reads nothing they say. IAM login. */
export const RETENTION_ROLE = 'letta_retention';

/** Properties of the custom resource that makes the retention's role, by the set-up's function. */
export interface RetentionRoleProperties {
  readonly schema: string;
  readonly migratorRole: string;
  readonly retentionRole: string;
  /** Changes when the statements change, so that an update runs them again. */
  readonly revision: string;
}

/** Environment variables of the retention function. */
export const RetentionVariable = {
  HOST: 'DATABASE_HOST',
  PORT: 'DATABASE_PORT',
  NAME: 'DATABASE_NAME',
  /** Whole seconds that messages are kept. */
  MAXIMUM_AGE: 'RETENTION_SECONDS',
  /** Ids of agents that are held, with commas; may be empty. */
  HELD_AGENTS: 'HELD_AGENTS',
  /** Tag of agents that are held. */
  HOLD_TAG: 'HOLD_TAG',
  /** `true` or `false`. */
  DRY_RUN: 'DRY_RUN',
} as const;

/** Environment variables of the task that exports and restores agents. The password is in none of them, only its secret's name. */
export const ExportVariable = {
  /** URL of the service's API, without a path. */
  API_URL: 'EXPORT_API_URL',
  /** ARN of the secret with the API password. */
  PASSWORD_SECRET: 'EXPORT_PASSWORD_SECRET_ARN',
  BUCKET: 'EXPORT_BUCKET',
  /** What every key begins with, without a slash at its end; may be empty. */
  PREFIX: 'EXPORT_PREFIX',
  REGION: 'AWS_REGION',
  /** PEM text of authorities that the API's certificate may be of, beside those that Node.js knows. Unset: none. */
  API_CA: 'EXPORT_API_CA',
  /** Value of the metrics' dimension `Service`. */
  SERVICE_NAME: 'EXPORT_SERVICE_NAME',
} as const;

/** CloudWatch metrics of a run, in the embedded metric format of its log, under `METRIC_NAMESPACE` and by `MetricDimension.SERVICE`. */
export const ExportMetric = {
  /** 1 for an export that has its manifest and every agent, 0 for one that ended otherwise. */
  EXPORT_COMPLETE: 'ExportComplete',
  AGENTS_EXPORTED: 'AgentsExported',
  /** Count of agents that an export should have and has not; those that were deleted meanwhile are none. */
  AGENTS_NOT_EXPORTED: 'AgentsNotExported',
  PASSAGES_EXPORTED: 'PassagesExported',
  /** Milliseconds of an export. */
  EXPORT_DURATION: 'ExportDuration',
} as const;
export type ExportMetric = (typeof ExportMetric)[keyof typeof ExportMetric];

/** The program in the gateway's image that exports and restores agents: `node <path> export`, `node <path> restore --export latest`. */
export const EXPORT_PROGRAM = '/opt/gateway/dist/export.js';

/** Seconds that a migration waits for another one of the same database, before it gives up. */
export const MIGRATION_LOCK_WAIT_SECONDS = 120;

/** Properties of the set-up custom resource. */
export interface SetupProperties {
  readonly schema: string;
  readonly migratorRole: string;
  readonly runtimeRole: string;
  /** Changes when the set-up's statements change, so that an update runs it again. */
  readonly revision: string;
}

/**
 * Properties of the migration custom resource. They carry everything the step needs (none of it is in the function's
 * environment), so that a rollback, which calls the step with the old properties, runs the old task definition.
 *
 * The function calls `ecs:RunTask` (with `iam:PassRole`), `ecs:DescribeTasks`, `logs:GetLogEvents` on `logGroup`, and
 * `cloudformation:DescribeStacks` on its own stack, to accept a database that is ahead of the image during a rollback.
 */
export interface MigrationProperties extends SnapshotOfProperties {
  /** How many snapshots are kept once a migration went well; a whole number as text. Left out if none are taken. */
  readonly keepSnapshots?: string;
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly subnets: string[];
  readonly securityGroups: string[];
  /** Log group and stream prefix of the task's containers: streams are `<prefix>/<container>/<task id>`. */
  readonly logGroup: string;
  readonly logStreamPrefix: string;
}

/** The custom resource that keeps a copy of the database before another image migrates it, by the migration's function. */
export const MIGRATION_SNAPSHOT = 'Custom::LettaMigrationSnapshot';

/** Which database snapshots are taken of: one of the two. */
export interface SnapshotOfProperties {
  /** Identifier of the DB instance. */
  readonly databaseInstance?: string;
  /** Identifier of the DB cluster (Aurora). */
  readonly databaseCluster?: string;
}

/** Its properties. An update that changes the image takes a snapshot. */
export interface MigrationSnapshotProperties extends SnapshotOfProperties {
  /** Image that migrates. */
  readonly image: string;
}

/** What the name of a snapshot before a migration begins with. */
export function migrationSnapshotPrefix(database: string): string {
  return `${database}-before-migration-`;
}

/** What the gateway is told of the tool sandbox. */
export type SandboxSettings = SandboxLimits &
  (
    | {
        readonly kind: 'function';
        /** ARN of the function that runs tools. */
        readonly functionArn: string;
        /** `host:port` that tools may reach through the gateway's proxy. */
        readonly allowedEndpoints: readonly string[];
      }
    | {
        readonly kind: 'codeInterpreter';
        /** Identifier of the AgentCore code interpreter. */
        readonly codeInterpreterId: string;
        /** Seconds that an agent's session is kept after its last run. */
        readonly sessionIdleSeconds: number;
      }
  );

export interface SandboxLimits {
  /** Seconds that one run may take. */
  readonly timeoutSeconds: number;
  /** Most runs of one agent at once. */
  readonly maxRunsPerAgent: number;
}

/** Limits of one run, in bytes. A synchronous invocation of Lambda takes and answers 6 MB (Lambda quotas). */
export const SandboxMaximum = {
  /** Longest a run may take, in seconds: Letta's client gives up after 300 s of silence. */
  TIMEOUT_SECONDS: 270,
  /** A tool's code with its arguments, as Letta sends them. */
  CODE: 1024 * 1024,
  /** All environment variables of a run together. */
  ENVIRONMENT: 256 * 1024,
  RESULT: 2 * 1024 * 1024,
  /** Of stdout and stderr each; what is longer is cut. */
  OUTPUT: 256 * 1024,
} as const;

/** Environment variables of the sandbox function. */
export const SandboxVariable = {
  /**
   * `true`: tools get the credentials of the function's role (`AWS_ACCESS_KEY_ID` …, `AWS_REGION`), because they may invoke
   * certain functions. Unset: they get none.
   */
  PASS_CREDENTIALS: 'SANDBOX_PASS_CREDENTIALS',
} as const;

export type SandboxLanguage = 'python' | 'javascript' | 'typescript';

/** What the sandbox function is invoked with. */
export type SandboxRequest = SandboxRun | SandboxPackageQuestion;

export interface SandboxRun {
  readonly kind: 'run';
  readonly language: SandboxLanguage;
  /** Notebook semantics: the result is the value of the last expression. */
  readonly code: string;
  /** The run's whole environment besides PATH, HOME and the like: what users set in Letta, and LETTA_…_ID. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** URL of the gateway's proxy with this run's own user and password. Unset: nothing outside can be reached. */
  readonly proxy?: string;
}

/** Asks whether packages are there; nothing is ever installed by a run. */
export interface SandboxPackageQuestion {
  readonly kind: 'packages';
  readonly manager: 'pip' | 'npm';
  /** As Letta gives them: `requests`, `pandas==2.2.0`, `left-pad@1.3.0`. */
  readonly requirements: readonly string[];
}

export interface SandboxRunAnswer {
  /**
   * `result`: it came to its end. `error`: it raised, or cannot be parsed. `timeout`: it took too long. `memory`: it was
   * out of memory. `died`: its process ended before its end (exit, a signal). `size`: its result is too large.
   */
  readonly outcome: 'result' | 'error' | 'timeout' | 'memory' | 'died' | 'size';
  /** Text of the last expression's value; unset for None, undefined, or no expression. For `result` alone. */
  readonly result?: string;
  /** What Letta tells the agent. For all but `result`. */
  readonly error?: { readonly name: string; readonly value: string; readonly traceback: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface SandboxPackageAnswer {
  /** The requirements that the sandbox does not fulfil, each with what it has instead. */
  readonly missing: readonly { readonly requirement: string; readonly reason: string }[];
}

/** Container names, which logs, load balancer and migration waiter refer to. */
export const ContainerName = {
  GATEWAY: 'gateway',
  LETTA: 'letta',
} as const;

/** The Letta release this library is made for; PyPI's `letta` 0.32 and later is another product. */
export const LETTA_VERSION = '0.16.8';

/** CloudWatch metrics of the gateway, in the embedded metric format of its log. */
export const METRIC_NAMESPACE = 'CdkLetta';

/** Dimensions of the metrics: `Service` on all of them, `Model` on those of model calls as well. */
export const MetricDimension = {
  SERVICE: 'Service',
  MODEL: 'Model',
} as const;

export const Metric = {
  /** Count of calls of allowed models, those included that failed on the way to Bedrock. By model. */
  MODEL_CALLS: 'ModelCalls',
  /** Count of model calls that failed, throttling and broken-off streams included. By model. */
  MODEL_CALLS_FAILED: 'ModelCallsFailed',
  /** Count of model calls that Bedrock throttled. By model. */
  MODEL_CALLS_THROTTLED: 'ModelCallsThrottled',
  /** Milliseconds of a model call, from the request's arrival to the end of its answer. By model. */
  MODEL_LATENCY: 'ModelLatency',
  INPUT_TOKENS: 'InputTokens',
  OUTPUT_TOKENS: 'OutputTokens',
  CACHE_READ_INPUT_TOKENS: 'CacheReadInputTokens',
  CACHE_WRITE_INPUT_TOKENS: 'CacheWriteInputTokens',
  /** Chat models offered to Letta. With none a task is not healthy. */
  CHAT_MODELS_LISTED: 'ChatModelsListed',
  /** 1 while letta, database, cache and Bedrock all answer, else 0. */
  READY: 'Ready',
  /** Count of connections that the egress proxy refused. */
  EGRESS_REFUSED: 'EgressRefused',
  /** Count of wrong API passwords. */
  AUTHENTICATION_FAILED: 'AuthenticationFailed',
  /** Count of turns refused because too many were in flight. */
  TURNS_REFUSED: 'TurnsRefused',
  /** Turns in flight in a task, its average over a minute; also 0. Scaling follows it. */
  TURNS_IN_FLIGHT: 'TurnsInFlight',
  /** Count of runs of callers' tools, in whatever way they ended. */
  TOOL_RUNS: 'ToolRuns',
  /** Count of runs that ended in an error of the tool's own, a limit's included. */
  TOOL_RUNS_FAILED: 'ToolRunsFailed',
  /** Count of runs that the sandbox could not do: it was throttled, gone, or answered nonsense. */
  TOOL_SANDBOX_FAILED: 'ToolSandboxFailed',
  /** Count of runs refused because their agent, or all of them together, had too many going on. */
  TOOL_RUNS_REFUSED: 'ToolRunsRefused',
  /** Milliseconds of a run, from Letta's request to the end of its answer. */
  TOOL_RUN_LATENCY: 'ToolRunLatency',
} as const;
export type Metric = (typeof Metric)[keyof typeof Metric];

const CLOSED_IPV4 = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'];

/**
 * Networks of the task itself, its credentials and nobody in particular (unspecified, loopback, link-local, multicast,
 * reserved; the EC2 services' own IPv6 addresses). IPv4-mapped IPv6 addresses (::ffff:0:0/96) are missing: `BlockList`
 * looks them up among the IPv4 ones by itself.
 */
const CLOSED_NETWORKS = {
  ipv4: CLOSED_IPV4,
  ipv6: ['::/127', 'fe80::/10', 'ff00::/8', 'fd00:ec2::/32', ...CLOSED_IPV4.flatMap(insideIpv6)],
};

const closed = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const) {
  for (const network of CLOSED_NETWORKS[family]) {
    const [address, prefix] = network.split('/');
    closed.addSubnet(address, Number(prefix), family);
  }
}

/** Whether no egress leads to this address, whatever is allowed. The props refuse it, and the egress proxy again. */
export function isClosedAddress(address: string): boolean {
  return closed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** An IPv4 network as IPv6 addresses that lead to it: IPv4-compatible, translated (SIIT), NAT64 and 6to4. */
function insideIpv6(network: string): string[] {
  const [address, prefix] = network.split('/');
  const [a, b, c, d] = address.split('.').map(Number);
  const group = (high: number, low: number) => (high * 256 + low).toString(16);
  return [
    ...['::', '::ffff:0:', '64:ff9b::'].map((before) => `${before}${address}/${96 + Number(prefix)}`),
    `2002:${group(a, b)}:${group(c, d)}::/${16 + Number(prefix)}`,
  ];
}
