import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LettaBedrockStack, LettaBedrockStackProps } from '../../lib';
import { ContainerName, MIGRATION_SNAPSHOT, Port } from '../../runtime/contract';
import { hasProvider, runCustomResource } from './custom-resource';
import type { Forward } from './fake-aws/bedrock';
import { hostsInVpc } from './hosts';
import { imageOf } from './images';
import type { ImageFunction } from './image-function';
import { LabFunctions, type LabParts } from './lab-functions';
import { LogFile, logFiles, readLog } from './logs';
import type { VpcNamespace } from './namespace';
import { type LettaVenv, lettaVenv } from './parts/letta-venv';
import { node24 } from './parts/node24';
import { sandboxPython } from './parts/sandbox-python';
import { LabValues, roleOf } from './resource-values';
import { LabServices } from './services';
import { serviceGroups } from './security-groups';
import { type Assembly, synthesize } from './synthesize';
import { type ContainerDefinition, Task, type TaskDefinition } from './task';
import { chatModels, withCommand, withVariables } from './task-definition';
import { Template } from './template';
import { waitFor } from './wait';

export interface LabOptions {
  readonly vpc: VpcNamespace;
  /** Properties of the stack. @default - plain HTTP, everything else its default */
  readonly stack?: LettaBedrockStackProps;
  /** What the image of the letta container holds. @default - what its Dockerfile makes */
  readonly letta?: () => Promise<LettaVenv>;
  /** Variables of the letta container in place of the template's, until `update`. @default - none */
  readonly lettaVariables?: Record<string, string>;
  /** Adds constructs to the stack. @default - none */
  readonly extend?: (stack: LettaBedrockStack) => void;
  /** Seconds that keys of roles live. @default 900 */
  readonly keyLifetime?: number;
  /** Answers model calls in place of the fake model. @default - the fake model */
  readonly forward?: Forward;
  /** Folder with the data of the snapshot that the stack's database is made of. @default - none, it is new */
  readonly snapshot?: string;
  /** Told what the lab is doing. @default - nobody */
  readonly progress?: (what: string) => void;
}

interface RoleArns {
  readonly TaskRoleArn: string;
  readonly ExecutionRoleArn: string;
}

/** A deployment of `LettaBedrockStack` on this machine: what the template says, with real parts and a fake AWS. */
export class Lab {
  /** The service's task, once `deploy` is through. */
  service?: Task;
  private readonly tasks: Task[] = [];
  private readonly functions: LabFunctions;
  private lettaVariables: Record<string, string>;

  private constructor(
    private readonly options: LabOptions,
    /** Everything of this run, logs included. */
    readonly folder: string,
    readonly assembly: Assembly,
    readonly values: LabValues,
    readonly template: Template,
    readonly services: LabServices,
    private parts: LabParts,
  ) {
    services.ecs.runner = {
      roles: (taskDefinition) => this.roles(this.taskDefinitionId(taskDefinition)),
      run: (taskDefinition, securityGroups) => {
        const task = this.prepareTask(this.taskDefinitionId(taskDefinition), securityGroups);
        // Its failure is what DescribeTasks tells.
        task.start().catch(() => undefined);
        return task;
      },
    };
    this.lettaVariables = options.lettaVariables ?? {};
    const running = () => this.tasks.filter(({ status }) => status === 'RUNNING').map(({ address }) => address);
    const { vpc } = options;
    this.functions = new LabFunctions({ vpc, folder, assembly, template, services, parts, tasks: running });
  }

  /** Synthesizes the stack and starts everything it will stand on. */
  static async start(options: LabOptions): Promise<Lab> {
    const progress = options.progress ?? (() => undefined);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-lab-'));
    chmodSync(folder, 0o755);
    progress('synthesizes LettaBedrockStack');
    const assembly = synthesize(path.join(folder, 'cdk.out'), options.stack, options.extend);
    const values = new LabValues();
    const template = new Template(assembly.template, assembly.folder, values);
    const [letta, node, sandbox] = await Promise.all([(options.letta ?? lettaVenv)(), node24(), sandboxPython()]);
    progress('starts Postgres, Redis and the fake AWS');
    const services = await LabServices.start({
      template,
      folder,
      chatModels: chatModels(template),
      keyLifetime: options.keyLifetime ?? 900,
      forward: options.forward,
      snapshot: options.snapshot,
    });
    const [awsCa, databaseCa] = [services.awsAuthority.certFile, services.databaseAuthority.certFile];
    return new Lab(options, folder, assembly, values, template, services, { letta, node, sandbox, awsCa, databaseCa });
  }

