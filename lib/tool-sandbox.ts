import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IConstruct } from 'constructs';
import { SandboxSettings } from '../runtime/contract';
import { AwsCall, IAwsClient } from './aws-client';
import { requireOptions, requireSandbox } from './private/sandbox-kinds';
import { validateAccount, validateRegion } from './private/validation';
import { ToolSandboxCodeInterpreter, ToolSandboxCodeInterpreterProps } from './tool-sandbox-code-interpreter';
import { ToolSandboxFunction } from './tool-sandbox-function';
import { ToolSandboxFunctionOptions } from './tool-sandbox-function-options';

/** Where the code of callers' tools runs: `ToolSandboxFunction` or `ToolSandboxCodeInterpreter`. */
export interface IToolSandbox extends IConstruct {
  /** The calls by which tools are run. A Letta service makes them from inside its VPC. */
  readonly runCalls: AwsCall[];

  /**
   * The sandbox itself, where it stands in a VPC: what it may call is served with the service.
   *
   * @default - it stands in no VPC
   */
  readonly client?: IAwsClient;

  /**
   * Lets somebody run tools in it.
   *
   * @param sourceVpc VPC whose endpoint the runs must come through (`aws:SourceVpc`), so that stolen credentials run nothing
   */
  grantRun(grantee: iam.IGrantable, sourceVpc?: ec2.IVpc): iam.Grant;

  /**
   * Lets tools invoke one function of the sandbox's region. Gives a warning.
   *
   * @throws for a code interpreter, where nothing can be named, or what `ToolSandboxFunction.allowFunction` refuses
   */
  allowFunction(fn: lambda.IFunction): void;

  /**
   * Lets tools reach one host at one port outside, `api.example.com:443`, through the gateway. Gives a warning.
   *
   * @throws for a code interpreter, where nothing can be named, or what `ToolSandboxFunction.allowEndpoint` refuses
   */
  allowEndpoint(hostAndPort: string): void;

  /**
   * What the gateway is told of it.
   *
   * @internal
   */
  readonly _settings: SandboxSettings;

  /**
   * Opens the ways between it and the tasks of a service that runs tools in it, in its VPC.
   *
   * @internal
   */
  _connect(service: ec2.IConnectable & IConstruct, vpc: ec2.IVpc): void;
}

/** Where a Letta service runs the code of its callers' tools: never in the Letta container. */
export abstract class ToolSandbox {
  /**
   * A Lambda function of the service's VPC and stack, in isolated subnets, with no way out and a role that allows its code
   * nothing: one execution environment for each agent, a fresh process for each run. For most tools.
   *
   * @throws for what are no options; the service throws for what `ToolSandboxFunction` does
   */
  public static function(options: ToolSandboxFunctionOptions = {}): ToolSandbox {
    requireOptions('ToolSandbox.function', options);
    return new OwnFunction(options);
  }

  /**
   * An Amazon Bedrock AgentCore code interpreter. An agent's session stays between its runs, with its variables and files: for
   * long or stateful work. Its sandbox network reaches Amazon S3 and resolves names, which gives a warning.
   *
   * @throws for what are no options; the service throws for what `ToolSandboxCodeInterpreter` does
   */
  public static codeInterpreter(options: ToolSandboxCodeInterpreterProps = {}): ToolSandbox {
    requireOptions('ToolSandbox.codeInterpreter', options);
    return new OwnCodeInterpreter(options);
  }

  /**
   * A sandbox of the same account and region that is there already, e.g. one that several services share. If its tools may
   * reach something, then also of the services' VPC: they get there by the endpoints and the proxies of the services.
   *
   * @throws for what is no sandbox; the service throws for one of another account or region, or of another VPC with ways out
   */
  public static fromSandbox(sandbox: IToolSandbox): ToolSandbox {
    requireSandbox(sandbox);
    return new Existing(sandbox);
  }

  /**
   * `host:port` that its tools may reach, as far as it is said already: the gateway looks them up.
   *
   * @internal
   */
  public abstract readonly _allowedEndpoints: string[];

  /**
   * The sandbox for a service.
   *
   * @internal
   */
  public abstract _bind(scope: Construct, service: _ServiceOfSandbox): IToolSandbox;
}

/**
 * What a sandbox that is made for a service takes over from it.
 *
 * @internal
 */
export interface _ServiceOfSandbox {
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets: ec2.SubnetSelection;
  readonly architecture: lambda.Architecture;
  readonly logRetention?: logs.RetentionDays;
  readonly logRemovalPolicy?: RemovalPolicy;
  readonly encryptionKey?: kms.IKey;
}

class OwnFunction extends ToolSandbox {
  public readonly _allowedEndpoints: string[];

  public constructor(private readonly options: ToolSandboxFunctionOptions) {
    super();
    this._allowedEndpoints = options.allowedEndpoints ?? [];
  }

  public _bind(scope: Construct, service: _ServiceOfSandbox): IToolSandbox {
    return new ToolSandboxFunction(scope, 'ToolSandbox', { ...service, ...this.options });
  }
}

class OwnCodeInterpreter extends ToolSandbox {
  public readonly _allowedEndpoints = [];

  public constructor(private readonly options: ToolSandboxCodeInterpreterProps) {
    super();
  }

  public _bind(scope: Construct): IToolSandbox {
    return new ToolSandboxCodeInterpreter(scope, 'ToolSandbox', this.options);
  }
}

class Existing extends ToolSandbox {
  public readonly _allowedEndpoints: string[];

  public constructor(private readonly sandbox: IToolSandbox) {
    super();
    const { _settings } = sandbox;
    this._allowedEndpoints = _settings.kind === 'function' ? [..._settings.allowedEndpoints] : [];
  }

  public _bind(scope: Construct): IToolSandbox {
    const { account, region } = Stack.of(this.sandbox);
    validateRegion(scope, 'customTools', region, 'the gateway runs tools by the endpoint of its own region');
    validateAccount(scope, 'customTools', account, 'no policy of the sandbox lets another one in');
    return this.sandbox;
  }
}
