import { Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ContainerUser, EXPORT_PROGRAM } from '../../runtime/contract';
import { AwsCall } from '../aws-client';
import { warnUnlessPinned } from './container-image';
import { imagePullCalls, imageRepository } from './image-pull';
import { acknowledge } from './nag';
import { CONTAINER_STOP_TIMEOUT, trustOwnTasks } from './letta-task';

/** Properties of `ExportTask`. */
export interface ExportTaskProps {
  /** What the program does, which is the container's name too. */
  readonly command: 'export' | 'restore';
  /** What follows the command. */
  readonly options: string[];
  readonly image: ecs.ContainerImage;
  readonly cpuArchitecture: ecs.CpuArchitecture;
  readonly environment: Record<string, string>;
  readonly executionRole: iam.IRole;
  readonly logGroup: logs.ILogGroup;
}

/** A one-shot task of the gateway's image that runs the export's program: unprivileged, on a read-only root. */
export class ExportTask extends Construct {
  readonly definition: ecs.FargateTaskDefinition;
  /** What the container runs. */
  readonly command: string[];
  readonly containerName: string;
  /** What starting the task asks of AWS for its image. */
  readonly imageCalls: AwsCall[];

  constructor(scope: Construct, id: string, props: ExportTaskProps) {
    super(scope, id);
    this.containerName = props.command;
    this.command = ['node', EXPORT_PROGRAM, props.command, ...props.options];
    this.definition = new ecs.FargateTaskDefinition(this, 'Definition', {
      // The server is what takes time: the program passes on what it reads.
      cpu: 512,
      memoryLimitMiB: 1024,
      executionRole: props.executionRole,
      runtimePlatform: {
        cpuArchitecture: props.cpuArchitecture,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
    trustOwnTasks(this.definition.taskRole);
    acknowledge(this.definition, 'AwsSolutions-ECS2', 'the variables are names and addresses; no secret is among them');

    const linuxParameters = new ecs.LinuxParameters(this, 'LinuxParameters');
    linuxParameters.dropCapabilities(ecs.Capability.ALL);
    const container = this.definition.addContainer(props.command, {
      image: props.image,
      command: this.command,
      environment: props.environment,
      user: ContainerUser.GATEWAY,
      readonlyRootFilesystem: true,
      stopTimeout: CONTAINER_STOP_TIMEOUT,
      linuxParameters,
      logging: ecs.LogDrivers.awsLogs({ logGroup: props.logGroup, streamPrefix: 'task' }),
    });
    warnUnlessPinned(this, props.image, container);
    this.imageCalls = imagePullCalls(Stack.of(this), [imageRepository(container, props.image)]);
  }
}
