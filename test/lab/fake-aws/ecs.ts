import { arn } from '../account';
import type { Task } from '../task';
import { AwsError, type FakeService, jsonOperation, type SignedCall, unknownOperation } from './service';

interface RunTask {
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly clientToken?: string;
  readonly networkConfiguration?: { awsvpcConfiguration?: { subnets?: string[]; securityGroups?: string[] } };
}

interface DescribeTasks {
  readonly cluster: string;
  readonly tasks: string[];
}

/** Starts tasks for the fake ECS. */
export interface TaskRunner {
  /** Roles that a task definition passes on to ECS. @throws Error when there is no such task definition */
  roles(taskDefinitionArn: string): { taskRole: string; executionRole: string };
  /** @param securityGroups of the task's network interface */
  run(taskDefinitionArn: string, securityGroups: string[]): Task;
}

/** ECS: really runs the template's task definitions in the lab. */
export class FakeEcs implements FakeService {
  readonly host = 'ecs';
  readonly signingName = 'ecs';
  private readonly tasks = new Map<string, Task>();
  private readonly tokens = new Map<string, Task>();
  private readonly described = new Set<string>();
  /** Set by the lab once it can run tasks. */
  runner?: TaskRunner;

  async handle(call: SignedCall): Promise<void> {
    const { name, input } = jsonOperation<RunTask & DescribeTasks>(call.request);
    if (name === 'RunTask') return this.runTask(call, input);
    if (name === 'DescribeTasks') return this.describeTasks(call, input);
    throw unknownOperation('ECS', name);
  }

  private runTask(call: SignedCall, input: RunTask): void {
    if (!this.runner) throw new AwsError('ServerException', 'the lab cannot run tasks yet', 500);
    const network = input.networkConfiguration?.awsvpcConfiguration;
    if (!network?.subnets?.length || !network.securityGroups?.length) {
      throw new AwsError('InvalidParameterException', 'Network Configuration must be provided for awsvpc tasks');
    }
    const context = { 'ecs:cluster': clusterArn(input.cluster) };
    call.authorize({ action: 'ecs:RunTask', resource: input.taskDefinition, context });
    for (const role of Object.values(this.runner.roles(input.taskDefinition))) {
      const passed = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' };
      call.authorize({ action: 'iam:PassRole', resource: role, context: passed });
    }
    const known = input.clientToken ? this.tokens.get(input.clientToken) : undefined;
    const task = known ?? this.runner.run(input.taskDefinition, network.securityGroups);
    if (input.clientToken) this.tokens.set(input.clientToken, task);
    this.tasks.set(task.arn, task);
    call.json({ tasks: [description(task, input.cluster)], failures: [] });
  }

  private describeTasks(call: SignedCall, input: DescribeTasks): void {
    const context = { 'ecs:cluster': clusterArn(input.cluster) };
    for (const task of input.tasks) call.authorize({ action: 'ecs:DescribeTasks', resource: task, context });
    // Eventually consistent, as ECS is: it does not find a task when it is asked for the first time.
    const isFound = (task: string) => this.tasks.has(task) && this.described.has(task);
    const found = input.tasks.filter(isFound);
    const missing = input.tasks.filter((task) => !isFound(task));
    for (const task of input.tasks) this.described.add(task);
    call.json({
      tasks: found.map((task) => description(this.tasks.get(task)!, input.cluster)),
      failures: missing.map((task) => ({ arn: task, reason: 'MISSING' })),
    });
  }
}

function clusterArn(cluster: string): string {
  return cluster.startsWith('arn:') ? cluster : arn('ecs', `cluster/${cluster}`);
}

function description(task: Task, cluster: string) {
  return {
    taskArn: task.arn,
    clusterArn: clusterArn(cluster),
    lastStatus: task.status,
    desiredStatus: task.status === 'STOPPED' ? 'STOPPED' : 'RUNNING',
    stoppedReason: task.stoppedReason,
    containers: Object.entries(task.exitCodes()).map(([name, exitCode]) => ({
      name,
      exitCode,
      lastStatus: task.status,
    })),
  };
}
