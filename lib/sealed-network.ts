import { CfnResource, Fn, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { closedSecurityGroup } from './private/closed-security-group';
import { DnsFirewall } from './private/dns-firewall';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { S3PrefixList } from './private/s3-prefix-list';

const HTTPS = ec2.Port.tcp(443);

/** The AWS services that a Letta task calls, and what it may ask of each through the network. */
const SERVICES = [
  {
    id: 'EcrApi',
    service: ec2.InterfaceVpcEndpointAwsService.ECR,
    actions: [
      'ecr:GetAuthorizationToken',
      'ecr:BatchCheckLayerAvailability',
      'ecr:GetDownloadUrlForLayer',
      'ecr:BatchGetImage',
    ],
  },
  {
    id: 'EcrDocker',
    service: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    actions: [
      'ecr:GetAuthorizationToken',
      'ecr:BatchCheckLayerAvailability',
      'ecr:GetDownloadUrlForLayer',
      'ecr:BatchGetImage',
    ],
  },
  {
    id: 'Logs',
    service: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
  },
  {
    id: 'SecretsManager',
    service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    actions: ['secretsmanager:GetSecretValue'],
  },
  {
    id: 'Bedrock',
    service: ec2.InterfaceVpcEndpointAwsService.BEDROCK,
    actions: ['bedrock:ListInferenceProfiles', 'bedrock:GetInferenceProfile'],
  },
  {
    id: 'BedrockRuntime',
    service: ec2.InterfaceVpcEndpointAwsService.BEDROCK_RUNTIME,
    actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream', 'bedrock:ApplyGuardrail'],
  },
];

/** Properties of a `SealedNetwork`. */
export interface SealedNetworkProps {
  /**
   * Address range of the VPC.
   *
   * @default 10.0.0.0/16
   */
  readonly ipAddresses?: ec2.IIpAddresses;

  /**
   * Number of availability zones, 2 to 6: the first ones of the region, by name.
   *
   * @default 2, or as many as `availabilityZones` names
   */
  readonly maxAzs?: number;

  /**
   * The availability zones, by name. Name them where an endpoint service is missing in one of the region's first
   * zones, and in production, so that a zone that AWS adds later cannot move the subnets.
   *
   * @default - the first `maxAzs` zones of the region, chosen by CloudFormation
   */
  readonly availabilityZones?: string[];

  /**
   * Id of the region's S3 prefix list (`pl-…`), by which container images' layers are reached.
   *
   * @default - looked up by a function during the deployment
   */
  readonly s3PrefixListId?: string;

  /**
   * Whether the VPC's resolver answers only names of AWS, of the VPC's own hosts, and `allowedDomains` (Route 53
   * Resolver DNS Firewall). Without it, data can leave in the names that are looked up.
   *
   * @default true
   */
  readonly dnsFirewall?: boolean;

  /**
   * Domains that the resolver answers too, e.g. `*.corp.example.com`.
   *
   * @default - none
   */
  readonly allowedDomains?: string[];

  /**
   * How long flow logs and the logs of the deployment's functions are kept.
   *
   * @default logs.RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Key of the log groups. An imported key must let CloudWatch Logs use it.
   *
   * @default - the key of CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * What becomes of the VPC and its subnets when they leave the stack. A database that is retained stands on them,
   * and then AWS refuses to delete them. Endpoints, their security group and logs are always deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * A VPC with no way out: isolated subnets, no internet gateway, no NAT; AWS is reached by endpoints alone. Each
 * endpoint has a policy that lets this account's principals do what Letta needs and no more. Nobody reaches an
 * endpoint, nor S3, before `allowFrom` names it.
 *
 * No zone is looked up at synth: CloudFormation picks them. Yet aws-cdk-lib's `Vpc` asks the stack for its zones, so a
 * stack with an explicit account and region should override `availabilityZones`, as `LettaBedrockStack` does, or
 * `cdk synth` wants credentials.
 *
 * The VPC's default security group is emptied. CloudFormation cannot do that, so it is done by the custom resource that
 * aws-cdk-lib has for it, whose role may change that one group only; it stays emptied for as long as the VPC is there.
 */
export class SealedNetwork extends Construct implements ec2.IConnectable {
  /** The VPC. */
  readonly vpc: ec2.IVpc;
  /** The isolated subnets. */
  readonly subnets: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
  /** The interface endpoints; default port 443. */
  readonly connections: ec2.Connections;

  private readonly s3: ec2.IPeer;

  constructor(scope: Construct, id: string, props: SealedNetworkProps = {}) {
    super(scope, id);

    const logRetention = props.logRetention ?? logs.RetentionDays.THREE_MONTHS;
    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: props.ipAddresses,
      availabilityZones: this.zones(props),
      natGateways: 0,
      createInternetGateway: false,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      restrictDefaultSecurityGroup: true,
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    this.vpc = vpc;
    this.logTraffic(vpc, logRetention, props.encryptionKey);

    const endpoints = closedSecurityGroup(this, 'EndpointSecurityGroup', {
      vpc,
      description: 'Interface endpoints of the sealed network',
    });
    this.connections = new ec2.Connections({ securityGroups: [endpoints], defaultPort: HTTPS });
    for (const { id: endpointId, service, actions } of SERVICES) {
      const endpoint = vpc.addInterfaceEndpoint(endpointId, {
        service,
        subnets: this.subnets,
        securityGroups: [endpoints],
        open: false,
        privateDnsEnabled: true,
      });
      endpoint.addToPolicy(
        new iam.PolicyStatement({
          principals: [new iam.AnyPrincipal()],
          actions,
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': Stack.of(this).account } },
        }),
      );
    }
    this.addImageLayers(vpc);
    this.limitNames(props);

    this.s3 = ec2.Peer.prefixList(
      props.s3PrefixListId ??
        new S3PrefixList(this, 'S3PrefixList', { logRetention, encryptionKey: props.encryptionKey }).prefixListId,
    );
    this.keep(vpc, props.removalPolicy ?? RemovalPolicy.RETAIN);
  }

  /**
   * Lets a client reach the interface endpoints, and S3 for the layers of its images, by HTTPS. What pulls no image
   * needs the endpoints only: `network.connections.allowDefaultPortFrom(client)`.
   */
  allowFrom(client: ec2.IConnectable): void {
    client.connections.allowToDefaultPort(this, 'AWS by interface endpoints');
    client.connections.allowTo(this.s3, HTTPS, 'image layers in S3');
  }

  /** Names zones by position, so that no look-up at synth decides them. */
  private zones(props: SealedNetworkProps): string[] {
    const { availabilityZones, maxAzs } = props;
    if (availabilityZones !== undefined && maxAzs !== undefined) {
      throw new Error(
        `SealedNetwork ${this.node.path}: got both \`availabilityZones\` and \`maxAzs\`; give one of them`,
      );
    }
    const number = maxAzs ?? availabilityZones?.length ?? 2;
    if (!Token.isUnresolved(availabilityZones) && !(Number.isInteger(number) && number >= 2 && number <= 6)) {
      throw new Error(
        `SealedNetwork ${this.node.path}: expected 2 to 6 availability zones, got ${number}; RDS and the load ` +
          'balancer need two',
      );
    }
    return availabilityZones ?? Array.from({ length: number }, (_, index) => Fn.select(index, Fn.getAzs()));
  }

  private logTraffic(vpc: ec2.Vpc, retention: logs.RetentionDays, encryptionKey?: kms.IKey): void {
    const logGroup = encryptedLogGroup(this, 'FlowLogGroup', {
      retention,
      encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('FlowLog', { destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup) });
  }

  /**
   * Image layers come from a bucket of ECR's own, by presigned URLs: no condition on account or organization can hold.
   * Source: "Minimum Amazon S3 bucket permissions for Amazon ECR", Amazon ECR User Guide.
   */
  private addImageLayers(vpc: ec2.Vpc): void {
    const { partition, region } = Stack.of(this);
    const s3 = vpc.addGatewayEndpoint('S3', {
      service: ec2.GatewayVpcEndpointAwsService.S3,
      subnets: [this.subnets],
    });
    s3.addToPolicy(
      new iam.PolicyStatement({
        principals: [new iam.AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
      }),
    );
  }

  private limitNames({ dnsFirewall, allowedDomains }: SealedNetworkProps): void {
    if (dnsFirewall ?? true) {
      new DnsFirewall(this, 'DnsFirewall', { vpc: this.vpc, allowedDomains: allowedDomains ?? [] });
    } else if (allowedDomains !== undefined) {
      throw new Error(
        `SealedNetwork ${this.node.path}: \`allowedDomains\` has no effect without \`dnsFirewall\`, got both ` +
          '`allowedDomains` and `dnsFirewall: false`; leave one of them out',
      );
    }
  }

  /** A retained VPC keeps its subnets, and its default security group stays empty. */
  private keep(vpc: ec2.Vpc, removalPolicy: RemovalPolicy): void {
    const kept = ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'Custom::VpcRestrictDefaultSG'];
    for (const child of vpc.node.findAll()) {
      if (CfnResource.isCfnResource(child) && kept.includes(child.cfnResourceType)) {
        child.applyRemovalPolicy(removalPolicy);
      }
    }
  }
}
