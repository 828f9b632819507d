import { spawn } from 'node:child_process';
import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  Stack,
  StackEvent,
} from '@aws-sdk/client-cloudformation';
import { DescribeServicesCommand, DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';
import { ContainerName, migrationSnapshotPrefix } from '../../runtime/contract';
import type { Emulator } from './emulator';
import { ACCOUNT, REGION, STACK } from './stack';

/** How a command of the CLI ended. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly output: string;
}

/** The emulated account, as the CLI and the APIs see it. */
export class Account {
  private readonly cloudFormation: CloudFormationClient;
  private readonly ecs: ECSClient;
  private readonly rds: RDSClient;

  constructor(private readonly emulator: Emulator) {
    const settings = {
      region: REGION,
      endpoint: emulator.environment.AWS_ENDPOINT_URL,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'emulated' },
    };
    this.cloudFormation = new CloudFormationClient(settings);
    this.ecs = new ECSClient(settings);
    this.rds = new RDSClient(settings);
  }

  /** Runs the CLI of the lock file. */
  cdk(...args: string[]): Promise<CommandResult> {
    const program = require.resolve('aws-cdk/bin/cdk');
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, '--ci', '--no-notices', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 300_000,
        env: {
          ...this.emulator.environment,
          CDK_DISABLE_VERSION_CHECK: '1',
          CDK_DISABLE_CLI_TELEMETRY: 'true',
          CDK_DEFAULT_ACCOUNT: ACCOUNT,
          CDK_DEFAULT_REGION: REGION,
        },
      });
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      child.stderr.on('data', (chunk) => (output += chunk));
      child.once('error', reject);
      child.once('close', (exitCode) => resolve({ exitCode, output }));
    });
  }

  /** @param stack name, or id once it is deleted. @default - the stack that is rehearsed */
  async stack(stack = STACK): Promise<Stack> {
    const { Stacks = [] } = await this.cloudFormation.send(new DescribeStacksCommand({ StackName: stack }));
    return Stacks[0];
  }

  /** All events of a stack, the first one first. */
  async events(stackId: string): Promise<StackEvent[]> {
    const events: StackEvent[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.cloudFormation.send(new DescribeStackEventsCommand({ StackName: stackId, NextToken }));
      events.push(...(page.StackEvents ?? []));
      NextToken = page.NextToken;
    } while (NextToken);
    return events.reverse();
  }

  /** Snapshots that were taken before migrations and are there, the first one first, with their tags. */
  async migrationSnapshots(): Promise<Record<string, string>[]> {
    const { DBSnapshots = [] } = await this.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }));
    return DBSnapshots.filter(
      ({ DBInstanceIdentifier = '', DBSnapshotIdentifier = '', Status }) =>
        Status === 'available' && DBSnapshotIdentifier.startsWith(migrationSnapshotPrefix(DBInstanceIdentifier)),
    )
      .sort((one, other) => one.SnapshotCreateTime!.getTime() - other.SnapshotCreateTime!.getTime())
      .map(({ TagList = [] }) => Object.fromEntries(TagList.map(({ Key, Value }) => [Key, Value])));
  }

  /** Image of Letta that the service's tasks run. */
  async servingImage(): Promise<string> {
    const { StackResources = [] } = await this.cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: STACK }),
    );
    const arn = StackResources.find(({ ResourceType }) => ResourceType === 'AWS::ECS::Service')!.PhysicalResourceId!;
    const { services = [] } = await this.ecs.send(
      new DescribeServicesCommand({ cluster: arn.split('/')[1], services: [arn] }),
    );
    const { taskDefinition } = await this.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: services[0].taskDefinition }),
    );
    return taskDefinition!.containerDefinitions!.find(({ name }) => name === ContainerName.LETTA)!.image!;
  }
}
