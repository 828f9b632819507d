import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import * as agentcore from 'aws-cdk-lib/aws-bedrockagentcore';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { SandboxSettings } from '../runtime/contract';
import { AwsCall } from './aws-client';
import { AwsService } from './aws-service';
import { acknowledgeOwnPolicies } from './private/nag';
import { trustOwnSource } from './private/own-source';
import { requireOptions } from './private/sandbox-kinds';
import { DEFAULT_TOOL_TIMEOUT, validateKnownSeconds, validateSandboxLimits } from './private/sandbox-limits';
import { warnOfRegionWithoutCodeInterpreter } from './private/sandbox-regions';
import { IToolSandbox } from './tool-sandbox';

/** Properties of `ToolSandboxCodeInterpreter`. */
export interface ToolSandboxCodeInterpreterProps {
  /**
   * How long one run of a tool may take, 1 to 270 s, known at synth.
   *
   * @default Duration.minutes(3)
   */
  readonly timeout?: Duration;

  /**
   * Most runs of one agent at once in each task, 1 to 1,000; one more is refused with an error that the agent reads.
   *
   * @default 1 - runs of one session come one after the other
   */
  readonly maxRunsPerAgent?: number;

  /**
   * How long an agent's session is kept after its last run, 60 to 28,800 s (8 hours), known at synth. AWS charges for it only while it works,
   * yet holds its memory.
   *
   * @default Duration.minutes(15)
   */
  readonly sessionIdle?: Duration;
}

/**
 * An Amazon Bedrock AgentCore code interpreter that runs callers' tools, in AgentCore's sandbox network and with a role that
 * allows nothing. Gives a warning: that network is no closed one, code in it reaches Amazon S3 and resolves names. Source:
 * "Network settings", AgentCore Code Interpreter, Amazon Bedrock AgentCore Developer Guide.
 *
 * Each agent has a session of its own, with the variables and files of its runs before, until it has been idle for
 * `sessionIdle`. Python tools only; packages are those that AWS has there. Gives another warning in a region where AgentCore
 * had no code interpreter in November 2026.
 *
 * @throws for a time-out, a number of runs or a `sessionIdle` that the gateway or AgentCore does not do
 */
export class ToolSandboxCodeInterpreter extends Construct implements IToolSandbox {
  public readonly runCalls: AwsCall[];
  /** The code interpreter. */
  public readonly codeInterpreter: agentcore.CodeInterpreterCustom;
  /** @internal */
  public readonly _settings: SandboxSettings;

  public constructor(scope: Construct, id: string, props: ToolSandboxCodeInterpreterProps = {}) {
    super(scope, id);
    requireOptions(`${this.node.path}: the properties`, props);
    warnOfRegionWithoutCodeInterpreter(this);
    Annotations.of(this).addWarningV2(
      'cdk-letta:ToolSandboxCodeInterpreter.sandboxNetwork',
      `${this.node.path} runs tools in AgentCore's sandbox network, where code reaches Amazon S3, buckets of others by presigned ` +
        'addresses too, and resolves names: what agents know can be sent out by any caller’s tool; ToolSandbox.function() reaches ' +
        'nothing',
    );
    const sessionIdle = props.sessionIdle ?? Duration.minutes(15);
    // Source of the bounds: "StartCodeInterpreterSession", Amazon Bedrock AgentCore Data Plane API Reference.
    const why = 'AgentCore keeps no session for longer';
    validateKnownSeconds(this.node.path, 'sessionIdle', sessionIdle, 60, 28_800, why);
    const limits = validateSandboxLimits(this.node.path, {
      timeout: props.timeout ?? DEFAULT_TOOL_TIMEOUT,
      maxRunsPerAgent: props.maxRunsPerAgent ?? 1,
    });
    const role = this.roleThatAllowsNothing();
    this.codeInterpreter = new agentcore.CodeInterpreterCustom(this, 'Resource', {
      description: 'Runs tools of callers of the Letta API',
      networkConfiguration: agentcore.CodeInterpreterNetworkConfiguration.usingSandboxNetwork(),
      executionRole: role,
    });
    this.codeInterpreter.node.addDependency(role);
    this.runCalls = [
      {
        service: AwsService.BEDROCK_AGENTCORE,
        actions: [
          'bedrock-agentcore:StartCodeInterpreterSession',
          'bedrock-agentcore:InvokeCodeInterpreter',
          'bedrock-agentcore:StopCodeInterpreterSession',
        ],
        resources: [this.codeInterpreter.codeInterpreterArn],
      },
    ];
    this._settings = {
      kind: 'codeInterpreter',
      codeInterpreterId: this.codeInterpreter.codeInterpreterId,
      sessionIdleSeconds: sessionIdle.toSeconds(),
      ...limits,
    };
  }

  public grantRun(grantee: iam.IGrantable, sourceVpc?: ec2.IVpc): iam.Grant {
    const [{ actions, resources }] = this.runCalls;
    const conditions = sourceVpc && { StringEquals: { 'aws:SourceVpc': sourceVpc.vpcId } };
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions });
  }

  public allowFunction(): void {
    this.refuse('allowFunction');
  }

  public allowEndpoint(): void {
    this.refuse('allowEndpoint');
  }

  private refuse(method: string): never {
    throw new Error(
      `${this.node.path}: ${method} on a code interpreter, wanted a function, because nothing is named in a code interpreter's ` +
        'sandbox network: use ToolSandbox.function()',
    );
  }

  /** @internal */
  public _connect(): void {
    // It stands in no VPC: the service reaches it by AWS's API.
  }

  /** AgentCore hands the role's credentials to the code, so what others allow the role is denied as well. */
  private roleThatAllowsNothing(): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('bedrock-agentcore.amazonaws.com'),
      description: "Of the code interpreter that runs callers' tools: allows nothing",
    });
    trustOwnSource(role, Stack.of(this).formatArn({ service: 'bedrock-agentcore', resource: '*' }));
    role.addToPolicy(new iam.PolicyStatement({ effect: iam.Effect.DENY, actions: ['*'], resources: ['*'] }));
    acknowledgeOwnPolicies(this);
    return role;
  }
}
