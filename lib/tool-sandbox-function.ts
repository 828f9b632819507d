import { Annotations, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IConstruct } from 'constructs';
import { Port, SandboxSettings, SandboxVariable } from '../runtime/contract';
import { AwsCall, IAwsClient } from './aws-client';
import { AwsService } from './aws-service';
import { destinationOf } from './private/allowed-egress';
import { allowedFunctionArn } from './private/allowed-function';
import { closedSecurityGroup } from './private/closed-security-group';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { stateKeyPolicy } from './private/encryption-key';
import { limitInlinePolicy } from './private/inline-policy-limit';
import { isolatedPlacement } from './private/isolated-placement';
import { acknowledgeOwnPolicies, acknowledgeSandboxFunction, acknowledgeWildcard } from './private/nag';
import { roleOfOwnStack, securityGroupOfOwnStack } from './private/of-own-stack';
import { sandboxCode } from './private/sandbox-image';
import { DEFAULT_TOOL_TIMEOUT, validateSandboxLimits } from './private/sandbox-limits';
import { isOtherVpc } from './private/other-vpc';
import { requireFunction, validateFunctionKinds } from './private/sandbox-kinds';
import { warnOfRegionWithoutTenantIsolation } from './private/sandbox-regions';
import { requireSandboxRole, SandboxRole } from './private/sandbox-role';
import { forbidPublicSubnets, undeclaredRules, validateSandboxGroup } from './private/sandbox-network';
import { validateWholeNumber } from './private/validation';
import { IToolSandbox } from './tool-sandbox';
import { ToolSandboxFunctionOptions } from './tool-sandbox-function-options';

/** Properties of `ToolSandboxFunction`. */
export interface ToolSandboxFunctionProps extends ToolSandboxFunctionOptions {
  /** Network of the function. */
  readonly vpc: ec2.IVpc;
}

/** What the function has beyond a run, to end it, to clean up and to answer that it took too long. */
const AFTER_A_RUN = Duration.seconds(20);

/**
 * A Lambda function that runs callers' tools, in Python 3.12 and TypeScript (Node.js 24).
 *
 * Lambda gives each agent an execution environment of its own (tenant isolation mode), in which each run is a fresh process,
 * with `/tmp` wiped before. It stands in isolated subnets behind a security group that lets nothing out, and its role
 * allows its code nothing. Gives a warning in a region where Lambda had no tenant isolation mode in November 2026.
 *
 * @throws for public subnets, a security group that lets everything out, a role that takes no policies, a time-out or a number
 *   of runs that the gateway does not do, an image and what it is built from together, or `packages` without a list; at synth
 *   for a role that allows more or that Lambda is not trusted by, or a security group that lets out what is not declared
 */
export class ToolSandboxFunction extends Construct implements IToolSandbox, IAwsClient {
  /** Connections of the function. */
  public readonly connections: ec2.Connections;
  /** What tools may ask of AWS: the functions that were allowed. */
  public readonly awsCalls: AwsCall[] = [];
  public readonly runCalls: AwsCall[];
  public readonly client: IAwsClient = this;
  /** The function. */
  public readonly function: lambda.Function;
  /** Role of the function. */
  public readonly role: iam.IRole;
  /** Logs of the function. */
  public readonly logGroup: logs.ILogGroup;
  /** @internal */
  public readonly _settings: SandboxSettings;

  private readonly permissions: SandboxRole;
  private readonly endpoints: string[] = [];
  private readonly vpc: ec2.IVpc;
  private readonly services: [ec2.IConnectable & IConstruct, ec2.IVpc][] = [];
  private readonly serving: (() => void)[] = [];

