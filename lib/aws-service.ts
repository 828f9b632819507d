import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/**
 * An AWS service that is reached from a VPC by an endpoint.
 *
 * Source of the names: "AWS services that integrate with AWS PrivateLink", AWS PrivateLink Guide.
 */
export class AwsService {
  /** Finds images. */
  public static readonly ECR_API = new AwsService(
    'EcrApi',
    'ecr.api',
    ['ecr:REGION:ACCOUNT:repository/*'],
    ['api.ecr'],
  );
  /** Reads images' manifests. */
  public static readonly ECR_DOCKER = new AwsService(
    'EcrDocker',
    'ecr.dkr',
    ['ecr:REGION:ACCOUNT:repository/*'],
    ['*.dkr.ecr'],
  );
  /** Objects, by the gateway endpoint: it costs nothing and has no security group. */
  public static readonly S3 = new AwsService('S3', 's3', ['s3:::*']);
  /** CloudWatch Logs. */
  public static readonly LOGS = new AwsService('Logs', 'logs', ['logs:REGION:ACCOUNT:log-group:*']);
  /** Secrets Manager. */
  public static readonly SECRETS_MANAGER = new AwsService('SecretsManager', 'secretsmanager', [
    'secretsmanager:REGION:ACCOUNT:secret:*',
  ]);
  /** What Bedrock tells about models and profiles. */
  public static readonly BEDROCK = new AwsService('Bedrock', 'bedrock', bedrockResources());
  /** Calls of Bedrock's models. */
  public static readonly BEDROCK_RUNTIME = new AwsService('BedrockRuntime', 'bedrock-runtime', bedrockResources());
  /** Bedrock AgentCore, e.g. its code interpreter. */
  public static readonly BEDROCK_AGENTCORE = new AwsService('BedrockAgentCore', 'bedrock-agentcore', [
    'bedrock-agentcore:REGION:ACCOUNT:*',
  ]);
  /** Key Management Service, for those who encrypt by themselves: AWS's services do it on their own side. */
  public static readonly KMS = new AwsService('Kms', 'kms', ['kms:REGION:ACCOUNT:key/*']);
  /** CloudWatch metrics. Metrics within logs go by `LOGS`. */
  public static readonly MONITORING = new AwsService('Monitoring', 'monitoring', ['cloudwatch:REGION:ACCOUNT:*']);
  /** Security Token Service. Roles of tasks and functions don't need it. */
  public static readonly STS = new AwsService('Sts', 'sts', ['iam::ACCOUNT:role/*']);
  /** Systems Manager: parameters and documents. */
  public static readonly SSM = new AwsService('Ssm', 'ssm', ['ssm:REGION:ACCOUNT:*']);
  /** Channels of Session Manager and ECS Exec. */
  public static readonly SSM_MESSAGES = new AwsService('SsmMessages', 'ssmmessages', ['ssmmessages:REGION:ACCOUNT:*']);
  /** Lambda. */
  public static readonly LAMBDA = new AwsService('Lambda', 'lambda', ['lambda:REGION:ACCOUNT:function:*']);
  /** X-Ray. */
  public static readonly XRAY = new AwsService('XRay', 'xray', ['xray:REGION:ACCOUNT:*']);

  /**
   * A service that has no constant here.
   *
   * @param name its name in `com.amazonaws.REGION.NAME`, e.g. `sqs`
   * @param resources what follows the partition in the ARNs of an account's resources of that service, e.g.
   *   `sqs:REGION:ACCOUNT:*`: an endpoint of another stack than its client's allows these instead of exact ones
   */
  public static of(name: string, resources: string[]): AwsService {
    if (!/^[a-z][a-z0-9.-]*$/.test(name)) {
      throw new Error(
        `AwsService.of: '${name}' is no name of an endpoint service, wanted what follows the region in ` +
          "com.amazonaws.REGION.NAME, e.g. 'sqs'",
      );
    }
    const id = name.replace(/(^|[.-])([a-z0-9])/g, (_all, _separator, letter: string) => letter.toUpperCase());
    return new AwsService(id, name, resources);
  }

  private constructor(
    /** Id of the endpoint's construct. */
    public readonly endpointId: string,
    /** Name in `com.amazonaws.REGION.NAME`. */
    public readonly name: string,
    private readonly resources: string[],
    private readonly hosts: string[] = [name],
  ) {}

  /** Whether the endpoint is a gateway of route tables, without a security group. */
  public get isGateway(): boolean {
    return this.name === 's3';
  }

  /**
   * Host names of the endpoint in the region of a stack, as a resolver is asked for them; those of S3 depend on the
   * bucket and are not among them.
   *
   * @internal
   */
  public _domains({ region, urlSuffix }: Stack): string[] {
    return this.isGateway ? [] : this.hosts.map((host) => `${host}.${region}.${urlSuffix}`);
  }

  /**
   * ARNs of everything of the account that the service could act on.
   *
   * @internal
   */
  public _accountResources({ partition, region, account }: Stack): string[] {
    return this.resources.map(
      (resource) => `arn:${partition}:${resource.replace('REGION', region).replace('ACCOUNT', account)}`,
    );
  }

  /** @internal */
  public get _interface(): ec2.InterfaceVpcEndpointAwsService {
    return new ec2.InterfaceVpcEndpointAwsService(this.name);
  }
}

function bedrockResources(): string[] {
  return ['guardrail/*', 'inference-profile/*', 'application-inference-profile/*'].map(
    (resource) => `bedrock:REGION:ACCOUNT:${resource}`,
  );
}
