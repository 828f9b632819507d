import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ECSClient, RunTaskCommand, Task } from '@aws-sdk/client-ecs';
import { RDSClient } from '@aws-sdk/client-rds';
import { ContainerName, MigrationProperties } from '../contract';
import {
  IsCompleteRequest,
  IsCompleteResponse,
  listProperty,
  OnEventRequest,
  OnEventResponse,
  stableId,
  stringProperty,
} from './custom-resource';
import { cut, jsonBytes, MAX_MESSAGE_BYTES, withoutSecrets } from './failure';
import { deleteOldSnapshots } from './migration-snapshot';
import { lastLines, TaskLog } from './task-log';

/**
 * ECS is eventually consistent: right after RunTask, DescribeTasks may not find the task, and the first question comes at
 * once (Amazon ECS API reference, RunTask: wait a few seconds, and back off up to five minutes).
 */
const UNSEEN_FOR_MS = 5 * 60_000;

/** CDK's provider framework gives up a little later, and cannot say why. */
const PATIENCE_MS = 45 * 60_000;

/** What the migration step calls. */
export interface MigrationClients {
  readonly ecs: ECSClient;
  readonly logs: CloudWatchLogsClient;
  readonly cloudFormation: CloudFormationClient;
  readonly rds: RDSClient;
  /** How patient to be with a log that is still empty. */
  readonly log?: Pick<TaskLog, 'tries' | 'pauseMs'>;
}

/**
 * Starts the migration task on Create and Update. Delete does nothing: the database outlives the stack.
 *
 * @throws when ECS starts no task, with its reason
 */
export async function startMigration(event: OnEventRequest, { ecs }: MigrationClients): Promise<OnEventResponse> {
  const PhysicalResourceId = stableId(event);
  if (event.RequestType === 'Delete') return { PhysicalResourceId };

  const properties = migrationProperties(event);
  const { tasks = [], failures = [] } = await ecs.send(
    new RunTaskCommand({
      cluster: properties.cluster,
      taskDefinition: properties.taskDefinition,
      launchType: 'FARGATE',
      count: 1,
      // The same in every attempt to handle this event, so that a second attempt finds the first one's task.
      clientToken: event.RequestId,
      startedBy: 'cdk-letta-migration',
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...properties.subnets],
          securityGroups: [...properties.securityGroups],
          assignPublicIp: 'DISABLED',
        },
      },
    }),
  );
  const TaskArn = tasks[0]?.taskArn;
  if (!TaskArn) {
    const reasons = failures.map(({ arn, reason, detail }) => [reason, detail, arn].filter(Boolean).join(' '));
    throw new Error(
      `ECS did not start the migration task ${properties.taskDefinition}: ${reasons.join('; ') || 'no reason given'}`,
    );
  }
  return { PhysicalResourceId, Data: { TaskArn, StartedAt: new Date().toISOString() } };
}

/**
 * Tells whether the task that {@link startMigration} started has ended well.
 *
 * @throws when the migration failed, with exit codes and the end of its log
 */
export async function migrationIsComplete(
  event: IsCompleteRequest,
  clients: MigrationClients,
): Promise<IsCompleteResponse> {
  if (event.RequestType === 'Delete') return { IsComplete: true };

  const properties = migrationProperties(event);
  const { TaskArn: taskArn, StartedAt: startedAt } = event.Data ?? {};
  if (!taskArn) throw new Error(`${event.LogicalResourceId}: the start of the migration handed on no task`);
  const task = await describeTask(clients.ecs, properties.cluster, taskArn);
  if (!task) {
    if (Date.now() - Date.parse(startedAt ?? '') < UNSEEN_FOR_MS) return { IsComplete: false };
    throw new Error(
      `ECS does not know the migration task ${taskArn}, started at ${startedAt}; wanted to find it within ` +
        `${UNSEEN_FOR_MS / 60_000} minutes. See the events of cluster ${properties.cluster}, then deploy again`,
    );
  }
  if (task.lastStatus !== 'STOPPED') {
    if (!(Date.now() - Date.parse(startedAt ?? '') > PATIENCE_MS)) return { IsComplete: false };
    throw new Error(
      `the migration still runs after ${PATIENCE_MS / 60_000} minutes and goes on, task ${taskArn} of cluster ` +
        `${properties.cluster}: wait until it has ended, then deploy again, which finds done what it has done`,
    );
  }
  if (exitCode(task, ContainerName.LETTA) === 0) {
    await deleteSnapshots(event, clients);
    return { IsComplete: true };
  }

  const { logGroup, logStreamPrefix } = properties;
  const streamOf = (container: string) => `${logStreamPrefix}/${container}/${taskArn.split('/').pop()}`;
  const read = async (container: string) => {
    const logStream = streamOf(container);
    return { logStream, lines: await lastLines(clients.logs, { logGroup, logStream, ...clients.log }) };
  };
  const ofLetta = await read(ContainerName.LETTA);
  // Without a line of its own the migration never ran: the gateway tells why, e.g. that another one holds the lock.
  const ofGateway = ofLetta.lines.length === 0 ? await read(ContainerName.GATEWAY) : undefined;
  const { logStream, lines } = ofGateway?.lines.length ? ofGateway : ofLetta;
  if ((isAhead(lines) || isBusy(lines)) && (await isRollingBack(clients.cloudFormation, event.StackId))) {
    return { IsComplete: true };
  }
  throw new Error(failureMessage(task, lines, `${logGroup} ${logStream}`));
}

