import { Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, Dependable, IConstruct } from 'constructs';
import { AwsCall, IAwsClient } from './aws-client';
import { AwsService } from './aws-service';
import { EndpointSource, ServiceEndpoint } from './endpoint-source';
import { closedSecurityGroup } from './private/closed-security-group';
import { stateKeyPolicy } from './private/encryption-key';
import {
  requireNames,
  requireOneSourceEach,
  requireOrganization,
  requirePrefixList,
  requireRouteTables,
} from './private/endpoint-checks';
import { endpointStatement } from './private/endpoint-policy';
import { isolatedPlacement } from './private/isolated-placement';
import { onePerZone } from './private/one-per-zone';
import { ENDPOINT_POLICY_LIMIT, policySize } from './private/policy-size';
import { namesOfCall } from './private/resolvable-names';
import { S3PrefixList } from './private/s3-prefix-list';
import { everybody } from './private/validation';

const HTTPS = ec2.Port.tcp(443);

/** Properties of `VpcEndpoints`. */
export interface VpcEndpointsProps {
  /** The VPC whose clients reach AWS. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the endpoints: one interface in each of their zones, in the first of several subnets. The S3 gateway is added
   * to the route tables of all.
   *
   * @default - the VPC's isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Where the endpoints of single services come from.
   *
   * @default - `defaultSource`
   */
  readonly sources?: ServiceEndpoint[];

  /**
   * Where the other services' endpoints come from.
   *
   * @default EndpointSource.create()
   */
  readonly defaultSource?: EndpointSource;

  /**
   * Id of the organization (`o-…`): then the endpoints let in only its principals (`aws:PrincipalOrgID`), and only to its
   * resources (`aws:ResourceOrgID`) where they aren't AWS's own.
   *
   * @default - the account alone is checked
   */
  readonly organizationId?: string;

  /**
   * Id of the region's S3 prefix list (`pl-…`), by which S3 is reached.
   *
   * @default - looked up by a function during the deployment, if something needs S3
   */
  readonly s3PrefixListId?: string;

  /**
   * How long the logs of that function are kept.
   *
   * @default logs.RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Key of that function's logs.
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
}

/**
 * The ways from a VPC to AWS, as many as its clients need and no wider than they say.
 *
 * `serve` makes the endpoint of each service that a client calls, once; adds exactly its actions on exactly its resources
 * to the endpoint's policy, for principals of this account; and lets the client reach it by HTTPS. Every endpoint has a
 * security group of its own, so that who needs one service reaches no other.
 *
 * An ARN of another stack than the endpoints' (a client that refers to a network, deployed before it) is replaced in the
 * policy by all of the account's resources of that service; keep both in one stack to have exact ones.
 */
export class VpcEndpoints extends Construct {
  /** The VPC. */
  public readonly vpc: ec2.IVpc;

  private readonly subnets: ec2.SubnetSelection;
  private readonly sources: ServiceEndpoint[];
  private readonly made = new Map<string, ec2.VpcEndpoint>();
  private readonly peers = new Map<string, ec2.IConnectable>();
  private readonly opened = new Map<ec2.IConnectable, Set<string>>();
  private readonly calls: AwsCall[] = [];
  /** Of each client, how many of its calls are served. */
  private readonly served = new Map<IAwsClient, number>();

  public constructor(
    scope: Construct,
    id: string,
    private readonly props: VpcEndpointsProps,
  ) {
    super(scope, id);
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    this.vpc = props.vpc;
    this.sources = props.sources ?? [];
    this.subnets = isolatedPlacement(this, props.vpc, props.vpcSubnets, { zones: 1, reason: '' });
    requireOneSourceEach(this.node.path, this.sources);
    requireOrganization(this.node.path, props.organizationId);
    requirePrefixList(this.node.path, props.s3PrefixListId);
    this.node.addValidation({ validate: () => this.tooLong() });
    // The rules at imported endpoints stand with the groups that were imported: who waits for the ways waits for them too.
    const roots = (): IConstruct[] => [
      this,
      ...[...this.peers.values()].flatMap((peer) => peer.connections.securityGroups),
    ];
    Dependable.implement(this, {
      get dependencyRoots() {
        return roots();
      },
    });
  }

  /**
   * Lets a client and its companions make the calls that they state, and no others. Once is enough: what a tool sandbox is
   * allowed later, and a companion that comes later, is served as well.
   *
   * @throws if an imported endpoint's security group can't be told, or its addresses are everybody's
   */
  public serve(client: IAwsClient): void {
    const before = this.served.get(client);
    const calls = client.awsCalls.slice(before);
    this.served.set(client, client.awsCalls.length);
    if (before === undefined) client._onMoreCalls?.(() => this.serve(client));
    for (const call of calls) {
      this.calls.push(call);
      const source = this.sourceOf(call.service);
      if (source._kind === 'skip') continue;
      if (source._kind === 'create') {
        this.endpoint(call.service).addToPolicy(endpointStatement(Stack.of(this), call, this.props.organizationId));
      }
      const what = source._kind === 'create' ? `${call.service.name} by its endpoint` : 'AWS by endpoints';
      this.open(client, this.peer(call.service, source), what);
    }
    client.companions?.forEach((companion) => this.serve(companion));
  }

  /** The services that clients state, whatever their endpoints come from. */
  public get services(): AwsService[] {
    return [...new Set(this.calls.map(({ service }) => service))];
  }

