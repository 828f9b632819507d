import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { Port } from '../../runtime/contract';
import { LettaLoadBalancerOptions } from '../letta-load-balancer-options';
import { closedSecurityGroup } from './closed-security-group';
import { acknowledge, acknowledgeStandards } from './nag';
import { onePerZone } from './one-per-zone';

/** Properties of `InternalLoadBalancer`. */
export interface InternalLoadBalancerProps extends Pick<
  LettaLoadBalancerOptions,
  'certificate' | 'domainName' | 'hostedZone' | 'webAcl' | 'accessLogsBucket'
> {
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly securityGroup?: ec2.ISecurityGroup;
  /** Whether to speak TLS to the targets. */
  readonly targetTls: boolean;
  readonly idleTimeout: Duration;
  readonly deregistrationDelay: Duration;
  readonly deletionProtection: boolean;
  readonly logRetention: logs.RetentionDays;
  readonly logRemovalPolicy: RemovalPolicy;
  readonly encryptionKey?: kms.IKey;
}

/** Load balancer without a public address: HTTPS with a certificate, HTTP without. */
export class InternalLoadBalancer extends Construct {
  public readonly resource: elbv2.ApplicationLoadBalancer;
  public readonly listener: elbv2.ApplicationListener;
  public readonly targetGroup: elbv2.ApplicationTargetGroup;
  /** Where clients connect to, by the name they were given or else the load balancer's own. */
  public readonly url: string;

  public constructor(scope: Construct, id: string, props: InternalLoadBalancerProps) {
    super(scope, id);
    const { vpc, vpcSubnets, certificate } = props;
    this.resource = new elbv2.ApplicationLoadBalancer(this, 'Resource', {
      vpc,
      vpcSubnets: vpcSubnets && onePerZone(vpcSubnets),
      internetFacing: false,
      securityGroup:
        props.securityGroup ??
        closedSecurityGroup(this, 'SecurityGroup', { vpc, description: 'Load balancer of the Letta service' }),
      idleTimeout: props.idleTimeout,
      dropInvalidHeaderFields: true,
      deletionProtection: props.deletionProtection,
    });
    this.logAccess(props.accessLogsBucket ?? this.accessLogsBucket(props));

    this.targetGroup = new elbv2.ApplicationTargetGroup(this, 'Targets', {
      vpc,
      port: Port.API,
      protocol: props.targetTls ? elbv2.ApplicationProtocol.HTTPS : elbv2.ApplicationProtocol.HTTP,
      targetType: elbv2.TargetType.IP,
      deregistrationDelay: props.deregistrationDelay,
      // Turns last from a second to minutes: counting requests says more about a task's load than taking turns.
      loadBalancingAlgorithmType: elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        // With the slash: Letta answers 307 without it.
        path: '/v1/health/',
        protocol: props.targetTls ? elbv2.Protocol.HTTPS : undefined,
        healthyHttpCodes: '200',
        interval: Duration.seconds(15),
        timeout: Duration.seconds(10),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
    this.listener = this.resource.addListener('Listener', {
      protocol: certificate ? elbv2.ApplicationProtocol.HTTPS : elbv2.ApplicationProtocol.HTTP,
      certificates: certificate && [certificate],
      sslPolicy: certificate && elbv2.SslPolicy.RECOMMENDED_TLS,
      open: false,
      defaultTargetGroups: [this.targetGroup],
    });
    if (!certificate) {
      acknowledge(this.listener, 'LettaChecks::plaintext-listener', 'the prop http chose it, and synth warns of it');
    }
    this.url = `${certificate ? 'https' : 'http'}://${props.domainName ?? this.resource.loadBalancerDnsName}`;
    if (props.webAcl) {
      new wafv2.CfnWebACLAssociation(this, 'WebAclAssociation', {
        resourceArn: this.resource.loadBalancerArn,
        webAclArn: props.webAcl._arn(this, props),
      });
    }
    if (props.hostedZone) {
      new route53.ARecord(this, 'Alias', {
        zone: props.hostedZone,
        recordName: `${props.domainName}.`,
        target: route53.RecordTarget.fromAlias(new LoadBalancerTarget(this.resource)),
      });
    }
  }

  private accessLogsBucket(props: InternalLoadBalancerProps): s3.IBucket {
    const bucket = new s3.Bucket(this, 'AccessLogs', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // A second version is what somebody has overwritten or deleted.
      versioned: true,
      lifecycleRules: [
        {
          expiration: Duration.days(props.logRetention),
          noncurrentVersionExpiration: Duration.days(props.logRetention),
        },
      ],
      removalPolicy: props.logRemovalPolicy,
    });
    const noLogOfLogs = 'this bucket holds access logs itself; logging its own access would not end';
    acknowledge(bucket, 'AwsSolutions-S1', noLogOfLogs);
    acknowledgeStandards(bucket, 'S3BucketLoggingEnabled', noLogOfLogs);
    acknowledgeStandards(
      bucket,
      'S3DefaultEncryptionKMS',
      'load balancers write access logs with keys of S3 (SSE-S3) only',
    );
    acknowledgeStandards(
      bucket,
      'S3BucketReplicationEnabled',
      'S3 keeps each object in three zones; who wants a copy in another region gives an `accessLogsBucket` that has one',
    );
    return bucket;
  }

  /** `logAccessLogs` of the CDK wants to know the region; log delivery's own principal works in every one. */
  private logAccess(bucket: s3.IBucket): void {
    this.resource.setAttribute('access_logs.s3.enabled', 'true');
    this.resource.setAttribute('access_logs.s3.bucket', bucket.bucketName);
    const written = bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`AWSLogs/${Stack.of(this).account}/*`)],
      }),
    );
    if (written.policyDependable) this.resource.node.addDependency(written.policyDependable);
  }
}
