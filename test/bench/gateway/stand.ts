import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { Account } from '../../lab/account';
import { ContainerName, type ChatModel, GatewayVariable, Port } from '../../../runtime/contract';
import { hostsInVpc } from '../../lab/hosts';
import { imageOf } from '../../lab/images';
import { Lab } from '../../lab/lab';
import { LogFile } from '../../lab/logs';
import { Address, type VpcNamespace } from '../../lab/namespace';
import { createServerCertificate } from '../../lab/parts/certificates';
import { lettaVenv } from '../../lab/parts/letta-venv';
import { node24 } from '../../lab/parts/node24';
import { writeEvent } from '../../lab/fake-aws/message-stream';
import { roleOf } from '../../lab/resource-values';
import { serviceGroups } from '../../lab/security-groups';
import { type ContainerDefinition, Task, type TaskDefinition } from '../../lab/task';
import { waitFor } from '../../lab/wait';
import { BARE_PROXY_PORT, Core, Programs } from './programs';
import { streamedAnswer } from './requests';

const BEDROCK = { address: '127.0.0.9', port: 443 } as const;
const PASSWORD = 'a-password-of-the-bench';

/** Of what the gateway printed only the last is kept: to write it all to a file would take the load's core. */
class LastWords extends LogFile {
  private last = '';

  override follow(stream: Readable): void {
    stream.setEncoding('utf8').on('data', (chunk: string) => (this.last = chunk));
  }

  override tail(): string {
    return this.last;
  }
}

/**
 * The gateway's container out of the synthesized template, with everything around it that it asks for, but **not Letta**:
 * in its place stands a program that answers at once, and so for Bedrock's runtime. What is measured is the gateway alone.
 */
export class GatewayStand {
  readonly host = '127.0.0.1';
  readonly port = Port.API;
  readonly password = PASSWORD;

  private constructor(
    private readonly lab: Lab,
    private readonly task: Task,
    readonly programs: Programs,
    /** Process ids. */
    readonly processes: { readonly gateway: number; readonly bareProxy: number },
    readonly bedrock: typeof BEDROCK & { readonly name: string; readonly caFile: string; readonly model: string },
  ) {}

  static async start(vpc: VpcNamespace, progress: (what: string) => void): Promise<GatewayStand> {
    // The fakes of AWS, which run in this process, belong to the load's side.
    execFileSync('taskset', ['-apc', Core.LOAD, String(process.pid)], { stdio: 'ignore' });
    const lab = await Lab.start({ vpc, progress });
    const { template, services, folder } = lab;
    const [secret] = template.only('AWS::SecretsManager::Secret');
    services.secrets.put(String(template.resolve({ Ref: secret })), PASSWORD);

    const namespace = vpc.addTask();
    const node = await node24();
    const programs = new Programs(path.join(folder, 'programs'), namespace.name, path.join(node, 'bin/node'));
    const name = `bedrock-runtime.${Account.REGION}.${Account.URL_SUFFIX}`;
    const certificate = await createServerCertificate(path.join(folder, 'certificates'), services.awsAuthority, [name]);
    const { definition, role, model } = gatewayContainer(lab);
    await programs.serve('trivial-letta', Core.LOAD, String(Port.LETTA));
    await programs.serve(
      ...(['trivial-bedrock', Core.LOAD, BEDROCK.address, String(BEDROCK.port)] as const),
      ...[certificate.certFile, certificate.keyFile, framesFile(folder)],
    );
    const bareProxy = await programs.serve('bare-proxy', Core.SERVER, String(BARE_PROXY_PORT), String(Port.LETTA));

    const parts = { letta: await lettaVenv(), node, awsCa: services.awsAuthority.certFile };
    const image = imageOf(definition, lab.assembly, { ...parts, databaseCa: services.databaseAuthority.certFile });
    const task = new Task({
      definition: {
        ContainerDefinitions: [{ ...definition, Command: ['taskset', '-c', Core.SERVER, ...image.command] }],
      },
      namespace,
      image: () => image,
      credentialsPath: services.credentials.register(role),
      hosts: hostsInVpc(template, services.awsHosts, serviceGroups(template)).replace(
        `${Address.AWS} ${name}`,
        `${BEDROCK.address} ${name}`,
      ),
      folder: path.join(folder, 'containers'),
      log: (group, stream) => new LastWords(services.logs.file(group, stream)),
      startTimeout: 60_000,
    });
    progress('starts the gateway, with a program in the place of Letta');
    await task.start();
    await healthy(task);
    const gateway = task.container(ContainerName.GATEWAY).pid!;
    const bedrock = { ...BEDROCK, name, caFile: services.awsAuthority.certFile, model };
    return new GatewayStand(lab, task, programs, { gateway, bareProxy }, bedrock);
  }

  /** What the gateway's process printed last: where to look when something failed. */
  evidence(): string {
    return this.task.evidence();
  }

  async stop(): Promise<void> {
    this.programs.stop();
    await this.task.stop('the bench ends', 5);
    await this.lab.stop();
  }
}

/** The container as the template has it, but for a bound that would refuse the load: turns at once. */
function gatewayContainer({ template }: Lab) {
  const [service] = template.only('AWS::ECS::Service');
  const arn = template.properties<{ TaskDefinition: string }>(service).TaskDefinition;
  const [id] = template.ofType('AWS::ECS::TaskDefinition').find(([it]) => template.resolve({ Ref: it }) === arn)!;
  const { ContainerDefinitions, TaskRoleArn } = template.properties<TaskDefinition & { TaskRoleArn: string }>(id);
  const found = ContainerDefinitions.find(({ Name }) => Name === ContainerName.GATEWAY)!;
  const others = (found.Environment ?? []).filter(({ Name }) => Name !== GatewayVariable.MAX_CONCURRENT_TURNS);
  const models = others.find(({ Name }) => Name === GatewayVariable.CHAT_MODELS)?.Value ?? '[]';
  const definition: ContainerDefinition = {
    ...found,
    DependsOn: [],
    Environment: [...others, { Name: GatewayVariable.MAX_CONCURRENT_TURNS, Value: '1000' }],
  };
  const model = (JSON.parse(models) as ChatModel[]).find(({ format }) => format === 'anthropic')!.id;
  return { definition, role: roleOf(TaskRoleArn), model };
}

/** A whole streamed answer as Bedrock frames it, for the program that stands in its place. */
function framesFile(folder: string): string {
  const frames: string[] = [];
  const collect = { write: (bytes: Uint8Array) => frames.push(Buffer.from(bytes).toString('base64')) };
  for (const event of streamedAnswer) writeEvent(collect as unknown as Writable, event);
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'frames.json');
  writeFileSync(file, JSON.stringify(frames));
  return file;
}

async function healthy(task: Task): Promise<void> {
  const look = async () => {
    if (task.status === 'STOPPED') throw new Error(`${task.stoppedReason}:\n${task.evidence()}`);
    const answer = await fetch(`http://${task.address}:${Port.API}/v1/health/`).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status === 200;
  };
  await waitFor('the gateway to be healthy', look, { timeout: 60_000, interval: 300, evidence: () => task.evidence() });
}