async function deleteSnapshots(event: IsCompleteRequest, { cloudFormation, rds }: MigrationClients): Promise<void> {
  if (event.ResourceProperties.keepSnapshots === undefined) return;
  // The migration that the stack goes back from may be why somebody needs them.
  if (await isRollingBack(cloudFormation, event.StackId)) return;
  await deleteOldSnapshots(event, rds);
}

function migrationProperties(event: OnEventRequest): MigrationProperties {
  return {
    cluster: stringProperty(event, 'cluster'),
    taskDefinition: stringProperty(event, 'taskDefinition'),
    subnets: listProperty(event, 'subnets'),
    securityGroups: listProperty(event, 'securityGroups'),
    logGroup: stringProperty(event, 'logGroup'),
    logStreamPrefix: stringProperty(event, 'logStreamPrefix'),
  };
}

/** The task, or nothing while ECS does not know it. @throws on any other failure */
async function describeTask(ecs: ECSClient, cluster: string, taskArn: string): Promise<Task | undefined> {
  const { tasks = [], failures = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: [taskArn] }));
  if (tasks[0] || failures[0]?.reason === 'MISSING') return tasks[0];
  throw new Error(`ECS did not describe the migration task ${taskArn}: ${failures[0]?.reason ?? 'no reason given'}`);
}

function exitCode(task: Task, container: string): number | undefined {
  return task.containers?.find(({ name }) => name === container)?.exitCode;
}

/** Alembic's words when the database holds a revision that this image doesn't know. */
function isAhead(lines: string[]): boolean {
  return lines.some((line) => line.includes("Can't locate revision identified by"));
}

/** The gateway's words when it did not get the lock on migrations. */
function isBusy(lines: string[]): boolean {
  return lines.some((line) => line.includes('another migration of this database runs'));
}

/**
 * A rollback runs the old image against the database that the new one has migrated. Failing there would leave the stack
 * in UPDATE_ROLLBACK_FAILED, and there is nothing to migrate.
 */
export async function isRollingBack(cloudFormation: CloudFormationClient, stackId: string): Promise<boolean> {
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackId }));
  return /ROLLBACK_IN_PROGRESS$/.test(Stacks[0]?.StackStatus ?? '');
}

function failureMessage(task: Task, lines: string[], log: string): string {
  const containers = (task.containers ?? []).map(
    ({ name, exitCode: code, reason }) => `${name} ${code ?? 'without an exit code'}${reason ? ` (${reason})` : ''}`,
  );
  const head = withoutSecrets(
    [
      `the database migration failed: ${task.stoppedReason ?? 'ECS gives no reason'}`,
      `exit codes: ${containers.join(', ') || 'none'}`,
      isAhead(lines) ? 'the database is ahead of this image; deploy the image that migrated it, or a newer one' : '',
      lines.length > 0 ? `last lines of log ${log}:` : `log ${log} is empty`,
    ]
      .filter(Boolean)
      .join('\n'),
  );
  const brief = cut(head, MAX_MESSAGE_BYTES - 500, 'start');
  if (lines.length === 0) return brief;
  const room = MAX_MESSAGE_BYTES - jsonBytes(`${brief}\n`);
  return `${brief}\n${cut(withoutSecrets(lines.join('\n')), room, 'end')}`;
}
