import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ContainerName, ContainerUser, ImagePath } from '../../runtime/contract';
import { AwsCall } from '../aws-client';
import { AwsService } from '../aws-service';
import { warnUnlessPinned } from './container-image';
import { encryptedLogGroup } from './encrypted-log-group';
import { imagePullCalls, imageRepository } from './image-pull';
import { acknowledge, acknowledgeWildcard } from './nag';
import { trustOwnSource } from './own-source';

/** Fargate's longest: what a container gets between SIGTERM and SIGKILL. */
export const CONTAINER_STOP_TIMEOUT = Duration.seconds(120);
/** The gateway ends by itself before it is killed, so that it can say what it cut. */
export const GATEWAY_STOP_TIMEOUT = Duration.seconds(110);

/** Variables that lead to the task role's credentials or to the task's metadata: no process of Letta's gets them. */
const DROPPED_VARIABLES = [
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'ECS_CONTAINER_METADATA_URI_V4',
  'ECS_CONTAINER_METADATA_URI',
  'ECS_AGENT_URI',
];

/** Properties of `LettaTask`. */
export interface LettaTaskProps {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly cpuArchitecture: ecs.CpuArchitecture;
  readonly taskRole?: iam.IRole;
  readonly executionRole?: iam.IRole;
  readonly gatewayImage: ecs.ContainerImage;
  readonly gatewayEnvironment: Record<string, string>;
  /** Port that the gateway serves beyond loopback; @default - none */
  readonly gatewayPort?: number;
  /** How long the gateway may take to be healthy. @default 30 seconds */
  readonly gatewayStartPeriod?: Duration;
  readonly lettaImage: ecs.ContainerImage;
  readonly lettaEnvironment: Record<string, string>;
  /** What the letta container runs. */
  readonly lettaCommand: string[];
  /** @default - the image's */
  readonly lettaWorkingDirectory?: string;
  /** @default - a new one, kept as the properties below say */
  readonly logGroup?: logs.ILogGroup;
  /** How the names of its log streams begin. */
  readonly logStreamPrefix: string;
  readonly logRetention: logs.RetentionDays;
  readonly logRemovalPolicy: RemovalPolicy;
  readonly logDataProtection?: logs.DataProtectionPolicy;
  readonly encryptionKey?: kms.IKey;
}

/**
 * A task of two containers that share loopback: the gateway, which holds the task role, and Letta, which holds nothing.
 * Both run unprivileged on a read-only root.
 */
export class LettaTask extends Construct {
  public readonly definition: ecs.FargateTaskDefinition;
  public readonly logGroup: logs.ILogGroup;
  public readonly logStreamPrefix: string;
  /** URI of the image that the letta container runs. */
  public readonly lettaImage: string;
  /** What starting the task asks of AWS: images and logs. */
  public readonly awsCalls: AwsCall[];

  public constructor(scope: Construct, id: string, props: LettaTaskProps) {
    super(scope, id);
    this.logStreamPrefix = props.logStreamPrefix;
    this.logGroup =
      props.logGroup ??
      encryptedLogGroup(this, 'Logs', {
        retention: props.logRetention,
        removalPolicy: props.logRemovalPolicy,
        dataProtectionPolicy: props.logDataProtection,
        encryptionKey: props.encryptionKey,
      });
    this.definition = new ecs.FargateTaskDefinition(this, 'Definition', {
      cpu: props.cpu,
      memoryLimitMiB: props.memoryLimitMiB,
      taskRole: props.taskRole,
      executionRole: props.executionRole,
      runtimePlatform: {
        cpuArchitecture: props.cpuArchitecture,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
    if (!props.taskRole) trustOwnTasks(this.definition.taskRole);
    acknowledge(this.definition, 'AwsSolutions-ECS2', 'the variables are names and addresses; no secret is among them');

    const gateway = this.addGateway(props);
    const letta = this.addLetta(props);
    this.lettaImage = letta.imageName;
    letta.addContainerDependencies({ container: gateway, condition: ecs.ContainerDependencyCondition.HEALTHY });

    this.awsCalls = [
      ...imagePullCalls(Stack.of(this), [
        imageRepository(gateway, props.gatewayImage),
        imageRepository(letta, props.lettaImage),
      ]),
      {
        service: AwsService.LOGS,
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      },
    ];

    const executionRole = this.definition.obtainExecutionRole();
    if (!props.executionRole) {
      acknowledgeWildcard(executionRole, '*', 'AWS cannot restrict ecr:GetAuthorizationToken to a resource');
    }
  }

  private addGateway(props: LettaTaskProps): ecs.ContainerDefinition {
    const container = this.addContainer(ContainerName.GATEWAY, props.gatewayImage, {
      user: ContainerUser.GATEWAY,
      environment: props.gatewayEnvironment,
      portMappings: props.gatewayPort === undefined ? undefined : [{ containerPort: props.gatewayPort }],
      healthCheck: {
        command: ['CMD', 'node', ImagePath.GATEWAY_HEALTHCHECK],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: props.gatewayStartPeriod ?? Duration.seconds(30),
      },
    });
    this.addVolume(container, 'gateway-run', ImagePath.GATEWAY_RUN);
    return container;
  }

  private addLetta(props: LettaTaskProps): ecs.ContainerDefinition {
    const container = this.addContainer(ContainerName.LETTA, props.lettaImage, {
      user: ContainerUser.LETTA,
      environment: props.lettaEnvironment,
      // `env` is replaced by the command it runs, so the variables are in no process's environment afterwards. An init
      // process would keep them in its own.
      command: ['env', ...DROPPED_VARIABLES.flatMap((name) => ['-u', name]), ...props.lettaCommand],
      workingDirectory: props.lettaWorkingDirectory,
    });
    this.addVolume(container, 'letta-home', ImagePath.LETTA_HOME);
    this.addVolume(container, 'letta-tmp', ImagePath.TMP);
    return container;
  }

  private addContainer(
    name: string,
    image: ecs.ContainerImage,
    options: Omit<ecs.ContainerDefinitionOptions, 'image'>,
  ): ecs.ContainerDefinition {
    const linuxParameters = new ecs.LinuxParameters(this, `${name}LinuxParameters`);
    linuxParameters.dropCapabilities(ecs.Capability.ALL);
    const container = this.definition.addContainer(name, {
      image,
      essential: true,
      readonlyRootFilesystem: true,
      stopTimeout: CONTAINER_STOP_TIMEOUT,
      linuxParameters,
      logging: ecs.LogDrivers.awsLogs({ logGroup: this.logGroup, streamPrefix: this.logStreamPrefix }),
      ...options,
    });
    warnUnlessPinned(this, image, container);
    return container;
  }

  private addVolume(container: ecs.ContainerDefinition, name: string, containerPath: string): void {
    this.definition.addVolume({ name });
    container.addMountPoints({ sourceVolume: name, containerPath, readOnly: false });
  }
}

/**
 * Lets ECS assume a role for tasks of this account and region, and not for somebody else's who names it ("Amazon ECS task IAM
 * role", Amazon ECS Developer Guide, which gives these conditions for task roles, and none for execution roles).
 */
export function trustOwnTasks(role: iam.IRole): void {
  const arn = { service: 'ecs', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME };
  trustOwnSource(role, Stack.of(role).formatArn(arn));
}