  public constructor(scope: Construct, id: string, props: ToolSandboxFunctionProps) {
    super(scope, id);
    const path = this.node.path;
    validateFunctionKinds(path, props);
    warnOfRegionWithoutTenantIsolation(this);
    this.vpc = props.vpc;
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const timeout = props.timeout ?? DEFAULT_TOOL_TIMEOUT;
    const limits = validateSandboxLimits(path, { timeout, maxRunsPerAgent: props.maxRunsPerAgent ?? 4 });
    const memorySize = props.memorySize ?? 1024;
    validateWholeNumber(path, 'memorySize', memorySize, 512, 10_240);
    if (props.reservedConcurrentExecutions !== undefined) {
      validateWholeNumber(path, 'reservedConcurrentExecutions', props.reservedConcurrentExecutions, 1);
    }
    const architecture = props.architecture ?? lambda.Architecture.X86_64;
    const code = sandboxCode(path, architecture, props);
    const vpcSubnets = isolatedPlacement(this, props.vpc, props.vpcSubnets, { zones: 1, reason: '' });
    forbidPublicSubnets(this, props.vpc, vpcSubnets);

    const securityGroup =
      securityGroupOfOwnStack(this, 'securityGroup', props.securityGroup) ??
      closedSecurityGroup(this, 'SecurityGroup', {
        vpc: props.vpc,
        description: 'Function that runs tools of callers',
      });
    validateSandboxGroup(this, props.securityGroup);
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    this.node.addValidation({ validate: () => undeclaredRules(securityGroup, this.portsOut()) });

    this.logGroup = encryptedLogGroup(this, 'Logs', {
      retention: props.logRetention ?? logs.RetentionDays.THREE_MONTHS,
      removalPolicy: props.logRemovalPolicy ?? RemovalPolicy.RETAIN,
      encryptionKey: props.encryptionKey,
    });
    requireSandboxRole(this, props.role);
    const role = roleOfOwnStack(this, 'role', props.role);
    limitInlinePolicy(this, 'role', role);
    this.role = role ?? this.newRole();
    this.permissions = new SandboxRole(this, this.role, this.logGroup);

    this.function = new lambda.DockerImageFunction(this, 'Function', {
      description: 'Runs tools of callers of the Letta API: no way out, and a role that allows them nothing',
      code,
      architecture,
      memorySize,
      timeout: timeout.plus(AFTER_A_RUN),
      tenancyConfig: lambda.TenancyConfig.PER_TENANT,
      reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      role: this.role,
      logGroup: this.logGroup,
      vpc: props.vpc,
      vpcSubnets,
      securityGroups: [securityGroup],
    });
    // Lambda makes no function in a VPC before the role allows it.
    this.function.node.addDependency(this.role);
    acknowledgeSandboxFunction(this.function, props.reservedConcurrentExecutions !== undefined);
    acknowledgeOwnPolicies(this);

    const { functionArn } = this.function;
    this.runCalls = [{ service: AwsService.LAMBDA, actions: ['lambda:InvokeFunction'], resources: [functionArn] }];
    this._settings = { kind: 'function', functionArn, allowedEndpoints: this.endpoints, ...limits };
    for (const fn of props.allowedFunctions ?? []) this.allowFunction(fn);
    for (const endpoint of props.allowedEndpoints ?? []) this.allowEndpoint(endpoint);
  }

