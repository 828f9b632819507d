import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { LettaImage } from './letta-image';
import { LettaLoadBalancerOptions } from './letta-load-balancer-options';
import { ToolSandbox } from './tool-sandbox';

/** What can be chosen about a Letta service, in `LettaService` and in `LettaBedrockStack` alike. */
export interface LettaServiceOptions extends LettaLoadBalancerOptions {
  /**
   * The Letta server's image.
   *
   * @default - `LettaImage.fromPackage()`
   */
  readonly image?: LettaImage;

  /**
   * The gateway's image.
   *
   * @default - built from this package
   */
  readonly gatewayImage?: ecs.ContainerImage;

  /**
   * Image of Debian 12 with Node.js 24 to build the gateway's image on, e.g. one that your registry mirrors, or one that a
   * digest holds still: `node:24-bookworm-slim@sha256:…`. For Letta's own image see `LettaImage.fromPackage()`. Not together
   * with `gatewayImage`.
   *
   * @default - `node:24-bookworm-slim`, as it is when the image is built
   */
  readonly gatewayBaseImage?: string;

  /**
   * Processor of the tasks, and of the images that this package builds.
   *
   * @default - X86_64, which every build machine can build
   */
  readonly cpuArchitecture?: ecs.CpuArchitecture;

  /**
   * CPU units of a task; 1024 are one vCPU.
   *
   * @default 1024
   */
  readonly cpu?: number;

  /**
   * Memory of a task in MiB. Must fit Fargate's table for `cpu`, and 540 MiB for each worker beside the gateway.
   *
   * @default 2048
   */
  readonly memoryLimitMiB?: number;

  /**
   * Number of tasks, spread over the availability zones.
   *
   * @default 2
   */
  readonly desiredCount?: number;

  /**
   * Processes of one Letta server (`LETTA_UVICORN_WORKERS`).
   *
   * @default 1
   */
  readonly uvicornWorkers?: number;

  /**
   * How long Letta keeps an idle connection of the gateway open (`LETTA_UVICORN_TIMEOUT_KEEP_ALIVE`).
   *
   * @default - one minute longer than `idleTimeout`
   */
  readonly uvicornKeepAlive?: Duration;

  /**
   * Database connections that each worker keeps (`LETTA_PG_POOL_SIZE`). The public documents' value is 80.
   *
   * @default 25
   */
  readonly pgPoolSize?: number;

  /**
   * Database connections that each worker opens beyond its pool (`LETTA_PG_MAX_OVERFLOW`). The public documents' value
   * is 30.
   *
   * @default 10
   */
  readonly pgMaxOverflow?: number;

  /**
   * How long a request waits for a database connection (`LETTA_PG_POOL_TIMEOUT`).
   *
   * @default Duration.seconds(30)
   */
  readonly pgPoolTimeout?: Duration;

  /**
   * Age at which a database connection is replaced (`LETTA_PG_POOL_RECYCLE`).
   *
   * @default Duration.minutes(30)
   */
  readonly pgPoolRecycle?: Duration;

  /**
   * Database connections kept free, at least 5. Postgres and RDS keep 5 for superusers, a migration opens 5 and the set-up 1;
   * the rest is for operators.
   *
   * The limit of the database (`maxConnections`) must have room for them and for `pgPoolSize` + `pgMaxOverflow` connections of
   * each of `uvicornWorkers` in twice the tasks, since a deployment runs old and new ones beside each other. The tasks are
   * `desiredCount`, or the `maxCapacity` of `scaleOnTurns`, and those of other services on the same database. More
   * is an error at synth.
   *
   * @default 20
   */
  readonly databaseConnectionReserve?: number;

  /**
   * How long a new task may fail its health check. Letta takes 12-24 s to start on a free vCPU.
   *
   * @default Duration.minutes(3)
   */
  readonly healthCheckGracePeriod?: Duration;

  /**
   * Secret whose plain string is the API password: 16 characters at least, visible ASCII and blanks between them. With
   * less the gateway does not start.
   *
   * @default - generated: 48 letters and digits
   */
  readonly apiPassword?: secretsmanager.ISecret;

  /**
   * Secret whose plain string is the administrators' password, with as many characters. Its holders may do what holders of the API password may,
   * and call the routes that are for administrators only.
   *
   * @default - none: nobody may call those routes
   */
  readonly administratorPassword?: secretsmanager.ISecret;

  /**
   * Most turns that one task works on at once. One more is answered 429 with `Retry-After`, so that clients wait
   * instead of all being slow. At most 100,000.
   *
   * @default - 64 for each of `uvicornWorkers`: one worker manages about 6 turns a second, so that many are in flight
   *   when its models take ten seconds
   */
  readonly maxConcurrentTurns?: number;

