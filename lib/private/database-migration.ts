import { ArnFormat, Aws, CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct, IDependable } from 'constructs';
import * as path from 'path';
import {
  ContainerName,
  DatabaseRole,
  ImagePath,
  MIGRATION_LOCK_WAIT_SECONDS,
  MIGRATION_SNAPSHOT,
  MigrationProperties,
  migrationSnapshotPrefix,
  MigrationSnapshotProperties,
  SnapshotOfProperties,
} from '../../runtime/contract';
import { AwsCall, IAwsClient } from '../aws-client';
import { ILettaDatabase } from '../letta-database';
import { closedSecurityGroup } from './closed-security-group';
import { migrationGatewayEnvironment, migrationEnvironment } from './container-environment';
import { encryptedLogGroup } from './encrypted-log-group';
import { frameworkWritesOwnLogsOnly, writeOwnLogsOnly } from './function-logs';
import { GATEWAY_STOP_TIMEOUT, LettaTask } from './letta-task';
import { acknowledgeDeploymentFunction, acknowledgeProviderFramework, acknowledgeWildcard } from './nag';

/** Properties of `DatabaseMigration`. */
export interface DatabaseMigrationProps {
  readonly cluster: ecs.ICluster;
  readonly database: ILettaDatabase;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** @default - a new one, closed but for the database and what it is served with */
  readonly securityGroup?: ec2.ISecurityGroup;
  readonly gatewayImage: ecs.ContainerImage;
  readonly lettaImage: ecs.ContainerImage;
  readonly cpuArchitecture: ecs.CpuArchitecture;
  readonly executionRole?: iam.IRole;
  readonly logGroup?: logs.ILogGroup;
  readonly logRetention: logs.RetentionDays;
  readonly logRemovalPolicy: RemovalPolicy;
  readonly logDataProtection?: logs.DataProtectionPolicy;
  readonly encryptionKey?: kms.IKey;
  /** Snapshots from before migrations that are kept; 0 takes none. */
  readonly keepSnapshots: number;
}

/**
 * Migrates the database once for each version of the image, as a task that the deployment waits for. When it fails, the
 * deployment fails with what alembic last said.
 *
 * Its security group is none of the service's: the database is all that it speaks to, beside its images and its logs.
 */
export class DatabaseMigration extends Construct implements IAwsClient {
  public readonly connections: ec2.Connections;
  /** What starting the task asks of AWS. */
  public readonly awsCalls: AwsCall[];
  private readonly resource: CustomResource;

