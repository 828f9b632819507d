import { isNobody, leavesTheVpc, meet } from './addresses';
import type { Deployed, Deployment } from './deployment';

/** A rule of a security group. */
export interface Rule {
  /** Id of the group that has it. */
  readonly group: string;
  readonly direction: 'in' | 'out';
  readonly peer: { readonly group?: string; readonly cidr?: string; readonly prefixList?: string };
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  readonly description?: string;
}

/** Something with network interfaces in the VPC. */
export interface Workload {
  readonly name: string;
  readonly groups: string[];
  readonly subnets: string[];
}

interface RuleProperties {
  readonly GroupId?: string;
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly CidrIp?: string;
  readonly CidrIpv6?: string;
  readonly SourceSecurityGroupId?: string;
  readonly SourcePrefixListId?: string;
  readonly DestinationSecurityGroupId?: string;
  readonly DestinationPrefixListId?: string;
  readonly Description?: string;
}

/** Where a type of resource says which groups and subnets its interfaces have. */
const INTERFACES: Record<string, (properties: never, deployment: Deployment) => Omit<Workload, 'name'>> = {
  'AWS::ECS::Service': ({ NetworkConfiguration: { AwsvpcConfiguration: own } }: EcsService) => ({
    groups: own.SecurityGroups ?? [],
    subnets: own.Subnets,
  }),
  'AWS::Lambda::Function': ({ VpcConfig: own }: LambdaFunction) => ({
    groups: own?.SecurityGroupIds ?? [],
    subnets: own?.SubnetIds ?? [],
  }),
  'AWS::Events::Rule': ({ Targets }: TaskRule) => {
    const networks = (Targets ?? []).flatMap(
      ({ EcsParameters: task }) => task?.NetworkConfiguration.AwsVpcConfiguration ?? [],
    );
    return {
      groups: networks.flatMap(({ SecurityGroups }) => SecurityGroups ?? []),
      subnets: networks.flatMap(({ Subnets }) => Subnets),
    };
  },
  'Custom::LettaMigration': (own: { securityGroups: string[]; subnets: string[] }) => ({
    groups: own.securityGroups,
    subnets: own.subnets,
  }),
  'AWS::RDS::DBInstance': (own: { VPCSecurityGroups: string[]; DBSubnetGroupName: string }, deployment) => ({
    groups: own.VPCSecurityGroups,
    subnets: subnetGroup(deployment, 'AWS::RDS::DBSubnetGroup'),
  }),
  'AWS::ElastiCache::ReplicationGroup': (own: { SecurityGroupIds: string[] }, deployment) => ({
    groups: own.SecurityGroupIds,
    subnets: subnetGroup(deployment, 'AWS::ElastiCache::SubnetGroup'),
  }),
  'AWS::ElasticLoadBalancingV2::LoadBalancer': (own: { SecurityGroups: string[]; Subnets: string[] }) => ({
    groups: own.SecurityGroups,
    subnets: own.Subnets,
  }),
  'AWS::EC2::VPCEndpoint': (own: { SecurityGroupIds?: string[]; SubnetIds?: string[] }) => ({
    groups: own.SecurityGroupIds ?? [],
    subnets: own.SubnetIds ?? [],
  }),
  'AWS::EC2::Instance': (own: { SecurityGroupIds?: string[]; SubnetId: string }) => ({
    groups: own.SecurityGroupIds ?? [],
    subnets: [own.SubnetId],
  }),
};

interface EcsService {
  readonly NetworkConfiguration: {
    readonly AwsvpcConfiguration: { readonly SecurityGroups?: string[]; readonly Subnets: string[] };
  };
}

/** A rule that starts a task. */
interface TaskRule {
  readonly Targets?: {
    readonly EcsParameters?: {
      readonly NetworkConfiguration: {
        readonly AwsVpcConfiguration: { readonly SecurityGroups?: string[]; readonly Subnets: string[] };
      };
    };
  }[];
}

interface LambdaFunction {
  readonly VpcConfig?: { readonly SecurityGroupIds?: string[]; readonly SubnetIds?: string[] };
}

function subnetGroup(deployment: Deployment, type: string): string[] {
  return deployment.ofType(type).flatMap((group) => deployment.properties<{ SubnetIds: string[] }>(group).SubnetIds);
}