  /** Does what a deployment does: custom resources in the order of the template's dependencies, then the service. */
  async deploy(): Promise<void> {
    this.makeSecrets();
    for (const id of this.template.creationOrder()) {
      const { Type } = this.template.resource(id);
      if (Type.startsWith('Custom::') || Type === 'AWS::CloudFormation::CustomResource') await this.customResource(id);
      if (Type === 'AWS::ECS::Service') await this.startService();
    }
    if (!this.service) throw new Error('the template has no AWS::ECS::Service');
  }

  /** The function that runs callers' tools, if the stack has one. */
  get sandboxFunction(): ImageFunction | undefined {
    return this.functions.sandbox;
  }

  /** URL of the API, inside the lab. */
  get url(): string {
    if (!this.service) throw new Error('the service has not been started');
    return `http://${this.service.address}:${Port.API}`;
  }

  /** The generated API password. */
  get password(): string {
    const [id] = this.template.only('AWS::SecretsManager::Secret');
    return this.services.secrets.current(String(this.template.resolve({ Ref: id })));
  }

  /** Starts one task of the service and waits until the load balancer would send it requests. */
  async startService(): Promise<Task> {
    this.options.progress?.('starts the service: gateway, then Letta');
    const task = this.newTask();
    this.service = task;
    await task.start();
    await this.healthy(task);
    return task;
  }

  /**
   * A task of the service beside those that run; whoever asks for it starts it.
   *
   * @param gateway variables of its gateway in place of the template's: limits that a test cannot wait for
   */
  newTask(gateway: Record<string, string> = {}): Task {
    const [serviceId] = this.template.only('AWS::ECS::Service');
    const { TaskDefinition } = this.template.properties<{ TaskDefinition: string }>(serviceId);
    return this.prepareTask(this.taskDefinitionId(TaskDefinition), serviceGroups(this.template), gateway);
  }

  /**
   * Starts a one-shot task of the template, as whoever pastes its command does.
   *
   * @param pathEnd how the construct path of its task definition ends
   * @param command in place of the definition's
   */
  async startTask(pathEnd: string, securityGroups: string[], command?: string[]): Promise<Task> {
    const [id] = this.template.only('AWS::ECS::TaskDefinition', pathEnd);
    const task = this.prepareTask(id, securityGroups, {}, command);
    await task.start();
    return task;
  }

  /** Stops the service's task as a deployment would and starts another. */
  async restartService(): Promise<Task> {
    await this.service?.stop('the lab restarts the service');
    return this.startService();
  }

  /**
   * Deploys another image of the letta container: snapshot, migration, then a new task beside the old one, which ends when the new
   * one is healthy.
   *
   * @param migrated is called while the old task serves the migrated database
   * @returns milliseconds that the migration took, its task's start included
   */
  async update(letta: LettaVenv, migrated: () => Promise<void>): Promise<number> {
    this.services.cloudFormation.status = 'UPDATE_IN_PROGRESS';
    this.parts = { ...this.parts, letta };
    this.lettaVariables = {};
    const [[snapshot]] = this.template.ofType(MIGRATION_SNAPSHOT);
    await this.customResource(snapshot, 'Update', { image: 'letta:old' });
    const began = Date.now();
    const [[migration]] = this.template.ofType('Custom::LettaMigration');
    await this.customResource(migration, 'Update');
    const milliseconds = Date.now() - began;
    await migrated();
    const old = this.service;
    await this.startService();
    await old?.stop('the lab has updated the service');
    return milliseconds;
  }

  /** Logical id of the role that a task definition's containers have. */
  taskRole(pathEnd: string): string {
    const [id] = this.template.only('AWS::ECS::TaskDefinition', pathEnd);
    return roleOf(this.roles(id).taskRole);
  }

