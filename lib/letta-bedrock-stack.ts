import { Annotations, CfnOutput, Fn, RemovalPolicy, Stack, StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { createHash } from 'crypto';
import { AwsService } from './aws-service';
import { BedrockAccess } from './bedrock-access';
import { IBedrockGuardrail } from './bedrock-guardrail';
import { BedrockModel } from './bedrock-model';
import { CacheEngine } from './cache-engine';
import { Guardrail, GuardrailProps } from './guardrail';
import { ILettaCache, LettaCache } from './letta-cache';
import { ILettaDatabase, LettaDatabase, LettaDatabaseProps } from './letta-database';
import { LettaService } from './letta-service';
import { LettaServiceOptions } from './letta-service-options';
import { domainsOf } from './private/allowed-egress';
import { SealedNetwork, SealedNetworkProps } from './sealed-network';
import { VpcEndpoints } from './vpc-endpoints';
import { stateKeyPolicy } from './private/encryption-key';
import { validateKnown } from './private/validation';

/** Properties of `LettaBedrockStack`. */
export interface LettaBedrockStackProps extends StackProps, LettaServiceOptions {
  /**
   * A sealed network that stands already, e.g. one that several servers share. Its endpoints let through what the account
   * has of a service when it is of another stack, for the exact ARNs would make both stacks wait for each other: for a
   * network of this stack give `networkProps`.
   *
   * @default - a new one, unless `vpc` or `endpoints` is given
   */
  readonly network?: SealedNetwork;

  /**
   * Properties of the network that is made: address range, zones, names that its resolver answers, where flow logs go. What
   * it leaves out is as the stack says (`encryptionKey`, `logRetention`, `organizationId`). Not together with `network`,
   * `vpc` or `endpoints`.
   *
   * @default - those of `SealedNetwork`
   */
  readonly networkProps?: SealedNetworkProps;

  /**
   * Network of your own. It must reach Bedrock, Secrets Manager, CloudWatch Logs, ECR and S3: give `endpoints`, or open the
   * way with `stack.service.connections`, that of the migration, `stack.service.migrationClient.connections`, and that of the
   * set-up function, `setupClient.connections` of a `LettaDatabase`. A warning says so until it is acknowledged.
   *
   * @default - the `network`
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of everything, in your own network.
   *
   * @default - isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Ways from your own network to AWS: some are made, others are there already, as its `EndpointSource`s say. Its VPC is
   * then everything's.
   *
   * @default - those of the `network`; none in a `vpc` of your own
   */
  readonly endpoints?: VpcEndpoints;

  /**
   * Id of the organization (`o-…`), whose principals and resources alone the endpoints of the network that is made let
   * through. With `network` or `endpoints`, it is said there.
   *
   * @default - the account alone is checked
   */
  readonly organizationId?: string;

  /**
   * Database of your own.
   *
   * @default - a `LettaDatabase`
   */
  readonly database?: ILettaDatabase;

  /**
   * Instance class of the database that is made, without `db.`. Not together with `database`.
   *
   * @default - that of `LettaDatabase`
   */
  readonly databaseInstanceType?: ec2.InstanceType;

  /**
   * Name or ARN of a snapshot that the database is made of, with all its data: see `LettaDatabase.fromSnapshot`. The database that
   * the stack had before stays in the account and leaves the stack, and so does this one when another snapshot is given. Keep
   * the prop as long as the database is to stay. Not together with `database`.
   *
   * @default - a new database, or the one that is there
   */
  readonly databaseSnapshotIdentifier?: string;

  /**
   * Cache of your own.
   *
   * @default - a `LettaCache`
   */
  readonly cache?: ILettaCache;

  /**
   * Engine of the cache that is made, e.g. `CacheEngine.VALKEY_8_1`. Not together with `cache`.
   *
   * @default - that of `LettaCache`
   */
  readonly cacheEngine?: CacheEngine;

  /**
   * Chat models, the default one first.
   *
   * @default - Claude Sonnet 4.5 and Haiku 4.5 by their profiles for the United States
   */
  readonly models?: BedrockModel[];

  /**
   * Embedding models, the default one first.
   *
   * @default - Titan Text Embeddings v2
   */
  readonly embeddings?: BedrockModel[];

  /**
   * Guardrail that every chat call must carry.
   *
   * @default - none
   */
  readonly guardrail?: IBedrockGuardrail;

  /**
   * Filters of a guardrail that is made, `{}` for those of `Guardrail`. Not together with `guardrail`.
   *
   * @default - no guardrail is made
   */
  readonly guardrailFilters?: GuardrailProps;

  /**
   * Versions of the guardrail that running tasks still carry while a deployment moves to another one: the number before,
   * when you change the guardrail.
   *
   * @default - none
   */
  readonly guardrailVersionsInUse?: string[];

  /**
   * Regions that models may run in, as far as the organization's service control policies allow. A profile that may route
   * to another one is an error at synth.
   *
   * @default - any region
   */
  readonly modelRegions?: string[];

  /**
   * Makes a customer managed key, which rotates every year, and encrypts with it what is kept: database and backups, cache,
   * secrets, the log groups that are made here and the guardrail that is made. Under AWS's own keys stay the load balancer's
   * access logs (AWS writes them to buckets with S3-managed keys only), the tasks' disks, which end with them, the code and
   * settings of functions, and the log group of CDK's function that empties the VPC's default security group. Decide it
   * before the first deployment: a database cannot change its key later. Not together with `encryptionKey`.
   *
   * @default false
   */
  readonly customerManagedKey?: boolean;
}

/** The whole of it: network, database, cache, models, service. */
export class LettaBedrockStack extends Stack {
  /** The network, unless it came with the properties. */
  public readonly network?: SealedNetwork;
  /** The database. */
  public readonly database: ILettaDatabase;
  /** The database, unless it came with the properties: e.g. for a `LettaBackup`. */
  public readonly ownDatabase?: LettaDatabase;
  /** The cache. */
  public readonly cache: ILettaCache;
  /** Key of everything at rest, if there is one. */
  public readonly encryptionKey?: kms.IKey;
  /** The models. */
  public readonly bedrock: BedrockAccess;
  /** The service; `service.allowFrom` says who may reach it. */
  public readonly service: LettaService;

  /**
   * The region's first two zones, named by CloudFormation: with account and region known, `ec2.Vpc` would look them up at
   * synth even when it is told which ones to use.
   */
  public override get availabilityZones(): string[] {
    return [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())];
  }

  public constructor(scope: Construct, id: string, props: LettaBedrockStackProps = {}) {
    super(scope, id, props);
    const { logRetention } = props;
    requireOne(id, { encryptionKey: props.encryptionKey, customerManagedKey: props.customerManagedKey || undefined });
    requireOne(id, { guardrail: props.guardrail, guardrailFilters: props.guardrailFilters });
    const encryptionKey = props.encryptionKey ?? (props.customerManagedKey ? this.customerManagedKey() : undefined);
    this.encryptionKey = encryptionKey;
    stateKeyPolicy(encryptionKey, props.encryptionKeyAllowsUse);
    requireOne(id, { network: props.network, vpc: props.vpc });
    requireOne(id, { network: props.network, endpoints: props.endpoints });
    requireOne(id, { endpoints: props.endpoints, vpc: props.vpc });
    requireOne(id, { network: props.network, organizationId: props.organizationId });
    requireOne(id, { endpoints: props.endpoints, organizationId: props.organizationId });
    requireOne(id, { vpc: props.vpc, organizationId: props.organizationId });
    requireOne(id, { network: props.network, networkProps: props.networkProps });
    requireOne(id, { endpoints: props.endpoints, networkProps: props.networkProps });
    requireOne(id, { vpc: props.vpc, networkProps: props.networkProps });
    requireOne(id, {
      organizationId: props.organizationId,
      'networkProps.organizationId': props.networkProps?.organizationId,
    });
    requireOne(id, { database: props.database, databaseInstanceType: props.databaseInstanceType });
    requireOne(id, { database: props.database, databaseSnapshotIdentifier: props.databaseSnapshotIdentifier });
    requireOne(id, { cache: props.cache, cacheEngine: props.cacheEngine });
    this.network = props.network ?? (props.vpc || props.endpoints ? undefined : this.sealedNetwork(props));
    const endpoints = props.endpoints ?? this.network?.endpoints;
    const vpc = props.vpc ?? endpoints!.vpc;
    const vpcSubnets = props.vpcSubnets ?? this.network?.subnets;
    const { BEDROCK, BEDROCK_RUNTIME, SECRETS_MANAGER, LAMBDA, BEDROCK_AGENTCORE } = AwsService;
    const called = [
      BEDROCK,
      BEDROCK_RUNTIME,
      SECRETS_MANAGER,
      ...(props.customTools ? [LAMBDA, BEDROCK_AGENTCORE] : []),
    ];
    const sourceVpc = endpoints?._makes(...called) ? vpc : undefined;

    this.ownDatabase = props.database
      ? undefined
      : this.newDatabase(props.databaseSnapshotIdentifier, {
          vpc,
          vpcSubnets,
          sourceVpc,
          encryptionKey,
          logRetention,
          logDataProtection: props.logDataProtection,
          instanceType: props.databaseInstanceType,
        });
    this.database = props.database ?? this.ownDatabase!;
    this.cache =
      props.cache ?? new LettaCache(this, 'Cache', { vpc, vpcSubnets, encryptionKey, engine: props.cacheEngine });
    this.bedrock = new BedrockAccess(this, 'Bedrock', {
      models: props.models ?? [BedrockModel.US_CLAUDE_SONNET_4_5, BedrockModel.US_CLAUDE_HAIKU_4_5],
      embeddings: props.embeddings ?? [BedrockModel.TITAN_EMBED_TEXT_V2],
      guardrail:
        props.guardrail ??
        (props.guardrailFilters && new Guardrail(this, 'Guardrail', { encryptionKey, ...props.guardrailFilters })),
      guardrailVersionsInUse: props.guardrailVersionsInUse,
      regions: props.modelRegions,
      sourceVpc,
    });
    this.service = new LettaService(this, 'Service', {
      ...props,
      encryptionKey,
      vpc,
      vpcSubnets,
      sourceVpc,
      database: this.database,
      cache: this.cache,
      bedrock: this.bedrock,
    });

    if (endpoints) {
      const ways = this.network ?? endpoints;
      endpoints.serve(this.service);
      this.service.startsAfter(ways);
      if (this.ownDatabase) {
        endpoints.serve(this.ownDatabase.setupClient);
        this.ownDatabase.startsAfter(ways);
      }
    } else {
      this.warnOfNoWay();
    }
    new CfnOutput(this, 'Url', { value: this.service.url, description: 'Where the Letta API answers' });
    new CfnOutput(this, 'ApiPasswordSecretArn', {
      value: this.service.apiPassword.secretArn,
      description: 'Secret whose value is the API password',
    });
  }

  /** Each snapshot makes a database of its own, beside those that stay when they leave the stack. */
  private newDatabase(snapshotIdentifier: string | undefined, props: LettaDatabaseProps): LettaDatabase {
    if (snapshotIdentifier === undefined) return new LettaDatabase(this, 'Database', props);
    validateKnown(this.node.path, 'databaseSnapshotIdentifier', snapshotIdentifier, 'the database is named after it');
    const id = `Database${createHash('sha256').update(snapshotIdentifier).digest('hex').slice(0, 8)}`;
    return LettaDatabase.fromSnapshot(this, id, { ...props, snapshotIdentifier });
  }

  private sealedNetwork({ networkProps = {}, ...props }: LettaBedrockStackProps): SealedNetwork {
    const names = [
      ...domainsOf(this.node.id, props.allowedEgress),
      ...domainsOf(this.node.id, props.customTools?._allowedEndpoints, 'allowedEndpoints'),
      ...(props.domainName ? [props.domainName] : []),
      ...(networkProps.allowedDomains ?? []),
    ];
    const isFiltered = networkProps.dnsFirewall ?? true;
    return new SealedNetwork(this, 'Network', {
      ...networkProps,
      encryptionKey: networkProps.encryptionKey ?? this.encryptionKey,
      logRetention: networkProps.logRetention ?? props.logRetention,
      organizationId: networkProps.organizationId ?? props.organizationId,
      allowedDomains: isFiltered ? names : networkProps.allowedDomains,
    });
  }

  private warnOfNoWay(): void {
    Annotations.of(this).addWarningV2(
      'cdk-letta:LettaBedrockStack.vpc',
      `${this.node.path}: vpc is given without endpoints, so that no security group has a way to AWS and no task starts, wanted ` +
        "one: give endpoints: new VpcEndpoints(scope, 'Endpoints', { vpc }) in its place, or open the way by " +
        'service.connections, service.migrationClient.connections and the setupClient.connections of a LettaDatabase, and ' +
        'acknowledge this',
    );
  }

  /** It stays with the database, which nobody could read without it. */
  private customerManagedKey(): kms.Key {
    return new kms.Key(this, 'Key', {
      description: 'Everything at rest of the Letta server',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** Of two properties that say the same thing, the second has no effect beside the first. */
function requireOne(id: string, props: Record<string, unknown>): void {
  const [first, second] = Object.keys(props);
  if (props[first] === undefined || props[second] === undefined) return;
  throw new Error(`${id}: ${first} and ${second} are both given, wanted one of them: leave ${second} out`);
}
