import { CfnOutput, Duration, Fn, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ExportVariable } from '../runtime/contract';
import { AwsCall, IAwsClient } from './aws-client';
import { AwsService } from './aws-service';
import { LettaExportProps } from './letta-export-props';
import { closedSecurityGroup } from './private/closed-security-group';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { stateKeyPolicy } from './private/encryption-key';
import { exportBucket } from './private/export-bucket';
import { ExportMetrics } from './private/export-metrics';
import { ExportStorage, grantExport, grantRestore, storageCalls } from './private/export-storage';
import { ExportTask } from './private/export-task';
import { validateExport } from './private/export-validation';
import { acknowledgeOwnPolicies, acknowledgeWildcard } from './private/nag';
import { grantSecretValue, secretValueCall } from './private/read-secret';
import { ScheduledTask } from './private/scheduled-task';

export * from './letta-export-props';

/**
 * Writes every agent of a service as a file to a bucket, on a schedule, and brings agents back from there: with their blocks, the
 * messages in their context and their archival passages, into this database or an empty one of the same version of Letta.
 *
 * An export is a task of the gateway's image. It reads over the service's API, by the API password, and may write to the bucket,
 * but neither read nor delete there. A restore is another task with a role of its own, which runs only when somebody starts it
 * by `restoreCommand`; the service must then be deployed with `agentImport: true`.
 *
 * Whoever serves the service with ways to AWS (`LettaBedrockStack`, `SealedNetwork.serve`, `VpcEndpoints.serve`) serves this too.
 *
 * @throws for a retention that object lock doesn't take, a bucket beside what is said of the one that is made, and a service whose
 *   certificate cannot be for its `url`
 */
export class LettaExport extends ExportMetrics implements IAwsClient {
  readonly connections: ec2.Connections;
  readonly awsCalls: AwsCall[];
  /** Where the exports are. */
  readonly bucket: s3.IBucket;
  /** The task that exports; its container is `export`. */
  readonly taskDefinition: ecs.FargateTaskDefinition;
  /** The task that restores; its container is `restore`. */
  readonly restoreTaskDefinition: ecs.FargateTaskDefinition;
  /** Starts the export. */
  readonly rule: events.Rule;
  /** What both tasks say. */
  readonly logGroup: logs.ILogGroup;
  /** Command that exports now, e.g. before an upgrade. */
  readonly exportCommand: string;
  /** Command that restores all agents of the latest export. For others change its `latest`, and add `--agent ID`. */
  readonly restoreCommand: string;

  protected readonly serviceName: string;

