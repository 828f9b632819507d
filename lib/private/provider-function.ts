import * as path from 'node:path';
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { encryptedLogGroup } from './encrypted-log-group';
import { frameworkWritesOwnLogsOnly } from './function-logs';
import {
  acknowledgeDeploymentFunction,
  acknowledgeOwnPolicies,
  acknowledgeProviderFramework,
  acknowledgeWildcard,
} from './nag';
import { UNSCOPABLE_ACTIONS } from './unscopable-actions';

/** Where the bundles of `runtime/functions` are, in a clone and in the published package. */
const BUNDLES = path.join(__dirname, '..', '..', 'runtime', 'functions', 'dist');

export interface ProviderFunctionProps {
  /** Name of the bundle under `runtime/functions/dist`; its `index.js` exports `onEvent`. */
  readonly bundle: string;
  readonly description: string;
  readonly environment?: Record<string, string>;
  readonly timeout: Duration;
  /** With a VPC the function stands in it, behind `securityGroup`; what answers CloudFormation stays outside. */
  readonly vpc?: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly securityGroup?: ec2.ISecurityGroup;
  readonly logRetention: logs.RetentionDays;
  readonly encryptionKey?: kms.IKey;
}

/**
 * One step of a deployment: a function of this package behind CDK's custom-resource framework. The framework's function
 * is outside any VPC, because one inside a sealed VPC cannot reach the presigned URL that CloudFormation waits on.
 */
export class ProviderFunction extends Construct {
  readonly role: iam.Role;
  readonly function: lambda.Function;
  readonly provider: Provider;
  /** What must stand before the function runs. */
  private readonly permissions: Construct[];

  constructor(scope: Construct, id: string, props: ProviderFunctionProps) {
    super(scope, id);

    const logGroup = this.logGroup('LogGroup', props);
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: `Runs "${props.description}"`,
    });
    this.role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    if (props.vpc) this.allowNetworkInterfaces();

    this.function = new lambda.Function(this, 'Function', {
      description: props.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      handler: 'index.onEvent',
      code: lambda.Code.fromAsset(path.join(BUNDLES, props.bundle)),
      role: this.role,
      environment: props.environment,
      timeout: props.timeout,
      memorySize: 256,
      logGroup,
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroup ? [props.securityGroup] : undefined,
    });

    this.permissions = props.vpc ? [this.role, this.denyNetworkInterfacesToCode()] : [this.role];

    const providerLogGroup = this.logGroup('ProviderLogGroup', props);
    this.provider = new Provider(this, 'Provider', { onEventHandler: this.function, logGroup: providerLogGroup });
    frameworkWritesOwnLogsOnly(this.provider, providerLogGroup);
    acknowledgeDeploymentFunction(this.function);
    acknowledgeProviderFramework(this.provider);
    acknowledgeOwnPolicies(this);
  }

  /** The custom resource that runs the step; not before the function may do what it does. */
  run(id: string, resourceType: string, properties: Record<string, unknown> = {}): CustomResource {
    const resource = new CustomResource(this, id, {
      serviceToken: this.provider.serviceToken,
      resourceType,
      properties,
    });
    resource.node.addDependency(...this.permissions);
    return resource;
  }

  private logGroup(id: string, props: ProviderFunctionProps): logs.LogGroup {
    return encryptedLogGroup(this, id, {
      retention: props.logRetention,
      encryptionKey: props.encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /** What Lambda asks of the role of a function in a VPC; it refuses to make the function without it. */
  private allowNetworkInterfaces(): void {
    this.role.addToPolicy(
      new iam.PolicyStatement({ actions: [...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES], resources: ['*'] }),
    );
    acknowledgeWildcard(
      this.role,
      '*',
      'Lambda makes no function in a VPC unless its role has these actions on every network interface',
    );
  }

  /**
   * Lambda needs these actions, the function's code does not: requests of the code, and they alone, carry the function's
   * ARN. A policy of its own, because it names the function, which waits for the other one. Source: "Giving Lambda
   * functions access to resources in an Amazon VPC" (security best practices), Lambda Developer Guide.
   */
  private denyNetworkInterfacesToCode(): iam.Policy {
    return new iam.Policy(this, 'CodePolicy', {
      roles: [this.role],
      statements: [
        new iam.PolicyStatement({
          effect: iam.Effect.DENY,
          actions: [...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES],
          resources: ['*'],
          conditions: { ArnEquals: { 'lambda:SourceFunctionArn': this.function.functionArn } },
        }),
      ],
    });
  }
}
