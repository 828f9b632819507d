import path from 'node:path';
import { endpointGroups } from './endpoints';
import { hostsInVpc, hostsOutside } from './hosts';
import { ImageFunction } from './image-function';
import type { ImageParts } from './images';
import { startInterpreterSession } from './interpreter-session';
import { invokeFunction } from './lambda';
import { LogFile } from './logs';
import { Address, type VpcNamespace } from './namespace';
import { roleOf } from './resource-values';
import { openPorts, reachableGroups, serviceGroups } from './security-groups';
import type { LabServices } from './services';
import type { Assembly } from './synthesize';
import type { Template } from './template';

interface FunctionProperties {
  readonly Handler: string;
  readonly Role: string;
  readonly Timeout: number;
  readonly Environment?: { readonly Variables: Record<string, string> };
  readonly VpcConfig?: { readonly SubnetIds?: string[]; readonly SecurityGroupIds?: string[] };
  readonly LoggingConfig?: { readonly LogGroup: string };
}

interface ImageFunctionProperties extends FunctionProperties {
  readonly PackageType?: string;
  readonly Code: { readonly ImageUri?: string };
  readonly MemorySize?: number;
  readonly EphemeralStorage?: { readonly Size: number };
  readonly ReservedConcurrentExecutions?: number;
  readonly TenancyConfig?: { readonly TenantIsolationMode: string };
}

export interface LabParts extends ImageParts {
  /** What the sandbox function's image has at `/usr/local`. */
  readonly sandbox: string;
}

export interface LabFunctionsOptions {
  readonly vpc: VpcNamespace;
  readonly folder: string;
  readonly assembly: Assembly;
  readonly template: Template;
  readonly services: LabServices;
  readonly parts: LabParts;
  /** Addresses of the tasks that run now. */
  readonly tasks: () => string[];
}

/** Lambda functions and code interpreters of the template: those of deployments, and what runs callers' tools. */
export class LabFunctions {
  /** The function that runs callers' tools, if the template has one. */
  readonly sandbox?: ImageFunction;

  constructor(private readonly options: LabFunctionsOptions) {
    this.sandbox = this.imageFunction();
    this.codeInterpreters();
  }

  /** One invocation of a function of the package's, in a process of its own. */
  async invoke(id: string, event: unknown): Promise<unknown> {
    const { template, services, folder, parts } = this.options;
    const properties = template.properties<FunctionProperties>(id);
    const inVpc = (properties.VpcConfig?.SubnetIds ?? []).length > 0;
    const groups = properties.VpcConfig?.SecurityGroupIds ?? [];
    const namespace = this.options.vpc.addTask();
    try {
      const code = template.assetFolder(id);
      return await invokeFunction(
        {
          name: id,
          code,
          handler: properties.Handler,
          environment: properties.Environment?.Variables ?? {},
          timeoutSeconds: properties.Timeout,
          keys: services.issuer.issue(roleOf(properties.Role), { inVpc }),
          namespace,
          hosts: inVpc ? hostsInVpc(template, services.awsHosts, groups) : hostsOutside(services.awsHosts),
          node: parts.node,
          awsCa: parts.awsCa,
          replace: inVpc ? [{ source: parts.databaseCa, target: '/var/task/rds.pem' }] : [],
          folder: path.join(folder, 'containers'),
          log: new LogFile(services.logs.file(properties.LoggingConfig?.LogGroup ?? `/lab/${id}`, 'function')),
        },
        event,
      );
    } finally {
      namespace.remove();
    }
  }

  /** The function of the template that is an image; the lab knows no more than one. */
  private imageFunction(): ImageFunction | undefined {
    const { template, services, folder, assembly, parts } = this.options;
    const [found] = template
      .ofType('AWS::Lambda::Function')
      .map(([id]) => ({ id, properties: template.properties<ImageFunctionProperties>(id) }))
      .filter(({ properties }) => properties.PackageType === 'Image');
    if (!found) return undefined;
    const { id, properties } = found;
    const context = assembly.imageFolders[properties.Code.ImageUri?.split(':').pop() ?? ''];
    if (!context) throw new Error(`function ${id}: the lab runs only images of this package`);
    const groups = properties.VpcConfig?.SecurityGroupIds ?? [];
    const functionArn = String(template.resolve({ 'Fn::GetAtt': [id, 'Arn'] }));
    const logGroup = properties.LoggingConfig?.LogGroup ?? `/lab/${id}`;
    const made = new ImageFunction({
      name: id,
      functionArn,
      role: roleOf(properties.Role),
      context,
      environment: properties.Environment?.Variables ?? {},
      memorySize: properties.MemorySize ?? 128,
      temporarySize: properties.EphemeralStorage?.Size ?? 512,
      timeoutSeconds: properties.Timeout,
      perTenant: properties.TenancyConfig?.TenantIsolationMode === 'PER_TENANT',
      reservedConcurrency: properties.ReservedConcurrentExecutions,
      issuer: services.issuer,
      vpc: this.options.vpc,
      hosts: hostsInVpc(template, services.awsHosts, groups),
      ways: () => this.waysOf(groups),
      programs: parts.sandbox,
      awsCa: parts.awsCa,
      folder: path.join(folder, 'functions'),
      logGroup,
      log: (stream) => new LogFile(services.logs.file(logGroup, stream)),
    });
    services.lambda.functions.set(functionArn, made);
    return made;
  }

  /** Sessions of the template's code interpreters are started here. */
  private codeInterpreters(): void {
    const { template, services, folder, parts, vpc } = this.options;
    for (const [id] of template.ofType('AWS::BedrockAgentCore::CodeInterpreterCustom')) {
      const { NetworkConfiguration } = template.properties<{ NetworkConfiguration: { NetworkMode: string } }>(id);
      if (NetworkConfiguration.NetworkMode !== 'SANDBOX')
        throw new Error(`${id}: the lab's interpreters have no network`);
      const interpreterId = String(template.resolve({ 'Fn::GetAtt': [id, 'CodeInterpreterId'] }));
      services.agentCore.interpreters.set(interpreterId, (sessionId) =>
        startInterpreterSession({
          vpc,
          sessionId,
          programs: parts.sandbox,
          folder: path.join(folder, 'functions'),
          log: new LogFile(services.logs.file(`/lab/${id}`, sessionId)),
        }),
      );
    }
  }

  /** Where security groups of a function lead: to the endpoints of AWS, and to ports of the service's tasks. */
  private waysOf(groups: string[]): { address: string; port: number }[] {
    const { template, tasks } = this.options;
    const reachable = reachableGroups(template, groups);
    const toAws = [...endpointGroups(template).values()].flat().some((group) => reachable.has(group));
    const ports = openPorts(template, groups, serviceGroups(template));
    return [
      ...(toAws ? [{ address: Address.AWS, port: 443 }] : []),
      ...tasks().flatMap((address) => ports.map((port) => ({ address, port }))),
    ];
  }
}