/** Who reaches whom: security groups of both sides, routes of the subnets, and the gateway of S3. */
export class Reachability {
  readonly rules: Rule[];
  readonly workloads: Workload[];
  /** Functions without interfaces in a VPC: they stand in Lambda's own network, which has the internet. */
  readonly outside: string[];

  constructor(private readonly deployment: Deployment) {
    this.rules = [...this.inlineRules(), ...this.separateRules()];
    const all = Object.entries(INTERFACES).flatMap(([type, read]) =>
      deployment.ofType(type).map((resource) => ({
        name: nameOf(deployment, resource),
        type,
        ...read(deployment.properties(resource) as never, deployment),
      })),
    );
    this.workloads = all.filter(({ subnets }) => subnets.length > 0);
    this.outside = all
      .filter(({ type, subnets }) => type.endsWith('Function') && subnets.length === 0)
      .map(({ name }) => name);
  }

  /** Every destination that a workload's packets reach: names of workloads, of imported groups, of ranges, with ports. */
  from(workload: Workload): string[] {
    const found = this.rulesOf(workload, 'out').flatMap((rule) => [
      ...this.insideBy(rule, workload).map((name) => `${name}:${ports(rule)}`),
      ...this.outsideBy(rule, workload),
    ]);
    return [...new Set(found)].sort();
  }

  /** Who may open a connection to a workload, from outside the deployment as well. */
  into(workload: Workload): string[] {
    const inside = this.workloads.filter((other) =>
      this.rulesOf(other, 'out').some((rule) => this.insideBy(rule, other).includes(workload.name)),
    );
    const outside = this.rulesOf(workload, 'in')
      .filter(({ peer }) => peer.cidr !== undefined || (peer.group !== undefined && !this.users(peer.group).length))
      .map((rule) => `${rule.peer.cidr ?? rule.peer.group}:${ports(rule)}`);
    return [...new Set([...inside.map(({ name }) => name), ...outside])].sort();
  }

  /** Where a subnet's route table leads, beside the VPC itself. */
  routes(subnet: string): string[] {
    const table = this.routeTable(subnet);
    const routes = this.deployment
      .ofType('AWS::EC2::Route')
      .map((route) => this.deployment.properties<Record<string, string>>(route))
      .filter(({ RouteTableId }) => RouteTableId === table)
      .map(({ RouteTableId: _, ...route }) => Object.values(route).join(' by '));
    const gateways = this.deployment
      .ofType('AWS::EC2::VPCEndpoint')
      .map((endpoint) => this.deployment.properties<{ ServiceName: string; RouteTableIds?: string[] }>(endpoint))
      .filter(({ RouteTableIds }) => table !== undefined && RouteTableIds?.includes(table))
      .map(({ ServiceName }) => `the gateway of ${ServiceName.split('.').slice(3).join('.')}`);
    return [...routes, ...gateways].sort();
  }

  /** Rules to or from a group of the deployment that the group itself does not have on its side. */
  halfOpen(): Rule[] {
    return this.rules.filter((rule) => {
      const { group } = rule.peer;
      if (group === undefined || !this.isOwn(group) || !this.isOwn(rule.group)) return false;
      const direction = rule.direction === 'in' ? 'out' : 'in';
      return !this.rules.some(
        (other) =>
          other.direction === direction &&
          other.group === group &&
          other.peer.group === rule.group &&
          overlap(rule, other),
      );
    });
  }

  private insideBy(rule: Rule, source: Workload): string[] {
    return this.workloads
      .filter((target) => target.name !== source.name)
      .filter((target) => {
        const aimed = rule.peer.group ? target.groups.includes(rule.peer.group) : this.isInVpc(rule.peer.cidr);
        return aimed && this.rulesOf(target, 'in').some((other) => overlap(rule, other) && this.admits(other, source));
      })
      .map(({ name }) => name);
  }

  private outsideBy(rule: Rule, source: Workload): string[] {
    const { group, cidr, prefixList } = rule.peer;
    if (group) return this.isOwn(group) ? [] : [`${group}:${ports(rule)}`];
    const routes = source.subnets.flatMap((subnet) => this.routes(subnet));
    if (prefixList) return routes.includes('the gateway of s3') ? [`S3 by ${prefixList}:${ports(rule)}`] : [];
    const wayOut = routes.filter((route) => !route.startsWith('the gateway'));
    const imported = source.subnets.some((subnet) => this.routeTable(subnet) === undefined);
    const leaves = !isNobody(cidr!) && this.vpcRanges().every((vpc) => leavesTheVpc(cidr!, vpc));
    return leaves && (wayOut.length > 0 || imported) ? [`${cidr}:${ports(rule)}`] : [];
  }

