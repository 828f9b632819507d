import { Duration, Lazy, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, IDependable } from 'constructs';
import { ContainerName, DatabaseRole, Port } from '../runtime/contract';
import { AwsCall, IAwsClient } from './aws-client';
import { BedrockAccess } from './bedrock-access';
import { ILettaCache } from './letta-cache';
import { ILettaDatabase } from './letta-database';
import { LettaImage } from './letta-image';
import { LettaServiceOptions } from './letta-service-options';
import { allowedEgress } from './private/allowed-egress';
import { validateBroughtParts } from './private/brought-parts';
import { closedSecurityGroup } from './private/closed-security-group';
import { watchConnections } from './private/connection-budget';
import { gatewayEnvironment, lettaEnvironment } from './private/container-environment';
import { imageFromFolder } from './private/container-image';
import { DatabaseMigration } from './private/database-migration';
import { stateKeyPolicy } from './private/encryption-key';
import { limitInlinePolicy } from './private/inline-policy-limit';
import { InternalLoadBalancer } from './private/internal-load-balancer';
import { isolatedPlacement } from './private/isolated-placement';
import { GATEWAY_STOP_TIMEOUT, LettaTask } from './private/letta-task';
import { acknowledge, acknowledgeOwnPolicies, acknowledgeStandards, acknowledgeWildcard } from './private/nag';
import { roleOfOwnStack, securityGroupOfOwnStack } from './private/of-own-stack';
import { openRoutes } from './private/open-routes';
import { grantSecretValue, secretValueCall } from './private/read-secret';
import { ServiceMetrics } from './private/service-metrics';
import { ServiceParts } from './private/service-parts';
import { databaseConnections, serviceSettings } from './private/service-settings';
import { ScaledService, scaleOnTurns } from './private/scale-on-turns';
import { UNSCOPABLE_ACTIONS } from './private/unscopable-actions';
import { MAX_HEALTHY_PERCENT, validatePeer } from './private/validation';
import { IToolSandbox } from './tool-sandbox';
import { TurnScalingProps } from './turn-scaling';

const GROUP_PROPS = ['securityGroup', 'migrationSecurityGroup', 'loadBalancerSecurityGroup'] as const;

/** Properties of `LettaService`. */
export interface LettaServiceProps extends LettaServiceOptions {
  /** Network of the tasks and the load balancer. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the tasks and the load balancer, in at least two availability zones.
   *
   * @default - the VPC's isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /** Where agents and their memory are stored. */
  readonly database: ILettaDatabase;

  /** Where runs in progress are kept. */
  readonly cache: ILettaCache;

  /** Models the service may call. */
  readonly bedrock: BedrockAccess;

  /**
   * VPC whose endpoints the gateway must read its passwords and run callers' tools through (`aws:SourceVpc`). Only where the
   * endpoints of Secrets Manager, and of Lambda or Bedrock AgentCore, are in the VPC, with private DNS.
   *
   * @default - from anywhere
   */
  readonly sourceVpc?: ec2.IVpc;
}

/**
 * The Letta server on Fargate behind an internal load balancer, in two availability zones.
 *
 * Each task is two containers: Letta, which listens on loopback and holds no credential, and the gateway, which checks
 * the API password and speaks to AWS for Letta with the task role. Before tasks of a new version start, a one-shot task
 * migrates the database.
 *
 * Nobody can reach the service until `allowFrom` says so.
 *
 * @throws for a size Fargate has not, too little memory for the workers, more database connections than the database
 *   has, too short an idle time-out, one availability zone, or neither a certificate nor `http`
 */