  constructor(scope: Construct, id: string, props: LettaExportProps) {
    super(scope, id);
    validateExport(this, props);
    const { service } = props;
    const { vpc, gatewayImage, cpuArchitecture } = service._parts;
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const encryptionKey = props.encryptionKey ?? service._parts.encryptionKey;
    this.serviceName = Names.uniqueResourceName(this, { maxLength: 128, separator: '-' });
    this.bucket =
      props.bucket ??
      exportBucket(this, 'Bucket', {
        retention: props.retention ?? Duration.days(35),
        lockMode: props.lockMode ?? s3.ObjectLockMode.GOVERNANCE,
        encryptionKey,
        removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      });
    const storage: ExportStorage = {
      bucket: this.bucket,
      prefix: props.prefix ?? 'exports',
      sourceVpc: props.sourceVpc,
    };
    this.logGroup = encryptedLogGroup(this, 'Logs', {
      retention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      encryptionKey,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const securityGroup = closedSecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Export and restore of Letta agents',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    // Said from this side, so that the rules stand in this stack when the service is of another one.
    this.connections.allowToDefaultPort(service.listener, 'export of Letta agents to the API');

    const common = {
      image: gatewayImage,
      cpuArchitecture,
      environment: this.environment(props, storage),
      executionRole: this.executionRole(),
      logGroup: this.logGroup,
    };
    const exporting = new ExportTask(this, 'ExportTask', { ...common, command: 'export', options: [] });
    const restoring = new ExportTask(this, 'RestoreTask', {
      ...common,
      command: 'restore',
      options: ['--export', 'latest'],
    });
    for (const { definition } of [exporting, restoring]) {
      grantSecretValue(this, service.apiPassword, definition.taskRole, props.sourceVpc ?? service._parts.sourceVpc);
    }
    grantExport(exporting.definition.taskRole, storage);
    grantRestore(restoring.definition.taskRole, storage);
    this.taskDefinition = exporting.definition;
    this.restoreTaskDefinition = restoring.definition;
    this.awsCalls = [
      ...exporting.imageCalls,
      {
        service: AwsService.LOGS,
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      },
      secretValueCall(this, service.apiPassword),
      ...storageCalls(storage),
    ];

    const schedule = new ScheduledTask(this, 'Schedule', {
      schedule: props.schedule ?? events.Schedule.cron({ hour: '4', minute: '0' }),
      description: 'Exports the agents of Letta',
      cluster: service.cluster,
      definition: exporting.definition,
      vpc,
      vpcSubnets: service._parts.vpcSubnets,
      securityGroup,
    });
    this.rule = schedule.rule;
    // Nothing is started before there is something to export, and everything that the task uses.
    this.rule.node.addDependency(service, exporting, securityGroup, common.executionRole);
    this.exportCommand = this.command(service, exporting, securityGroup);
    this.restoreCommand = this.command(service, restoring, securityGroup);
    new CfnOutput(this, 'ExportCommand', { value: this.exportCommand, description: 'Exports all agents now' });
    new CfnOutput(this, 'RestoreCommand', {
      value: this.restoreCommand,
      description: 'Restores all agents of the latest export; the service must have agentImport',
    });
    acknowledgeOwnPolicies(this);
    service._accompany(this);
  }

  private environment(props: LettaExportProps, { bucket, prefix }: ExportStorage): Record<string, string> {
    return {
      [ExportVariable.API_URL]: (props.url ?? props.service.url).replace(/\/$/, ''),
      [ExportVariable.PASSWORD_SECRET]: props.service.apiPassword.secretArn,
      [ExportVariable.BUCKET]: bucket.bucketName,
      ...(prefix && { [ExportVariable.PREFIX]: prefix }),
      [ExportVariable.REGION]: Stack.of(this).region,
      [ExportVariable.SERVICE_NAME]: this.serviceName,
      ...(props.certificateAuthorities && { [ExportVariable.API_CA]: props.certificateAuthorities }),
    };
  }

  private executionRole(): iam.Role {
    const role = new iam.Role(this, 'ExecutionRole', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      description: 'Pulls the image and writes the logs of the export of Letta agents',
    });
    acknowledgeWildcard(role, '*', 'AWS cannot restrict ecr:GetAuthorizationToken to a resource');
    return role;
  }

  /** As it is pasted into a shell. */
  private command(service: LettaExportProps['service'], task: ExportTask, group: ec2.ISecurityGroup): string {
    const { vpc, vpcSubnets } = service._parts;
    const subnets = Fn.join(',', vpc.selectSubnets(vpcSubnets).subnetIds);
    const network = `subnets=[${subnets}],securityGroups=[${group.securityGroupId}],assignPublicIp=DISABLED`;
    const overrides = { containerOverrides: [{ name: task.containerName, command: task.command }] };
    return [
      'aws ecs run-task',
      `--region ${Stack.of(this).region}`,
      `--cluster ${service.cluster.clusterArn}`,
      `--task-definition ${task.definition.taskDefinitionArn}`,
      '--launch-type FARGATE --platform-version 1.4.0',
      `--network-configuration 'awsvpcConfiguration={${network}}'`,
      `--overrides '${JSON.stringify(overrides)}'`,
    ].join(' ');
  }
}