  /**
   * Runs one custom resource, as CloudFormation would.
   *
   * @param old properties that an update changes, as they were
   */
  async customResource(
    id: string,
    requestType: 'Create' | 'Update' = 'Create',
    old?: Record<string, string>,
  ): Promise<void> {
    if (!hasProvider(this.template, id)) return; // one of CDK's own, about things the lab has not
    this.options.progress?.(`runs ${this.template.resource(id).Type}`);
    const attributes = await runCustomResource(id, {
      template: this.template,
      record: this.services.record,
      invoke: (functionId, event) => this.functions.invoke(functionId, event),
      requestType,
      physicalResourceId: requestType === 'Create' ? undefined : id,
      old,
      timeout: 180_000,
    });
    this.values.returned.set(id, attributes);
  }

  /**
   * Invokes a function of the template, as its schedule would.
   *
   * @param pathEnd how its construct path ends
   */
  invokeFunction(pathEnd: string, event: unknown): Promise<unknown> {
    const [id] = this.template.only('AWS::Lambda::Function', pathEnd);
    return this.functions.invoke(id, event);
  }

  /** What everything printed so far: file and line. */
  logLines(): { file: string; line: string }[] {
    return logFiles(path.join(this.folder, 'logs')).flatMap((file) =>
      readLog(file).map(({ message }) => ({ file: path.relative(this.folder, file), line: message })),
    );
  }

  /** Stops everything; the folder stays if `keep`. */
  async stop({ keep = false } = {}): Promise<void> {
    await Promise.allSettled(this.tasks.map((task) => task.stop('the lab ends', 5)));
    await this.sandboxFunction?.stop();
    await this.services.stop();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  private makeSecrets(): void {
    for (const [id, secret] of this.template.ofType('AWS::SecretsManager::Secret')) {
      const rules = secret.Properties?.GenerateSecretString as { PasswordLength?: number } | undefined;
      const value = randomBytes(128)
        .toString('base64')
        .replace(/\W/g, '')
        .slice(0, rules?.PasswordLength ?? 32);
      this.services.secrets.put(String(this.template.resolve({ Ref: id })), value);
    }
  }

  private prepareTask(
    id: string,
    securityGroups: string[],
    gateway: Record<string, string> = {},
    command?: string[],
  ): Task {
    const { template, services, folder } = this;
    const definition = withVariables(template.properties<TaskDefinition>(id), ContainerName.LETTA, this.lettaVariables);
    const task = new Task({
      definition: withCommand(withVariables(definition, ContainerName.GATEWAY, gateway), command),
      namespace: this.options.vpc.addTask(),
      image: (container: ContainerDefinition) => imageOf(container, this.assembly, this.parts),
      credentialsPath: services.credentials.register(roleOf(this.roles(id).taskRole)),
      hosts: hostsInVpc(template, services.awsHosts, securityGroups),
      folder: path.join(folder, 'containers'),
      log: (group, stream) => new LogFile(services.logs.file(group, stream)),
      startTimeout: 90_000,
    });
    this.tasks.push(task);
    return task;
  }

  private roles(taskDefinitionId: string): { taskRole: string; executionRole: string } {
    const { TaskRoleArn, ExecutionRoleArn } = this.template.properties<RoleArns>(taskDefinitionId);
    return { taskRole: TaskRoleArn, executionRole: ExecutionRoleArn };
  }

  private taskDefinitionId(taskDefinitionArn: string): string {
    const found = this.template
      .ofType('AWS::ECS::TaskDefinition')
      .find(([id]) => this.template.resolve({ Ref: id }) === taskDefinitionArn);
    if (!found) throw new Error(`the template has no task definition ${taskDefinitionArn}`);
    return found[0];
  }

  /** The target group's own health check, against the task's address. */
  private async healthy(task: Task): Promise<void> {
    const [id] = this.template.only('AWS::ElasticLoadBalancingV2::TargetGroup');
    const { HealthCheckPath } = this.template.properties<{ HealthCheckPath: string }>(id);
    const look = async () => {
      if (task.status === 'STOPPED') throw new Error(`${task.stoppedReason}:\n${task.evidence()}`);
      const answer = await fetch(`${this.url}${HealthCheckPath}`, { redirect: 'manual' }).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.status === 200;
    };
    const evidence = () => task.evidence();
    await waitFor(`the service to be healthy at ${HealthCheckPath}`, look, {
      timeout: 180_000,
      interval: 300,
      evidence,
    });
  }
}
