import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient } from '@aws-sdk/client-ecs';
import { RDSClient } from '@aws-sdk/client-rds';
import { MigrationProperties } from '../../../runtime/contract';
import { IsCompleteResponse, OnEventResponse } from '../../../runtime/functions/custom-resource';
import { migrationIsComplete, MigrationClients, startMigration } from '../../../runtime/functions/migration';
import { customResourceEvent } from './event';
import { ApiAnswer, ApiCall, fakeAwsApi } from './fake-aws-api';

const PROPERTIES: MigrationProperties = {
  cluster: 'arn:aws:ecs:eu-central-1:111122223333:cluster/letta',
  taskDefinition: 'arn:aws:ecs:eu-central-1:111122223333:task-definition/migration:7',
  subnets: ['subnet-a', 'subnet-b'],
  securityGroups: ['sg-1'],
  logGroup: '/letta/migration',
  logStreamPrefix: 'migration',
};
const properties = { ...PROPERTIES };
const TASK = 'arn:aws:ecs:eu-central-1:111122223333:task/letta/0123456789abcdef';

interface Account {
  runTask?: object;
  /** Reasons that ECS gives for not describing the task. @default ['MISSING'] without a task */
  failures?: string[];
  task?: object;
  log?: string[] | 'missing' | 'forbidden';
  /** What the gateway of the task logged. @default - as letta */
  gatewayLog?: string[];
  stackStatus?: string;
}

/** An account whose APIs answer so; the SDK's own clients call them. */
async function inAccount<Answer>(
  account: Account,
  work: (clients: MigrationClients) => Promise<Answer>,
): Promise<{ answer: Answer; calls: ApiCall[] }> {
  const api = await fakeAwsApi((call) => answerOf(account, call));
  const [ecs, logs, cloudFormation, rds] = [ECSClient, CloudWatchLogsClient, CloudFormationClient, RDSClient].map(
    (Client) => new Client(api.client),
  ) as [ECSClient, CloudWatchLogsClient, CloudFormationClient, RDSClient];
  try {
    const answer = await work({ ecs, logs, cloudFormation, rds, log: { tries: 2, pauseMs: 1 } });
    return { answer, calls: api.calls };
  } finally {
    [ecs, logs, cloudFormation, rds].forEach((client) => client.destroy());
    await api.stop();
  }
}