  /**
   * Web origins whose pages may call the API, e.g. `https://app.letta.com`.
   *
   * @default - none
   */
  readonly corsOrigins?: string[];

  /**
   * Where the code of callers' tools runs, e.g. `ToolSandbox.function()`; opens the routes by which callers bring tools and run
   * them. Not together with `unsafeToolsInLettaContainer`.
   *
   * @default - nowhere: callers can bring no tools
   */
  readonly customTools?: ToolSandbox;

  /**
   * Lets callers bring tools whose code runs **inside the Letta container**, where it acts as Letta itself on the
   * database and the models (CVE-2025-51482): better give `customTools`. Gives a warning.
   *
   * @default false
   */
  readonly unsafeToolsInLettaContainer?: boolean;

  /**
   * What may be reached outside, by the name a caller uses and a port: `mcp.example.com:443`, `10.2.0.7:8443`,
   * `[2001:db8::7]:443`. No wildcards. Gives a warning: whatever agents know can be sent there.
   *
   * This tells the egress proxy only, which serves what heeds `HTTPS_PROXY` and connects to no loopback, link-local or
   * multicast address, whatever a name resolves to. The network stays closed until you open it too: a route there (a
   * sealed network has none; add peering, a transit gateway or an endpoint, or bring a `vpc`), the security group
   * (`service.connections.allowTo(ec2.Peer.ipv4('10.2.0.7/32'), ec2.Port.tcp(8443))`), and name resolution: the network
   * that `LettaBedrockStack` makes answers these names, a `SealedNetwork` of yours wants them in `allowedDomains`.
   *
   * @default - nothing
   */
  readonly allowedEgress?: string[];

  /**
   * Opens the routes by which callers add model providers of their own. The egress proxy refuses every host that
   * `allowedEgress` does not name, and their keys are stored unencrypted in the database, since `LETTA_ENCRYPTION_KEY`
   * is not set. Gives a warning.
   *
   * @default false
   */
  readonly externalProviders?: boolean;

  /**
   * Opens the routes by which callers connect MCP servers. The egress proxy refuses every host that `allowedEgress` does
   * not name, and their credentials are stored unencrypted in the database, since `LETTA_ENCRYPTION_KEY` is not set.
   * Gives a warning.
   *
   * @default false
   */
  readonly mcpServers?: boolean;

  /**
   * Lets callers import agent files. The gateway reads each file and refuses one with tools that are not Letta's own,
   * unless `customTools` or `unsafeToolsInLettaContainer` is set, or with MCP servers, unless `mcpServers` is. Gives a warning.
   *
   * @default false
   */
  readonly agentImport?: boolean;

  /**
   * Cluster that runs the tasks.
   *
   * @default - a new one, with container insights
   */
  readonly cluster?: ecs.ICluster;

  /**
   * Role the gateway signs its AWS calls with. What it needs is added to it.
   *
   * @default - a new one
   */
  readonly taskRole?: iam.IRole;

  /**
   * Role that pulls the images and writes the logs. What it needs is added to it.
   *
   * @default - a new one
   */
  readonly executionRole?: iam.IRole;

  /**
   * Security group of the tasks.
   *
   * @default - a new one that allows nothing but what is granted
   */
  readonly securityGroup?: ec2.ISecurityGroup;

  /**
   * Security group of the task that migrates the database. It is let to the database; what it needs of AWS is its images
   * and its logs.
   *
   * @default - `securityGroup` if that is given, since whoever brings groups may not want others made; else a new one that
   *   allows nothing but what is granted
   */
  readonly migrationSecurityGroup?: ec2.ISecurityGroup;

  /**
   * How many of the snapshots are kept that are taken of the database before another image migrates it; the oldest beyond that
   * are deleted once a migration went well. They outlive the stack. 0: none is taken.
   *
   * @default 3, if the database says its `instanceIdentifier` or `clusterIdentifier`, else 0
   */
  readonly migrationSnapshots?: number;

  /**
   * Log group of the tasks and of the migration, in the same region. Keep and encrypt it as you wish: `logRetention` and
   * `encryptionKey` are for the log groups that are made.
   *
   * @default - one for the tasks and one for the migration
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * How long logs are kept, the access logs included.
   *
   * @default - three months
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * What CloudWatch Logs hides in the log groups of tasks and database that are made, e.g. `LogDataProtection.credentialsAndPersonalData()`.
   *
   * @default - nothing
   */
  readonly logDataProtection?: logs.DataProtectionPolicy;

  /**
   * What happens to logs when they leave the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly logRemovalPolicy?: RemovalPolicy;

  /**
   * Key that encrypts log groups and the generated password. The policy of an imported
   * key must allow that: see `encryptionKeyAllowsUse`.
   *
   * @default - AWS-owned keys
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements. A key that the app
   * makes is given them.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;
}