  public grantRun(grantee: iam.IGrantable, sourceVpc?: ec2.IVpc): iam.Grant {
    const [{ actions, resources }] = this.runCalls;
    const conditions = sourceVpc && { StringEquals: { 'aws:SourceVpc': sourceVpc.vpcId } };
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions });
  }

  /**
   * Lets tools invoke one function, with the credentials of the sandbox's role, e.g. by
   * `boto3.client('lambda').invoke(FunctionName=…)`. Gives a warning: any caller's tool may invoke it, with any payload.
   *
   * @param fn a function, version or alias of the same region that does not need this stack
   * @throws for a wildcard, another region, the function of a sandbox, or a sandbox in another VPC than a service's
   */
  public allowFunction(fn: lambda.IFunction): void {
    requireFunction(this.node.path, fn);
    const isSandbox = fn.node.scopes.some((scope) => scope instanceof ToolSandboxFunction);
    const arn = allowedFunctionArn(this, fn, isSandbox);
    Annotations.of(this).addWarningV2(
      'cdk-letta:ToolSandboxFunction.allowFunction',
      `${this.node.path} lets tools invoke a function (${fn.node.path}): the code of any caller's tool can, with any payload, and ` +
        'reads the credentials of its role, which allow nothing else; leave it out to close it',
    );
    this.services.forEach(([service, vpc]) => this.requireWay(service, vpc));
    this.permissions.allowFunction(arn);
    this.function.addEnvironment(SandboxVariable.PASS_CREDENTIALS, 'true');
    this.awsCalls.push({ service: AwsService.LAMBDA, actions: ['lambda:InvokeFunction'], resources: [arn] });
    this.serving.forEach((serve) => serve());
  }

  /**
   * Lets tools reach one host at one port outside, by a proxy of the gateway's: `api.example.com:443`, `10.2.0.7:8443`. No
   * wildcards. Gives a warning: what agents know can be sent there.
   *
   * Tools reach the gateway's proxy only, which refuses everything else, loopback and link-local addresses whatever a name
   * resolves to. From the service's tasks on, the way is yours to open, as with `allowedEgress`.
   *
   * @throws for what is no host and port, an address of the task itself, or a sandbox in another VPC than a service's
   */
  public allowEndpoint(hostAndPort: string): void {
    const endpoint = destinationOf(this.node.path, hostAndPort, 'allowedEndpoints');
    if (this.endpoints.includes(endpoint)) return;
    this.services.forEach(([service, vpc]) => this.requireWay(service, vpc));
    Annotations.of(this).addWarningV2(
      'cdk-letta:ToolSandboxFunction.allowEndpoint',
      `${this.node.path} lets tools out to ${endpoint}: whatever agents know and users set in tools' variables can be sent there ` +
        "by any caller's tool; leave it out to close it",
    );
    this.endpoints.push(endpoint);
    if (this.endpoints.length === 1) this.services.forEach(([service]) => this.openProxy(service));
  }

  /** @internal */
  public _connect(service: ec2.IConnectable & IConstruct, vpc: ec2.IVpc): void {
    if (this.endpoints.length > 0 || this.awsCalls.length > 0) this.requireWay(service, vpc);
    this.services.push([service, vpc]);
    if (this.endpoints.length > 0) this.openProxy(service);
  }

  /** @internal */
  public _onMoreCalls(serve: () => void): void {
    this.serving.push(serve);
  }

  /** The ways out lead through the endpoints and the proxy of the service's network. */
  private requireWay(service: IConstruct, vpc: ec2.IVpc): void {
    if (!isOtherVpc(this.vpc, vpc)) return;
    throw new Error(
      `${this.node.path}: vpc is ${this.vpc.node.path} and that of ${service.node.path} is ${vpc.node.path}, wanted the same one, ` +
        'because tools get out by the endpoints and the proxy of the service: change vpc, or allow no function and no endpoint',
    );
  }

  private openProxy(service: ec2.IConnectable): void {
    // Said from the service's side, so that the rules stand in its stack when the sandbox is of another one.
    service.connections.allowFrom(this, ec2.Port.tcp(Port.SANDBOX_EGRESS), 'tools to the proxy of the gateway');
  }

  /** Of Lambda's endpoint and of the gateway's proxy. */
  private portsOut(): number[] {
    return [...(this.awsCalls.length > 0 ? [443] : []), ...(this.endpoints.length > 0 ? [Port.SANDBOX_EGRESS] : [])];
  }

  private newRole(): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: "Of the function that runs callers' tools: allows its code nothing",
    });
    acknowledgeWildcard(
      role,
      '*',
      'Lambda makes no function in a VPC unless its role has these actions on every network interface; its code is denied them',
    );
    return role;
  }
}