export class LettaService extends ServiceMetrics implements IAwsClient, iam.IGrantable {
  /** Connections of the tasks, for what they call: endpoints, databases. */
  public readonly connections: ec2.Connections;
  /** What the tasks ask of AWS from inside the VPC; the migration's calls are those of `migrationClient`. */
  public readonly awsCalls: AwsCall[];
  /**
   * The task that migrates the database: it needs ways to its images and its logs, e.g. by `VpcEndpoints.serve`. It has a
   * security group of its own, which the cache, the models and the load balancer know nothing of.
   */
  public readonly migrationClient: IAwsClient;
  /** The migration, which runs before any task starts, the tool sandbox, if it stands in the VPC, and every `LettaExport`. */
  public readonly companions: IAwsClient[];
  /** The task role. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Cluster of the tasks. */
  public readonly cluster: ecs.ICluster;
  /** The service. */
  public readonly service: ecs.FargateService;
  /** Task of gateway and Letta. */
  public readonly taskDefinition: ecs.FargateTaskDefinition;
  /** Logs of gateway and Letta. */
  public readonly logGroup: logs.ILogGroup;
  /** The internal load balancer, e.g. for an alias record with the certificate's name. */
  public readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  /** The load balancer's listener. */
  public readonly listener: elbv2.ApplicationListener;
  /** Secret whose plain string is the API password. */
  public readonly apiPassword: secretsmanager.ISecret;
  /** Where callers' tools run, if anywhere. */
  public readonly toolSandbox?: IToolSandbox;
  /** Where clients connect to: `domainName` if it is given, else the load balancer's own name. */
  public readonly url: string;

  /**
   * What other tasks beside the service's are made of, e.g. those of a `LettaExport`.
   *
   * @internal
   */
  public readonly _parts: ServiceParts;

  protected readonly serviceName: string;
  private readonly migration: DatabaseMigration;
  private readonly serving: (() => void)[] = [];
  private readonly scaled: ScaledService;

  public constructor(scope: Construct, id: string, props: LettaServiceProps) {
    super(scope, id);
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const { vpc, database, cache, bedrock } = props;
    this.serviceName = Names.uniqueResourceName(this, { maxLength: 128, separator: '-' });
    const settings = serviceSettings(this, props);
    validateBroughtParts(this, props);
    const vpcSubnets = isolatedPlacement(this, vpc, props.vpcSubnets, {
      zones: 2,
      reason: 'the load balancer demands two; give vpcSubnets in two zones',
    });
    const architecture = props.cpuArchitecture ?? ecs.CpuArchitecture.X86_64;
    const lettaImage = (props.image ?? LettaImage.fromPackage())._containerImage(this, architecture);
    const gatewayImage = props.gatewayImage ?? imageFromFolder('gateway', architecture, props.gatewayBaseImage);

    this._parts = {
      vpc,
      vpcSubnets,
      gatewayImage,
      cpuArchitecture: architecture,
      sourceVpc: props.sourceVpc,
      encryptionKey: props.encryptionKey,
      isReachedByName: !props.certificate || props.domainName !== undefined,
    };

    const taskRole = roleOfOwnStack(this, 'taskRole', props.taskRole);
    const executionRole = roleOfOwnStack(this, 'executionRole', props.executionRole);
    limitInlinePolicy(this, 'taskRole', taskRole);
    limitInlinePolicy(this, 'executionRole', executionRole);
    const [broughtGroup, migrationGroup, loadBalancerGroup] = GROUP_PROPS.map((prop) =>
      securityGroupOfOwnStack(this, prop, props[prop]),
    );

    const securityGroup =
      broughtGroup ?? closedSecurityGroup(this, 'SecurityGroup', { vpc, description: 'Tasks of the Letta service' });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    // Said from this side, so that the rules stand in this stack when the stores are of another one.
    this.connections.allowToDefaultPort(database, 'Letta service to its database');
    this.connections.allowToDefaultPort(cache, 'Letta service to its cache');

    this.apiPassword = props.apiPassword ?? this.generatedPassword(props);
    this.cluster =
      props.cluster ?? new ecs.Cluster(this, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED });

    this.toolSandbox = props.customTools?._bind(this, {
      vpc,
      vpcSubnets,
      architecture:
        architecture === ecs.CpuArchitecture.ARM64 ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      logRetention: props.logRetention,
      logRemovalPolicy: props.logRemovalPolicy,
      encryptionKey: props.encryptionKey,
    });
    this.toolSandbox?._connect(this, vpc);