  /**
   * Names that the clients look up to make their calls.
   *
   * @internal
   */
  public get _domains(): string[] {
    const stack = Stack.of(this);
    const names = this.calls.flatMap((call) => namesOfCall(stack, call));
    return [...new Map(names.map((name) => [JSON.stringify(stack.resolve(name)), name])).values()];
  }

  /**
   * Whether this construct makes the endpoints of all these services, so that calls to them carry this VPC's id. An
   * imported endpoint may stand in another VPC.
   *
   * @internal
   */
  public _makes(...services: AwsService[]): boolean {
    return services.every((service) => this.sourceOf(service)._kind === 'create');
  }

  /** EC2 refuses the second of two equal rules, and the CDK does not see that two are equal where the peer's id is a token. */
  private open(client: IAwsClient, peer: ec2.IConnectable, what: string): void {
    const groups = groupIds(client);
    const opened = this.opened.get(peer) ?? new Set();
    if (groups !== '' && opened.has(groups)) return;
    client.connections.allowTo(peer, HTTPS, what);
    this.opened.set(peer, opened.add(groups));
  }

  private tooLong(): string[] {
    const sizes = [...this.made].map(([name, endpoint]) => ({
      name,
      size: policySize(Stack.of(this).resolve(endpoint['policyDocument'])),
    }));
    return sizes
      .filter(({ size }) => size > ENDPOINT_POLICY_LIMIT)
      .map(
        ({ name, size }) =>
          `the policy of the endpoint of ${name} has about ${size} characters, wanted ${ENDPOINT_POLICY_LIMIT} at most: let ` +
          'its clients state fewer resources, or give the endpoint as EndpointSource.imported(…) with a policy of yours',
      );
  }

  private sourceOf(service: AwsService): EndpointSource {
    const choice = this.sources.find((candidate) => candidate.service.name === service.name);
    return choice?.source ?? this.props.defaultSource ?? EndpointSource.create();
  }

  private endpoint(service: AwsService): ec2.VpcEndpoint {
    const found = this.made.get(service.name);
    if (found) return found;
    const endpoint = this.makeEndpoint(service);
    Tags.of(endpoint).add('Name', `${this.vpc.node.path}/${service.name}`);
    this.made.set(service.name, endpoint);
    return endpoint;
  }

  private makeEndpoint(service: AwsService): ec2.VpcEndpoint {
    // Makes the path end as that of `vpc.addInterfaceEndpoint`: a second endpoint with private DNS could not be made beside
    // the one of a stack that stands already.
    const scope = this.node.tryFindChild('Vpc') ?? new Construct(this, 'Vpc');
    const { vpc } = this;
    if (service.isGateway) {
      requireRouteTables(this.node.path, vpc.selectSubnets(this.subnets));
      return new ec2.GatewayVpcEndpoint(scope as Construct, service.endpointId, {
        vpc,
        service: ec2.GatewayVpcEndpointAwsService.S3,
        subnets: [this.subnets],
      });
    }
    requireNames(this.node.path, service, vpc);
    const securityGroup = closedSecurityGroup(this, `${service.endpointId}SecurityGroup`, {
      vpc,
      description: `Endpoint of ${service.name}`,
    });
    this.peers.set(service.name, securityGroup);
    return new ec2.InterfaceVpcEndpoint(scope as Construct, service.endpointId, {
      vpc,
      service: service._interface,
      subnets: onePerZone(this.subnets),
      securityGroups: [securityGroup],
      open: false,
      privateDnsEnabled: true,
    });
  }

  private peer(service: AwsService, source: EndpointSource): ec2.IConnectable {
    const peer = this.peers.get(service.name) ?? (service.isGateway ? this.s3() : this.importedPeer(service, source));
    this.peers.set(service.name, peer);
    return peer;
  }

  private s3(): ec2.IPeer {
    const { s3PrefixListId, logRetention, encryptionKey } = this.props;
    return ec2.Peer.prefixList(
      s3PrefixListId ??
        new S3PrefixList(this, 'S3PrefixList', {
          logRetention: logRetention ?? logs.RetentionDays.THREE_MONTHS,
          encryptionKey,
        }).prefixListId,
    );
  }

  private importedPeer(service: AwsService, { _peer: peer }: EndpointSource): ec2.IConnectable {
    const all = peer && everybody(peer);
    if (all) {
      throw new Error(
        `${this.node.path}: the endpoint of ${service.name} is imported with the addresses of everybody (${all}), wanted its own, ` +
          "because clients get a rule to them: give EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(…, 'sg-…'))",
      );
    }
    const isAddress = peer !== undefined && 'canInlineRule' in peer;
    if (peer && (isAddress || peer.connections.securityGroups.length > 0)) return this.known(peer);
    throw new Error(
      `${this.node.path}: the endpoint of ${service.name} is imported, but ` +
        `${peer ? 'knows none of its security groups' : 'its security group is not given'}, wanted one, because clients need ` +
        "a rule to it: give EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(…, 'sg-…'))",
    );
  }

  /** The same group imported twice is one group: EC2 refuses the second of two equal rules. */
  private known(peer: ec2.IConnectable): ec2.IConnectable {
    const id = groupIds(peer);
    return [...this.peers.values()].find((other) => id !== '' && groupIds(other) === id) ?? peer;
  }
}

function groupIds({ connections }: ec2.IConnectable): string {
  return connections.securityGroups.map(({ securityGroupId }) => securityGroupId).join();
}
