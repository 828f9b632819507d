import { CfnResource, Fn, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { IAwsClient } from './aws-client';
import { DnsFirewall, requireNames } from './private/dns-firewall';
import { encryptedLogGroup } from './private/encrypted-log-group';
import { stateKeyPolicy } from './private/encryption-key';
import { acknowledgeOwnPolicies } from './private/nag';
import { trustOwnSource } from './private/own-source';
import { namesOfStores } from './private/resolvable-names';
import { VpcEndpoints } from './vpc-endpoints';

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
   * Id of the organization (`o-…`): then the endpoints let in only its principals, and only to its resources where they
   * aren't AWS's own.
   *
   * @default - the account alone is checked
   */
  readonly organizationId?: string;

  /**
   * Id of the region's S3 prefix list (`pl-…`), by which container images' layers are reached.
   *
   * @default - looked up by a function during the deployment, if something needs S3
   */
  readonly s3PrefixListId?: string;

  /**
   * Whether the VPC's resolver answers only these names (Route 53 Resolver DNS Firewall): the services that clients are
   * served with, databases, caches and load balancers of the region, the VPC's own hosts, and `allowedDomains`. Without
   * it, data can leave in the names that are looked up.
   *
   * @default true
   */
  readonly dnsFirewall?: boolean;

  /**
   * Domains that the resolver answers too, e.g. `*.corp.example.com`, or those of a private hosted zone. `*` alone is an
   * error: every name is answered without `dnsFirewall`.
   *
   * @default - none
   */
  readonly allowedDomains?: string[];

  /**
   * Where flow logs go, e.g. `ec2.FlowLogDestination.toS3(bucket)` for a bucket of the organization's.
   *
   * @default - a new log group
   */
  readonly flowLogDestination?: ec2.FlowLogDestination;

  /**
   * How long flow logs and the logs of the deployment's functions are kept.
   *
   * @default logs.RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Key of the log groups.
   *
   * @default - the key of CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements. A key that the app
   * makes is given them.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;

  /**
   * What becomes of the VPC and its subnets when they leave the stack. A database that is retained stands on them,
   * and then AWS refuses to delete them. Endpoints, their security group and logs are always deleted.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * A VPC with no way out: isolated subnets, no internet gateway, no NAT; AWS is reached by endpoints alone. There is none
 * until `serve` is told of a client: it makes those that the client calls, each with a policy that lets through these calls
 * by this account's principals, and no others.
 *
 * No zone is looked up at synth: CloudFormation picks them. Yet aws-cdk-lib's `Vpc` asks the stack for its zones, so a
 * stack with an explicit account and region should override `availabilityZones`, as `LettaBedrockStack` does, or
 * `cdk synth` wants credentials.
 *
 * The VPC's default security group is emptied. CloudFormation cannot do that, so it is done by the custom resource that
 * aws-cdk-lib has for it, whose role may change that one group only; it stays emptied for as long as the VPC is there.
 */
export class SealedNetwork extends Construct {
  /** The VPC. */
  readonly vpc: ec2.IVpc;
  /** The isolated subnets. */
  readonly subnets: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
  /** The ways to AWS. */
  readonly endpoints: VpcEndpoints;

  constructor(scope: Construct, id: string, props: SealedNetworkProps = {}) {
    super(scope, id);
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);

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
    const destination = props.flowLogDestination ?? this.flowLogGroup(logRetention, props.encryptionKey);
    const flowLog = vpc.addFlowLog('FlowLog', { destination });
    trustOwnFlowLogs(flowLog);
    acknowledgeOwnPolicies(flowLog);

    // `Default` leaves no trace in logical ids: those of the endpoints stay what they were under the VPC.
    this.endpoints = new VpcEndpoints(this, 'Default', {
      vpc,
      vpcSubnets: this.subnets,
      organizationId: props.organizationId,
      s3PrefixListId: props.s3PrefixListId,
      logRetention,
      encryptionKey: props.encryptionKey,
    });
    this.limitNames(props);
    this.keep(vpc, props.removalPolicy ?? RemovalPolicy.RETAIN);
  }

  /** Lets a client make the calls to AWS that it states: by endpoints made on first need, and nothing else. */
  serve(client: IAwsClient): void {
    this.endpoints.serve(client);
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

  private flowLogGroup(retention: logs.RetentionDays, encryptionKey?: kms.IKey): ec2.FlowLogDestination {
    const logGroup = encryptedLogGroup(this, 'FlowLogGroup', {
      retention,
      encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return ec2.FlowLogDestination.toCloudWatchLogs(logGroup);
  }

  private limitNames({ dnsFirewall, allowedDomains }: SealedNetworkProps): void {
    if (dnsFirewall ?? true) {
      requireNames(this.node.path, allowedDomains);
      const names = namesOfStores(Stack.of(this));
      new DnsFirewall(this, 'DnsFirewall', {
        vpc: this.vpc,
        domains: Lazy.list({ produce: () => [...names, ...this.endpoints._domains, ...(allowedDomains ?? [])] }),
      });
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

/** "IAM role for publishing flow logs to CloudWatch Logs", Amazon VPC User Guide. A role that was brought along is its owner's. */
function trustOwnFlowLogs(flowLog: ec2.FlowLog): void {
  const role = flowLog.node.tryFindChild('IAMRole');
  if (!role) return;
  const arn = { service: 'ec2', resource: 'vpc-flow-log', resourceName: '*' };
  trustOwnSource(role as iam.Role, Stack.of(flowLog).formatArn(arn));
}
