import { randomBytes } from 'node:crypto';
import { Account, arn } from './account';
import { Container, type Volume } from './container';
import type { Image } from './image';
import type { LogFile } from './logs';
import type { TaskNamespace } from './namespace';
import { waitFor } from './wait';

/** A container of a task definition, resolved, as far as the lab imitates it. */
export interface ContainerDefinition {
  readonly Name: string;
  readonly Image: string;
  readonly Command?: string[];
  readonly EntryPoint?: string[];
  readonly Environment?: { Name: string; Value: string }[];
  readonly Secrets?: unknown[];
  readonly DependsOn?: { ContainerName: string; Condition: 'START' | 'HEALTHY' | 'COMPLETE' | 'SUCCESS' }[];
  readonly HealthCheck?: { Command: string[]; Timeout?: number };
  readonly Essential?: boolean;
  readonly MountPoints?: { ContainerPath: string; SourceVolume: string; ReadOnly?: boolean }[];
  readonly ReadonlyRootFilesystem?: boolean;
  readonly StopTimeout?: number;
  readonly User?: string;
  readonly WorkingDirectory?: string;
  readonly LogConfiguration?: { Options: Record<string, string> };
}

export interface TaskDefinition {
  readonly ContainerDefinitions: ContainerDefinition[];
}

/** What a task is run with: everything ECS would know or provide. */
export interface TaskEnvironment {
  readonly definition: TaskDefinition;
  readonly namespace: TaskNamespace;
  readonly image: (container: ContainerDefinition) => Image;
  /** `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` */
  readonly credentialsPath: string;
  readonly hosts: string;
  /** Where containers' roots are made. */
  readonly folder: string;
  readonly log: (group: string, stream: string) => LogFile;
  /** Milliseconds for each container to become what another waits for. */
  readonly startTimeout: number;
}

export type TaskStatus = 'PENDING' | 'RUNNING' | 'STOPPED';

/** A running task: starts, watches and stops its containers as the ECS agent does. */
export class Task {
  readonly id = randomBytes(16).toString('hex');
  readonly arn = arn('ecs', `task/lab/${this.id}`);
  status: TaskStatus = 'PENDING';
  stoppedReason?: string;
  private readonly containers = new Map<string, Container>();
  private stopping?: Promise<void>;

  constructor(private readonly environment: TaskEnvironment) {
    for (const container of environment.definition.ContainerDefinitions) {
      if (container.Secrets?.length)
        throw new Error(`the lab injects no ECS secrets; container ${container.Name} has some`);
      if (!container.ReadonlyRootFilesystem)
        throw new Error(`the lab's roots are read-only; ${container.Name}'s is not`);
    }
  }

  get address(): string {
    return this.environment.namespace.address;
  }

  /** Name of the network namespace that its containers share. */
  get network(): string {
    return this.environment.namespace.name;
  }

  container(name: string): Container {
    const container = this.containers.get(name);
    if (!container) throw new Error(`container ${name} of the task has not been started`);
    return container;
  }

  /** Exit codes by container name, as DescribeTasks gives them. */
  exitCodes(): Record<string, number | undefined> {
    return Object.fromEntries(
      this.environment.definition.ContainerDefinitions.map(({ Name }) => [Name, this.containers.get(Name)?.exitCode]),
    );
  }

  /** Last lines of all containers. */
  evidence(): string {
    return [...this.containers.values()].map((container) => container.log.tail()).join('\n');
  }

  /** Starts the containers, each after those it depends on. A failure stops the task and is its reason. */
  async start(): Promise<void> {
    try {
      for (const container of startOrder(this.environment.definition.ContainerDefinitions)) {
        for (const dependency of container.DependsOn ?? []) await this.fulfilled(container.Name, dependency);
        if (this.stopping) return;
        await this.startContainer(container);
      }
      if (!this.stopping) this.status = 'RUNNING';
    } catch (error) {
      await this.stop(`the task failed to start: ${(error as Error).message}`);
      throw error;
    }
  }

  /** Waits for the end of the task. */
  async ended(timeout: number): Promise<void> {
    await waitFor('the task to stop', () => this.status === 'STOPPED', { timeout, evidence: () => this.evidence() });
  }

  /**
   * Stops the containers, dependants first.
   *
   * @param patience most seconds that a container gets before it is killed, whatever its stop time-out
   */
  stop(reason: string, patience = Infinity): Promise<void> {
    this.stopping ??= this.stopContainers(reason, patience);
    return this.stopping;
  }