  public constructor(scope: Construct, id: string, props: DatabaseMigrationProps) {
    super(scope, id);
    const securityGroup =
      props.securityGroup ??
      closedSecurityGroup(this, 'SecurityGroup', { vpc: props.vpc, description: 'Migration of the Letta database' });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    this.connections.allowToDefaultPort(props.database, 'Letta migration to its database');
    const task = new LettaTask(this, 'Task', {
      cpu: 1024,
      memoryLimitMiB: 2048,
      cpuArchitecture: props.cpuArchitecture,
      executionRole: props.executionRole,
      gatewayImage: props.gatewayImage,
      // ECS waits three minutes for what a container depends on, and takes no longer word than 120 seconds for it.
      gatewayStartPeriod: Duration.seconds(MIGRATION_LOCK_WAIT_SECONDS + 60),
      gatewayEnvironment: migrationGatewayEnvironment({
        database: props.database,
        databaseRole: DatabaseRole.MIGRATOR,
        databaseConnections: 5,
        region: Stack.of(this).region,
        stopTimeout: GATEWAY_STOP_TIMEOUT,
      }),
      lettaImage: props.lettaImage,
      lettaEnvironment: migrationEnvironment(props.database),
      lettaCommand: ['alembic', 'upgrade', 'head'],
      lettaWorkingDirectory: ImagePath.LETTA_MIGRATIONS,
      logGroup: props.logGroup,
      // What reads the migration's streams must not read those of the service beside them.
      logStreamPrefix: props.logGroup ? 'migration' : 'task',
      logRetention: props.logRetention,
      logRemovalPolicy: props.logRemovalPolicy,
      logDataProtection: props.logDataProtection,
      encryptionKey: props.encryptionKey,
    });
    props.database.grantConnect(task.definition.taskRole, DatabaseRole.MIGRATOR);
    this.awsCalls = task.awsCalls;

    const provider = this.provider(props, task);
    const properties: MigrationProperties = {
      cluster: props.cluster.clusterArn,
      taskDefinition: task.definition.taskDefinitionArn,
      subnets: props.vpc.selectSubnets(props.vpcSubnets).subnetIds,
      securityGroups: [securityGroup.securityGroupId],
      logGroup: task.logGroup.logGroupName,
      logStreamPrefix: task.logStreamPrefix,
      ...(props.keepSnapshots > 0 && { keepSnapshots: `${props.keepSnapshots}`, ...snapshotOf(props.database) }),
    };
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::LettaMigration',
      serviceToken: provider.serviceToken,
      properties: { ...properties },
    });
    // All that the task uses must stand before it runs and, since deletion goes backwards, until it no longer can.
    this.resource.node.addDependency(task, provider, props.cluster, securityGroup, props.database);
    props.database.connections.securityGroups.forEach((group) => this.resource.node.addDependency(group));
    if (props.keepSnapshots > 0) this.resource.node.addDependency(this.snapshot(props, task, provider));
    if (props.executionRole) this.resource.node.addDependency(props.executionRole);
  }

  /** Lets the migration run only after something else stands. */
  public startsAfter(...dependencies: IDependable[]): void {
    this.resource.node.addDependency(...dependencies);
  }

  /** What another image may spoil is kept first: CloudFormation updates this one before the migration, which waits for it. */
  private snapshot({ database }: DatabaseMigrationProps, task: LettaTask, provider: Provider): Construct {
    const properties: MigrationSnapshotProperties = { image: task.lettaImage, ...snapshotOf(database) };
    const snapshot = new CustomResource(this, 'Snapshot', {
      resourceType: MIGRATION_SNAPSHOT,
      serviceToken: provider.serviceToken,
      properties: { ...properties },
    });
    snapshot.node.addDependency(provider, database);
    return snapshot;
  }

  /** The functions stand outside the VPC: nothing of theirs needs to be inside, and the answer must get out. */
  private provider(props: DatabaseMigrationProps, task: LettaTask): Provider {
    const logGroup = encryptedLogGroup(this, 'FunctionLogs', {
      retention: props.logRetention,
      removalPolicy: props.logRemovalPolicy,
      encryptionKey: props.encryptionKey,
    });
    const code = lambda.Code.fromAsset(path.join(__dirname, '..', '..', 'runtime', 'functions', 'dist', 'migration'));
    const handler = (id: string, name: string): lambda.Function =>
      new lambda.Function(this, id, {
        code,
        handler: name,
        runtime: lambda.Runtime.NODEJS_24_X,
        memorySize: 256,
        timeout: Duration.minutes(1),
        logGroup,
      });
    const onEvent = handler('OnEvent', 'index.onEvent');
    const isComplete = handler('IsComplete', 'index.isComplete');
    [onEvent, isComplete].forEach((fn) => writeOwnLogsOnly(fn, logGroup));
    [onEvent, isComplete].forEach(acknowledgeDeploymentFunction);
    this.allowStart(onEvent, props.cluster, task);
    this.allowWatch(isComplete, props.cluster, task);
    if (props.keepSnapshots > 0) this.allowSnapshots(isComplete, props.database);
    const provider = new Provider(this, 'Provider', {
      onEventHandler: onEvent,
      isCompleteHandler: isComplete,
      queryInterval: Duration.seconds(10),
      // CloudFormation gives up after an hour.
      totalTimeout: Duration.minutes(50),
      logGroup,
    });
    frameworkWritesOwnLogsOnly(provider, logGroup);
    acknowledgeProviderFramework(provider);
    return provider;
  }

  private allowStart(fn: lambda.Function, cluster: ecs.ICluster, { definition }: LettaTask): void {
    const revisions = Stack.of(this).formatArn({
      service: 'ecs',
      resource: 'task-definition',
      resourceName: `${definition.family}:*`,
    });
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [revisions],
        conditions: {
          ArnEquals: { 'ecs:cluster': cluster.clusterArn },
          // Whether a request that does not speak of it has the key, AWS does not document.
          StringEqualsIfExists: { 'ecs:enable-execute-command': 'false' },
        },
      }),
    );
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [definition.taskRole.roleArn, definition.obtainExecutionRole().roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    );
    acknowledgeWildcard(fn, revisions, 'a rollback runs an older revision of the same task definition');
  }

  private allowWatch(fn: lambda.Function, cluster: ecs.ICluster, task: LettaTask): void {
    const stack = Stack.of(this);
    const tasks = stack.formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` });
    const streams = [ContainerName.LETTA, ContainerName.GATEWAY].map((container) =>
      stack.formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: `${task.logGroup.logGroupName}:log-stream:${task.logStreamPrefix}/${container}/*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['ecs:DescribeTasks'],
        resources: [tasks],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
    );
    fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['logs:GetLogEvents'], resources: streams }));
    // Whether the stack is rolling back decides what a database ahead of the image means.
    fn.addToRolePolicy(
      new iam.PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [Aws.STACK_ID] }),
    );
    acknowledgeWildcard(fn, tasks, 'ECS names a task only when it starts it; the cluster is fixed');
    for (const stream of streams) {
      acknowledgeWildcard(fn, stream, 'ECS names a log stream after its task; container and log group are fixed');
    }
  }

  /** Its own snapshots of this one database, and no others. */
  private allowSnapshots(fn: lambda.Function, of: ILettaDatabase): void {
    const { databaseInstance, databaseCluster } = snapshotOf(of);
    const kind = databaseCluster === undefined ? 'DBSnapshot' : 'DBClusterSnapshot';
    const identifier = databaseCluster ?? databaseInstance!;
    const arn = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({
        service: 'rds',
        resource,
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    const [database, own] =
      databaseCluster === undefined
        ? [arn('db', identifier), arn('snapshot', `${migrationSnapshotPrefix(identifier)}*`)]
        : [arn('cluster', identifier), arn('cluster-snapshot', `${migrationSnapshotPrefix(identifier)}*`)];
    const allow = (actions: string[], ...resources: string[]) =>
      fn.addToRolePolicy(new iam.PolicyStatement({ actions, resources }));
    allow([`rds:Create${kind}`], database, own);
    allow(['rds:AddTagsToResource', `rds:Delete${kind}`], own);
    allow([`rds:Describe${kind}s`], database);
    acknowledgeWildcard(fn, own, 'a snapshot is named when it is taken; what its name begins with is fixed');
  }
}

function snapshotOf({ instanceIdentifier, clusterIdentifier }: ILettaDatabase): SnapshotOfProperties {
  return clusterIdentifier === undefined
    ? { databaseInstance: instanceIdentifier }
    : { databaseCluster: clusterIdentifier };
}