function answerOf(
  { runTask, task, failures, log: lettaLog, gatewayLog, stackStatus }: Account,
  call: ApiCall,
): ApiAnswer {
  const { action } = call;
  const log = gatewayLog && JSON.stringify(call.input).includes('/gateway/') ? gatewayLog : lettaLog;
  switch (action) {
    case 'RunTask':
      return { body: runTask ?? { tasks: [{ taskArn: TASK }], failures: [] } };
    case 'DescribeTasks':
      return {
        body: task
          ? { tasks: [task], failures: [] }
          : { tasks: [], failures: (failures ?? ['MISSING']).map((reason) => ({ arn: TASK, reason })) },
      };
    case 'GetLogEvents':
      if (log === 'missing')
        return { status: 400, body: { __type: 'ResourceNotFoundException', message: 'no stream' } };
      if (log === 'forbidden')
        return { status: 400, body: { __type: 'AccessDeniedException', message: 'not allowed' } };
      return { body: { events: (log ?? []).map((message) => ({ message, timestamp: 1 })) } };
    case 'DescribeStacks':
      return {
        body: `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>s</StackName><StackStatus>${stackStatus}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
      };
    default:
      return { status: 400, body: { __type: 'UnknownOperationException', message: action } };
  }
}

function stopped(lettaExitCode: number | undefined, more: object = {}) {
  return {
    taskArn: TASK,
    lastStatus: 'STOPPED',
    stoppedReason: 'Essential container in task exited',
    containers: [
      { name: 'gateway', exitCode: 0 },
      { name: 'letta', exitCode: lettaExitCode },
    ],
    ...more,
  };
}

const start = (type: 'Create' | 'Update' | 'Delete', account: Account = {}, given: object = properties) =>
  inAccount<OnEventResponse>(account, (clients) => startMigration(customResourceEvent(type, { ...given }), clients));

const startedAgo = (seconds: number) => ({
  TaskArn: TASK,
  StartedAt: new Date(Date.now() - seconds * 1000).toISOString(),
});

const isComplete = (
  account: Account,
  type: 'Create' | 'Update' | 'Delete' = 'Update',
  Data: Record<string, string> = startedAgo(60),
) =>
  inAccount<IsCompleteResponse>(account, (clients) =>
    migrationIsComplete(customResourceEvent(type, properties, { Data }), clients),
  );

async function failureOf(account: Account): Promise<Error> {
  return isComplete(account).then(
    () => Promise.reject(new Error('it did not fail')),
    (error) => error,
  );
}

describe('start', () => {
  test('runs one task as the properties say, without a public address', async () => {
    const { answer, calls } = await start('Create');
    expect(answer.Data).toEqual({ TaskArn: TASK, StartedAt: expect.any(String) });
    expect(Math.abs(Date.now() - Date.parse(answer.Data!.StartedAt))).toBeLessThan(60_000);
    expect(calls).toEqual([
      {
        action: 'RunTask',
        input: {
          cluster: PROPERTIES.cluster,
          taskDefinition: PROPERTIES.taskDefinition,
          launchType: 'FARGATE',
          count: 1,
          clientToken: '2c9d8a4f-7a0a-4d34-9d5b-6c8f0f4b2f11',
          startedBy: 'cdk-letta-migration',
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: ['subnet-a', 'subnet-b'],
              securityGroups: ['sg-1'],
              assignPublicIp: 'DISABLED',
            },
          },
        },
      },
    ]);
  });

  test('a repeated attempt at the same event carries the same client token and gives the same id', async () => {
    const [first, second] = [await start('Create'), await start('Create')];
    expect(second.answer.PhysicalResourceId).toBe(first.answer.PhysicalResourceId);
    expect(second.answer.Data?.TaskArn).toBe(first.answer.Data?.TaskArn);
    expect(second.calls[0].input.clientToken).toBe(first.calls[0].input.clientToken);
  });

  test('an update keeps the physical id, else CloudFormation would delete the old one', async () => {
    const { answer } = await start('Update');
    expect(answer.PhysicalResourceId).toBe('the-id-it-was-created-with');
  });

  test('delete runs nothing', async () => {
    const { answer, calls } = await start('Delete');
    expect(answer).toEqual({ PhysicalResourceId: 'the-id-it-was-created-with' });
    expect(calls).toEqual([]);
  });

  test('says why ECS started no task', async () => {
    const runTask = {
      tasks: [],
      failures: [{ arn: 'arn:cluster', reason: 'RESOURCE:ENI', detail: 'no address left' }],
    };
    await expect(start('Create', { runTask })).rejects.toThrow(
      `ECS did not start the migration task ${PROPERTIES.taskDefinition}: RESOURCE:ENI no address left arn:cluster`,
    );
  });

  test('names a property that is missing', async () => {
    await expect(start('Create', {}, { ...properties, subnets: [] })).rejects.toThrow(
      'Resource: property subnets is [], wanted a list of strings',
    );
  });
});

describe('completion', () => {
  test.each(['PROVISIONING', 'PENDING', 'RUNNING', 'DEPROVISIONING'])(
    'waits while the task is %s',
    async (lastStatus) => {
      const { answer } = await isComplete({ task: { ...stopped(0), lastStatus } });
      expect(answer).toEqual({ IsComplete: false });
    },
  );

  test('is reached when letta ended with code 0, whatever the gateway’s code', async () => {
    const containers = [
      { name: 'gateway', exitCode: 137 },
      { name: 'letta', exitCode: 0 },
    ];
    const { answer, calls } = await isComplete({ task: stopped(0, { containers }) });
    expect(answer).toEqual({ IsComplete: true });
    expect(calls.map(({ action }) => action)).toEqual(['DescribeTasks']);
  });

  test('delete is complete at once', async () => {
    const { answer, calls } = await isComplete({}, 'Delete');
    expect(answer).toEqual({ IsComplete: true });
    expect(calls).toEqual([]);
  });

  test('fails with reason, exit codes and the end of letta’s log', async () => {
    const error = await failureOf({ task: stopped(1), log: ['Running upgrade a -> b', 'column "x" already exists\n'] });
    expect(error.message).toBe(
      [
        'the database migration failed: Essential container in task exited',
        'exit codes: gateway 0, letta 1',
        'last lines of log /letta/migration migration/letta/0123456789abcdef:',
        'Running upgrade a -> b',
        'column "x" already exists',
      ].join('\n'),
    );
  });

  test('asks for the stream of container letta, newest lines', async () => {
    const api: ApiCall[] = [];
    await inAccount({ task: stopped(1), log: ['x'] }, async (clients) => {
      clients.logs.middlewareStack.add((next) => async (args) => {
        api.push({ action: 'GetLogEvents', input: args.input });
        return next(args);
      });
      await migrationIsComplete(customResourceEvent('Update', properties, { Data: { TaskArn: TASK } }), clients).catch(
        () => 0,
      );
    });
    expect(api).toEqual([
      {
        action: 'GetLogEvents',
        input: {
          logGroupName: '/letta/migration',
          logStreamName: 'migration/letta/0123456789abcdef',
          limit: 100,
          startFromHead: false,
        },
      },
    ]);
  });

  test('fails when the image could not be pulled, so that no container has a code or a log', async () => {
    const task = stopped(undefined, { stoppedReason: 'CannotPullContainerError: timeout' });
    const { message } = await failureOf({ task, log: 'missing' });
    expect(message).toContain('CannotPullContainerError: timeout');
    expect(message).toContain('letta without an exit code');
    expect(message).toContain('log /letta/migration migration/letta/0123456789abcdef is empty');
  });

  test('tells what the gateway said when letta never ran, e.g. that another migration holds the lock', async () => {
    const { message } = await failureOf({ task: stopped(undefined), log: [], gatewayLog: ['another migration runs'] });
    expect(message).toContain(
      'last lines of log /letta/migration migration/gateway/0123456789abcdef:\nanother migration runs',
    );
  });

  test('tells the exit code even when it may not read the log', async () => {
    const { message } = await failureOf({ task: stopped(3), log: 'forbidden' });
    expect(message).toContain('letta 3');
    expect(message).toContain('(the log could not be read: not allowed)');
  });

  test.each([0, 1, 290])('waits for a task that was started %i s ago and that ECS does not know yet', async (age) => {
    const { answer } = await isComplete({}, 'Create', startedAgo(age));
    expect(answer).toEqual({ IsComplete: false });
  });

  test('fails when ECS still does not know the task after five minutes', async () => {
    const started = startedAgo(301);
    await expect(isComplete({}, 'Create', started)).rejects.toThrow(
      `ECS does not know the migration task ${TASK}, started at ${started.StartedAt}; wanted to find it within 5 minutes`,
    );
  });

  test('does not wait for ever for a task without a start time', async () => {
    await expect(isComplete({}, 'Create', { TaskArn: TASK })).rejects.toThrow('ECS does not know the migration task');
  });

  test.each([
    ['another reason', ['ACCESS'], 'ACCESS'],
    ['no reason', [], 'no reason given'],
  ])('fails at once when ECS does not describe the task and gives %s', async (_, failures, told) => {
    await expect(isComplete({ failures })).rejects.toThrow(`ECS did not describe the migration task ${TASK}: ${told}`);
  });

  test('takes secrets out of the log', async () => {
    const { message } = await failureOf({
      task: stopped(1),
      log: [
        'Using database:  postgresql+pg8000://letta:hunter2@127.0.0.1:6432/letta',
        'https://h/?Action=connect&X-Amz-Security-Token=SESSION%2Ftoken&X-Amz-Signature=0badcafe',
      ],
    });
    expect(message).toContain('postgresql+pg8000://letta:***@127.0.0.1:6432/letta');
    expect(message).not.toMatch(/hunter2|SESSION|0badcafe/);
  });

  test.each([
    ['a long log', Array.from({ length: 100 }, (_, n) => `line ${n} ${'x'.repeat(200)}`)],
    ['one endless line', ['y'.repeat(100_000) + ' the end']],
    ['quotes and escapes, which take more room in JSON', ['"\\\u001b[31m\n'.repeat(3000) + 'the end']],
    ['characters of many bytes', ['🦄é'.repeat(5000) + 'the end']],
  ])('fits CloudFormation’s answer with %s, keeping the end', async (_, log) => {
    const { message } = await failureOf({ task: stopped(1), log });
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(3500);
    expect(message).toContain('exit codes: gateway 0, letta 1');
    expect(message.endsWith(log[log.length - 1].trimEnd().slice(-7))).toBe(true);
    expect(message).not.toContain('�');
  });

  test('keeps to the limit when ECS’ reason is endless', async () => {
    const { message } = await failureOf({ task: stopped(1, { stoppedReason: 'z'.repeat(9000) }), log: ['the end'] });
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(3500);
    expect(message.endsWith('the end')).toBe(true);
  });
});

describe('a database that is ahead of the image', () => {
  const account = { task: stopped(255), log: [`FAILED: Can't locate revision identified by '27de0f58e076'`] };

  test.each(['UPDATE_ROLLBACK_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'])(
    'is accepted while the stack is in %s: there is nothing to migrate',
    async (stackStatus) => {
      const { answer, calls } = await isComplete({ ...account, stackStatus });
      expect(answer).toEqual({ IsComplete: true });
      expect(calls.at(-1)).toEqual({
        action: 'DescribeStacks',
        input: expect.objectContaining({ StackName: expect.stringContaining('stack/LettaBedrockStack/') }),
      });
    },
  );

  test.each(['UPDATE_IN_PROGRESS', 'CREATE_IN_PROGRESS'])('is refused in %s, with the fix', async (stackStatus) => {
    const { message } = await failureOf({ ...account, stackStatus });
    expect(message).toContain('the database is ahead of this image; deploy the image that migrated it, or a newer one');
  });

  test('does not excuse another failure during a rollback', async () => {
    await expect(
      isComplete({ task: stopped(1), log: ['connection refused'], stackStatus: 'UPDATE_ROLLBACK_IN_PROGRESS' }),
    ).rejects.toThrow('the database migration failed');
  });
});

describe('a migration that finds another one running', () => {
  const why =
    'the lock on migrations was not to be had: another migration of this database runs; wait until it has ended';
  const account = { task: stopped(undefined), log: [why] };

  test('fails an update, with what to wait for', async () => {
    const { message } = await failureOf({ ...account, stackStatus: 'UPDATE_IN_PROGRESS' });
    expect(message).toContain(why);
  });

  test('lets a rollback through, which has nothing to migrate', async () => {
    const { answer } = await isComplete({ ...account, stackStatus: 'UPDATE_ROLLBACK_IN_PROGRESS' });
    expect(answer).toEqual({ IsComplete: true });
  });
});

test('a migration that still runs after 45 minutes fails the deployment before CloudFormation gives up without a reason', async () => {
  const task = { ...stopped(0), lastStatus: 'RUNNING' };
  expect((await isComplete({ task }, 'Update', startedAgo(44 * 60))).answer).toEqual({ IsComplete: false });
  await expect(isComplete({ task }, 'Update', startedAgo(46 * 60))).rejects.toThrow(
    `the migration still runs after 45 minutes and goes on, task ${TASK} of cluster ${PROPERTIES.cluster}: wait until it has ended`,
  );
});
