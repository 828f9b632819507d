import { isPublic, isWide, rangesOf } from './addresses';
import { LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { isTrue, keysIn, list, Properties, Resource, text } from './template';

const AREA = 'Network';

const OUT: [property: string, what: string][] = [
  ['GatewayId', 'an internet gateway'],
  ['NatGatewayId', 'a NAT gateway'],
  ['EgressOnlyInternetGatewayId', 'an egress-only internet gateway'],
  ['CarrierGatewayId', 'a carrier gateway'],
  ['TransitGatewayId', 'a transit gateway'],
  ['VpcPeeringConnectionId', 'a peering connection'],
  ['NetworkInterfaceId', 'a network interface'],
  ['InstanceId', 'an instance'],
  ['VpcEndpointId', 'a gateway load balancer'],
  ['CoreNetworkArn', 'a core network'],
  ['LocalGatewayId', 'a local gateway'],
];

/** Targets that lead to the internet, where a route to any public range is a way out. */
const INTERNET = ['NatGatewayId', 'EgressOnlyInternetGatewayId', 'CarrierGatewayId'];

/** What a route leads to that a good part of the internet, or a public range by a gateway to it, is reached by. */
function wayOut(parts: LettaParts, { properties }: Resource): string | undefined {
  const target = OUT.find(([property]) => properties[property] !== undefined);
  if (!target) return undefined;
  const toInternet = INTERNET.includes(target[0]) || text(properties.GatewayId ?? '').startsWith('igw-');
  const out = rangesOf(parts.templates, properties).find((range) => isWide(range) || (toInternet && isPublic(range)));
  return out && `${out} by ${target[1]}`;
}

/** Routes of Letta's subnets that lead out. */
export function routesOut(parts: LettaParts): Resource[] {
  const subnets = new Set(parts.subnets().map(({ key }) => key));
  const tables = new Set(
    parts.templates
      .ofType('AWS::EC2::SubnetRouteTableAssociation')
      .filter(({ properties }) => keysIn(properties.SubnetId).some((key) => subnets.has(key)))
      .flatMap(({ properties }) => keysIn(properties.RouteTableId)),
  );
  return parts.templates
    .ofType('AWS::EC2::Route')
    .filter((route) => wayOut(parts, route) && keysIn(route.properties.RouteTableId).some((key) => tables.has(key)));
}

function associationsOf(parts: LettaParts, vpc: Resource): Resource[] {
  return parts.templates
    .ofType('AWS::Route53Resolver::FirewallRuleGroupAssociation')
    .filter(({ properties }) => keysIn(properties.VpcId).includes(vpc.key));
}

/** The rules that decide what DNS answers, in their order. */
function firewallRules(group: Resource): Properties[] {
  return [...list(group.properties.FirewallRules)].sort((one, other) => Number(one.Priority) - Number(other.Priority));
}

function domainsOf(parts: LettaParts, rule: Properties): string[] {
  return parts.templates
    .named(rule.FirewallDomainListId)
    .flatMap(({ properties }) => list(properties.Domains).map((domain) => text(domain).replace(/\.$/, '')));
}

/** The rules of a VPC up to the one that blocks every name: groups are asked in the order of their associations. */
function judgeFirewall(parts: LettaParts, vpc: Resource): Fault[] {
  const groups = [...associationsOf(parts, vpc)]
    .sort((one, other) => Number(one.properties.Priority) - Number(other.properties.Priority))
    .flatMap(({ properties }) => parts.templates.named(properties.FirewallRuleGroupId));
  const rules = groups.flatMap((group) => firewallRules(group).map((rule): [Resource, Properties] => [group, rule]));
  for (const [group, rule] of rules) {
    const domains = domainsOf(parts, rule);
    // A rule for one type of query leaves the others to the next rule.
    if (rule.Action === 'BLOCK' && domains.includes('*') && rule.Qtype === undefined) return [];
    // An alert lets the query through, and no later rule sees it.
    const wide = rule.Action !== 'BLOCK' && domains.find((domain) => /^\*(\.[^.]+)?$/.test(domain));
    if (wide) return [fault(group, 'FirewallRules', `a rule lets ${wide} through`)];
  }
  const last = groups.at(-1);
  return last ? [fault(last, 'FirewallRules', 'no rule that blocks every name')] : [];
}

/** What takes one subnet in each zone: interface endpoints and load balancers. */
function oneInAZone(parts: LettaParts): [resource: Resource, property: string][] {
  return [
    ...parts.ofType('AWS::EC2::VPCEndpoint').map((endpoint): [Resource, string] => [endpoint, 'SubnetIds']),
    ...parts
      .ofType('AWS::ElasticLoadBalancingV2::LoadBalancer')
      .map((balancer): [Resource, string] => [balancer, balancer.properties.Subnets ? 'Subnets' : 'SubnetMappings']),
  ];
}

/** Two of these subnets that are in one zone, as far as the app makes them. */
function twoInAZone(parts: LettaParts, value: unknown): string | undefined {
  const found = new Map<string, Resource>();
  for (const subnet of parts.templates.named(value).filter(({ type }) => type === 'AWS::EC2::Subnet')) {
    const zone = text(subnet.properties.AvailabilityZone ?? subnet.properties.AvailabilityZoneId ?? '');
    const other = found.get(zone);
    if (zone !== '' && other) return `${other.logicalId} and ${subnet.logicalId} in ${zone}`;
    found.set(zone, subnet);
  }
  return undefined;
}

/** Ways out of the network that Letta's tasks, functions and stores are in. */
export const NETWORK_RULES: Rule[] = [
  {
    id: 'route-out',
    area: AREA,
    reason: 'a subnet of Letta has a route to the internet, or to half of it, so the network has a way out',
    fix: 'place tasks, functions and stores in isolated subnets (subnetType PRIVATE_ISOLATED) and call AWS by endpoints',
    judge: (parts) => faults(routesOut(parts), '', (route) => `a route to ${wayOut(parts, route)}`),
  },
  {
    id: 'public-address',
    area: AREA,
    reason: 'the tasks get public addresses',
    fix: 'set assignPublicIp to DISABLED, and give the tasks isolated subnets',
    judge: (parts) =>
      faults(
        parts.services,
        'NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp',
        ({ properties }) =>
          properties.NetworkConfiguration?.AwsvpcConfiguration?.AssignPublicIp === 'ENABLED' &&
          'AssignPublicIp ENABLED',
      ),
  },
  {
    id: 'subnet-gives-public-addresses',
    area: AREA,
    reason: 'a subnet of Letta gives public addresses to what is placed there',
    fix: 'set mapPublicIpOnLaunch to false, or use isolated subnets',
    judge: (parts) =>
      faults(
        parts.subnets(),
        'MapPublicIpOnLaunch',
        ({ properties }) => isTrue(properties.MapPublicIpOnLaunch) && 'MapPublicIpOnLaunch true',
      ),
  },
  {
    id: 'two-subnets-in-a-zone',
    area: AREA,
    reason:
      'an interface endpoint or the load balancer has two subnets in one availability zone, which AWS refuses at deployment',
    fix: 'give it one subnet in each zone',
    judge: (parts) =>
      oneInAZone(parts).flatMap(([resource, property]) =>
        faults([resource], property, () => twoInAZone(parts, resource.properties[property])),
      ),
  },
  {
    id: 'dns-unfiltered',
    area: AREA,
    reason: "the VPC's resolver answers any name, and names can carry data out of a network that has no other way out",
    fix: 'associate a Route 53 Resolver DNS Firewall rule group with the VPC; SealedNetwork does',
    judge: (parts) =>
      routesOut(parts).length > 0
        ? []
        : faults(parts.vpcs(), '', (vpc) => associationsOf(parts, vpc).length === 0 && 'no DNS Firewall association'),
  },
  {
    id: 'dns-firewall-open',
    area: AREA,
    reason: 'the DNS Firewall lets names through that nobody listed',
    fix: 'list the domains that are needed as ALLOW, and end with a rule that blocks "*"',
    judge: (parts) => parts.vpcs().flatMap((vpc) => judgeFirewall(parts, vpc)),
  },
  {
    id: 'vpc-without-flow-log',
    area: AREA,
    reason: 'nothing records what the network of Letta refused, so an attempt to get out leaves no trace',
    fix: 'add a flow log to the VPC; SealedNetwork does',
    judge: (parts) => {
      const logged = new Set(
        parts.templates.ofType('AWS::EC2::FlowLog').flatMap(({ properties }) => keysIn(properties.ResourceId)),
      );
      const subnets = parts.subnets();
      return parts
        .vpcs()
        .filter(({ key }) => !logged.has(key))
        .filter(
          ({ key }) =>
            !subnets.every((subnet) => logged.has(subnet.key) || !keysIn(subnet.properties.VpcId).includes(key)),
        )
        .map((vpc) => fault(vpc, '', 'no flow log'));
    },
  },
];