    const logSettings = {
      logRetention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      logRemovalPolicy: props.logRemovalPolicy ?? RemovalPolicy.RETAIN,
      logDataProtection: props.logDataProtection,
      encryptionKey: props.encryptionKey,
    };
    const region = Stack.of(this).region;
    const task = new LettaTask(this, 'Task', {
      ...logSettings,
      logGroup: props.logGroup,
      logStreamPrefix: 'task',
      cpu: settings.cpu,
      memoryLimitMiB: settings.memoryLimitMiB,
      cpuArchitecture: architecture,
      taskRole,
      executionRole,
      gatewayImage,
      gatewayEnvironment: gatewayEnvironment({
        ...settings,
        database,
        cache,
        bedrock,
        region,
        databaseRole: DatabaseRole.RUNTIME,
        databaseConnections: databaseConnections(settings),
        stopTimeout: GATEWAY_STOP_TIMEOUT,
        serviceName: this.serviceName,
        apiPasswordSecretArn: this.apiPassword.secretArn,
        administratorPasswordSecretArn: props.administratorPassword?.secretArn,
        allowedEgress: allowedEgress(this, props.allowedEgress),
        openRoutes: openRoutes(this, props),
        sandbox: this.sandboxSettings(),
        corsOrigins: props.corsOrigins ?? [],
      }),
      gatewayPort: Port.API,
      lettaImage,
      lettaEnvironment: lettaEnvironment({
        ...settings,
        database,
        bedrock,
        region,
        toolsInContainer: props.unsafeToolsInLettaContainer ?? false,
        toolsInSandbox: this.toolSandbox !== undefined,
      }),
      lettaCommand: ['letta', 'server', '--host', '127.0.0.1', '--port', `${Port.LETTA}`],
    });
    this.taskDefinition = task.definition;
    this.logGroup = task.logGroup;
    this.grantPrincipal = task.definition.taskRole.grantPrincipal;
    this.grantToTask(props);

    const loadBalancer = new InternalLoadBalancer(this, 'LoadBalancer', {
      vpc,
      vpcSubnets,
      certificate: props.certificate,
      securityGroup: loadBalancerGroup,
      targetTls: settings.targetTls,
      idleTimeout: settings.idleTimeout,
      deregistrationDelay: settings.deregistrationDelay,
      accessLogsBucket: props.accessLogsBucket,
      deletionProtection: props.loadBalancerDeletionProtection ?? false,
      domainName: props.domainName,
      hostedZone: props.hostedZone,
      webAcl: props.webAcl,
      ...logSettings,
    });
    this.loadBalancer = loadBalancer.resource;
    this.listener = loadBalancer.listener;
    this.url = loadBalancer.url;

    this.migration = new DatabaseMigration(this, 'Migration', {
      ...logSettings,
      logGroup: props.logGroup,
      cluster: this.cluster,
      database,
      vpc,
      vpcSubnets,
      securityGroup: migrationGroup ?? broughtGroup,
      gatewayImage,
      lettaImage,
      cpuArchitecture: architecture,
      executionRole,
      keepSnapshots: settings.migrationSnapshots,
    });
    this.migrationClient = this.migration;
    this.companions = [this.migrationClient, ...(this.toolSandbox?.client ? [this.toolSandbox.client] : [])];

    const secrets = [this.apiPassword, ...(props.administratorPassword ? [props.administratorPassword] : [])];
    this.awsCalls = [
      ...task.awsCalls,
      ...secrets.map((secret) => secretValueCall(this, secret)),
      ...bedrock.awsCalls,
      ...(this.toolSandbox?.runCalls ?? []),
    ];