  private admits(rule: Rule, source: Workload): boolean {
    return rule.peer.group ? source.groups.includes(rule.peer.group) : this.isInVpc(rule.peer.cidr);
  }

  private isInVpc(cidr: string | undefined): boolean {
    return cidr !== undefined && this.vpcRanges().some((vpc) => meet(cidr, vpc));
  }

  private vpcRanges(): string[] {
    return this.deployment
      .ofType('AWS::EC2::VPC')
      .map((vpc) => this.deployment.properties<{ CidrBlock: string }>(vpc).CidrBlock);
  }

  private rulesOf({ groups }: Workload, direction: Rule['direction']): Rule[] {
    return this.rules.filter((rule) => rule.direction === direction && groups.includes(rule.group));
  }

  private users(group: string): Workload[] {
    return this.workloads.filter(({ groups }) => groups.includes(group));
  }

  private isOwn(group: string): boolean {
    return this.deployment.ofType('AWS::EC2::SecurityGroup').some((own) => idOf(own) === group);
  }

  private routeTable(subnet: string): string | undefined {
    return this.deployment
      .ofType('AWS::EC2::SubnetRouteTableAssociation')
      .map((association) => this.deployment.properties<{ SubnetId: string; RouteTableId: string }>(association))
      .find(({ SubnetId }) => SubnetId === subnet)?.RouteTableId;
  }

  private inlineRules(): Rule[] {
    return this.deployment.ofType('AWS::EC2::SecurityGroup').flatMap((group) => {
      const own = this.deployment.properties<{
        SecurityGroupIngress?: RuleProperties[];
        SecurityGroupEgress?: RuleProperties[];
      }>(group);
      // EC2 gives a group that names no rule for going out one that lets everything out.
      const everything: RuleProperties = { IpProtocol: '-1', CidrIp: '0.0.0.0/0' };
      return [
        ...(own.SecurityGroupIngress ?? []).map((rule) => ruleOf(idOf(group), 'in', rule)),
        ...(own.SecurityGroupEgress ?? [everything]).map((rule) => ruleOf(idOf(group), 'out', rule)),
      ];
    });
  }

  private separateRules(): Rule[] {
    const read = (type: string, direction: Rule['direction']): Rule[] =>
      this.deployment.ofType(type).map((resource) => {
        const rule = this.deployment.properties<RuleProperties>(resource);
        return ruleOf(rule.GroupId!, direction, rule);
      });
    return [...read('AWS::EC2::SecurityGroupIngress', 'in'), ...read('AWS::EC2::SecurityGroupEgress', 'out')];
  }
}

/** A readable name: an endpoint's is that of its service. */
function nameOf(deployment: Deployment, resource: Deployed): string {
  if (resource.resource.Type !== 'AWS::EC2::VPCEndpoint') return resource.name;
  const { ServiceName } = deployment.properties<{ ServiceName: string }>(resource);
  return `endpoint ${ServiceName.split('.').slice(3).join('.')}`;
}

function idOf({ template, id }: Deployed): string {
  return String(template.resolve({ 'Fn::GetAtt': [id, 'GroupId'] }));
}

function ruleOf(group: string, direction: Rule['direction'], rule: RuleProperties): Rule {
  const [from, to] = rule.IpProtocol === '-1' ? [0, 65_535] : [Number(rule.FromPort), Number(rule.ToPort)];
  return {
    ...{ group, direction, from, to },
    protocol: rule.IpProtocol,
    peer: {
      group: rule.SourceSecurityGroupId ?? rule.DestinationSecurityGroupId,
      cidr: rule.CidrIp ?? rule.CidrIpv6,
      prefixList: rule.SourcePrefixListId ?? rule.DestinationPrefixListId,
    },
    description: rule.Description,
  };
}

function overlap(one: Rule, other: Rule): boolean {
  const protocols = one.protocol === '-1' || other.protocol === '-1' || one.protocol === other.protocol;
  return protocols && one.from <= other.to && other.from <= one.to;
}

function ports({ protocol, from, to }: Rule): string {
  if (protocol === '-1') return 'everything';
  return `${protocol === 'tcp' ? '' : `${protocol} `}${from === to ? from : `${from}-${to}`}`;
}