  private async stopContainers(reason: string, patience: number): Promise<void> {
    this.stoppedReason = reason;
    const order = startOrder(this.environment.definition.ContainerDefinitions).reverse();
    for (const { Name, StopTimeout } of order) {
      const container = this.containers.get(Name);
      if (container && container.exitCode === undefined) {
        await container.stop(Math.min(StopTimeout ?? 30, patience) * 1000);
      }
    }
    this.status = 'STOPPED';
    this.environment.namespace.remove();
  }

  private async fulfilled(
    dependant: string,
    { ContainerName, Condition }: { ContainerName: string; Condition: string },
  ) {
    const container = this.container(ContainerName);
    const definition = this.environment.definition.ContainerDefinitions.find(({ Name }) => Name === ContainerName)!;
    await waitFor(
      `container ${ContainerName} to be ${Condition} for ${dependant}`,
      async () => {
        const ended = container.exitCode;
        if (Condition === 'START') return true;
        if (Condition === 'COMPLETE' && ended !== undefined) return true;
        if (Condition === 'SUCCESS' && ended === 0) return true;
        if (ended !== undefined) {
          throw new Error(
            `container ${ContainerName} ended with ${ended} before ${dependant} could start:\n${this.evidence()}`,
          );
        }
        return Condition === 'HEALTHY' && (await healthy(container, definition));
      },
      { timeout: this.environment.startTimeout, interval: 500, evidence: () => this.evidence() },
    );
  }

  private async startContainer(definition: ContainerDefinition): Promise<void> {
    const { environment } = this;
    const image = environment.image(definition);
    const options = definition.LogConfiguration?.Options ?? {};
    const stream = `${options['awslogs-stream-prefix']}/${definition.Name}/${this.id}`;
    const container = Container.start({
      name: `${this.id.slice(0, 8)}-${definition.Name}`,
      namespace: environment.namespace.name,
      command: [...(definition.EntryPoint ?? image.entryPoint), ...(definition.Command ?? image.command)],
      environment: {
        ...image.environment,
        ...Object.fromEntries((definition.Environment ?? []).map(({ Name, Value }) => [Name, String(Value)])),
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: environment.credentialsPath,
        ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/v4/${this.id}`,
        ECS_CONTAINER_METADATA_URI: `http://169.254.170.2/v3/${this.id}`,
        ECS_AGENT_URI: `http://169.254.170.2/api/${this.id}`,
        AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
        AWS_DEFAULT_REGION: Account.REGION,
        AWS_REGION: Account.REGION,
      },
      user: definition.User ?? image.user,
      workingDirectory: definition.WorkingDirectory ?? image.workingDirectory,
      mounts: image.mounts,
      volumes: volumes(definition, image),
      hosts: environment.hosts,
      folder: environment.folder,
      log: environment.log(options['awslogs-group'] ?? 'unlogged', stream),
    });
    this.containers.set(definition.Name, container);
    void container.ended().then((code) => this.containerEnded(definition, code));
    await container.running();
  }

  private async containerEnded(definition: ContainerDefinition, code: number): Promise<void> {
    if (this.stopping) return;
    const all = this.environment.definition.ContainerDefinitions;
    const allEnded = all.every(({ Name }) => this.containers.get(Name)?.exitCode !== undefined);
    if (definition.Essential === false && !allEnded) return;
    await this.stop(`Essential container in task exited (${definition.Name}: ${code})`);
  }
}

/** Containers in an order in which each comes after those it depends on. */
function startOrder(containers: ContainerDefinition[]): ContainerDefinition[] {
  const order: ContainerDefinition[] = [];
  const rest = [...containers];
  while (rest.length > 0) {
    const next = rest.findIndex((container) =>
      (container.DependsOn ?? []).every(({ ContainerName }) => order.some(({ Name }) => Name === ContainerName)),
    );
    if (next < 0)
      throw new Error(`containers depend on each other or on none: ${rest.map(({ Name }) => Name).join(', ')}`);
    order.push(...rest.splice(next, 1));
  }
  return order;
}

async function healthy(container: Container, { Name, HealthCheck }: ContainerDefinition): Promise<boolean> {
  if (!HealthCheck) throw new Error(`another container waits for ${Name} to be healthy, but it has no health check`);
  const [kind, ...words] = HealthCheck.Command;
  const command = kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words;
  return (await container.execute(command, (HealthCheck.Timeout ?? 5) * 1000)) === 0;
}

/** A volume belongs to root unless the image declares its folder; a declared folder is a volume even without a mount. */
function volumes(definition: ContainerDefinition, image: Image): Volume[] {
  const mounted = (definition.MountPoints ?? []).filter((mount) => !mount.ReadOnly).map((mount) => mount.ContainerPath);
  return [...new Set([...mounted, ...image.volumes])].map((folder) => ({
    path: folder,
    owner: image.volumes.includes(folder) ? image.user : '0:0',
  }));
}