    this.service = new ecs.FargateService(this, 'Service', {
      cluster: this.cluster,
      taskDefinition: task.definition,
      desiredCount: settings.desiredCount,
      minHealthyPercent: 100,
      maxHealthyPercent: MAX_HEALTHY_PERCENT,
      circuitBreaker: { enable: true, rollback: true },
      availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.ENABLED,
      healthCheckGracePeriod: props.healthCheckGracePeriod ?? Duration.minutes(3),
      platformVersion: ecs.FargatePlatformVersion.VERSION1_4,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      enableExecuteCommand: false,
      assignPublicIp: false,
      securityGroups: [securityGroup],
      vpcSubnets,
    });
    loadBalancer.targetGroup.addTarget(
      this.service.loadBalancerTarget({ containerName: ContainerName.GATEWAY, containerPort: Port.API }),
    );
    this.service.node.addDependency(this.migration, task, loadBalancer, securityGroup, cache);
    cache.connections.securityGroups.forEach((group) => this.service.node.addDependency(group));
    if (executionRole) this.service.node.addDependency(executionRole);
    watchConnections(this, settings, this.service, database);
    this.scaled = { scope: this, service: this.service, settings, ownRole: !props.taskRole };
    acknowledgeOwnPolicies(this);
  }

  /**
   * Lets a client reach the API through the load balancer.
   *
   * @param peer a security group's owner, or an `ec2.Peer`
   * @throws for a peer that is everybody
   */
  public allowFrom(peer: ec2.IConnectable, description?: string): void {
    validatePeer(this.node.path, peer);
    this.listener.connections.allowDefaultPortFrom(peer, description ?? 'Client of the Letta API');
  }

  /**
   * Scales the tasks on turns in flight, which is what a task runs out of: it waits for models, and its CPU says little. From
   * then on `desiredCount` is but the default of `minCapacity`.
   *
   * A turn is not cut by scaling in. The load balancer lets it finish for `deregistrationDelay`; and while a turn has lasted for
   * a minute, the gateway has ECS spare its task, by `ecs:UpdateTaskProtection` on the cluster's tasks, for an hour without a
   * break at most. That holds up a deployment too. A background run holds no connection, so it is not counted and may be cut.
   *
   * @returns the scaling, e.g. for `scaleOnSchedule`
   * @throws for bounds that are none, for `turnsPerTask` that a task never has, and for a `deregistrationDelay` shorter than
   *   `idleTimeout`
   */
  public scaleOnTurns(props: TurnScalingProps): ecs.ScalableTaskCount {
    return scaleOnTurns(this.scaled, this.metricTurnsInFlight(), props);
  }

  /** Lets the migration and the tasks start only after something else stands, e.g. the endpoints of their network. */
  public startsAfter(...dependencies: IDependable[]): void {
    this.migration.startsAfter(...dependencies);
    this.service.node.addDependency(...dependencies);
  }

  /** @internal */
  public _onMoreCalls(serve: () => void): void {
    this.serving.push(serve);
  }

  /**
   * Adds a client that works for the service: who serves the service serves it too.
   *
   * @internal
   */
  public _accompany(client: IAwsClient): void {
    this.companions.push(client);
    this.serving.forEach((serve) => serve());
  }

  private grantToTask(props: LettaServiceProps): void {
    const { taskRole } = this.taskDefinition;
    props.bedrock.grantInvoke(taskRole);
    props.database.grantConnect(taskRole, DatabaseRole.RUNTIME);
    props.cache.grantConnect(taskRole);
    this.toolSandbox?.grantRun(taskRole, props.sourceVpc);
    for (const secret of [this.apiPassword, props.administratorPassword]) {
      if (secret) grantSecretValue(this, secret, taskRole, props.sourceVpc);
    }
    if (!props.taskRole) {
      const action = UNSCOPABLE_ACTIONS.LIST_INFERENCE_PROFILES;
      acknowledgeWildcard(taskRole, '*', `AWS cannot restrict ${action} to a resource`);
    }
  }

  /** Lazily, since what tools may reach can be said later. */
  private sandboxSettings(): string | undefined {
    const { toolSandbox } = this;
    return toolSandbox && Lazy.string({ produce: () => Stack.of(this).toJsonString(toolSandbox._settings) });
  }

  private generatedPassword(props: LettaServiceProps): secretsmanager.ISecret {
    const secret = new secretsmanager.Secret(this, 'ApiPassword', {
      description: 'Password of the Letta API',
      encryptionKey: props.encryptionKey,
      // Letters and digits only: clients put it in headers, URLs and shell commands.
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'clients hold this password too, so only their owner can say when it changes; the gateway follows a new value',
    );
    acknowledgeStandards(
      secret,
      'SecretsManagerRotationEnabled',
      'clients hold this password too, so only their owner can say when it changes; the gateway follows a new value',
    );
    return secret;
  }
}
