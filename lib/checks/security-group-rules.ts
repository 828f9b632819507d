import { isPublic, isWide, rangesOf } from './addresses';
import { LettaParts } from './letta-parts';
import { Fault, fault, Rule } from './rule';
import { isUnknown, keysIn, list, Properties, Resource, text } from './template';

const AREA = 'Security groups';

/** One rule of a security group, written in it or beside it. */
export interface GroupRule {
  readonly egress: boolean;
  readonly group: Resource | undefined;
  /** Where it is written. */
  readonly resource: Resource;
  readonly property: string;
  readonly entry: Properties;
}

/** Every rule of Letta's security groups. */
export function rulesOf(parts: LettaParts): GroupRule[] {
  const inline = parts.ofType('AWS::EC2::SecurityGroup').flatMap((group) =>
    [true, false].flatMap((egress) => {
      const name = egress ? 'SecurityGroupEgress' : 'SecurityGroupIngress';
      return list(group.properties[name]).map((entry: Properties, index) => ({
        egress,
        group,
        resource: group,
        property: `${name}/${index}`,
        entry,
      }));
    }),
  );
  const apart = parts.ofType('AWS::EC2::SecurityGroupEgress', 'AWS::EC2::SecurityGroupIngress').map((resource) => ({
    egress: resource.type === 'AWS::EC2::SecurityGroupEgress',
    group: parts.groupsIn(resource.properties.GroupId)[0],
    resource,
    property: '',
    entry: resource.properties,
  }));
  return [...inline, ...apart];
}

/** The rules that CDK writes, and AWS's own examples, to say that nothing may go out: no address outside is meant. */
export function closes({ CidrIp }: Properties): boolean {
  return CidrIp === '255.255.255.255/32' || CidrIp === '127.0.0.1/32';
}

function wideRange(parts: LettaParts, entry: Properties): string | undefined {
  return rangesOf(parts.templates, entry).find(isWide);
}

function at({ resource, property }: GroupRule, found: string): Fault {
  return fault(resource, property, found);
}

/** Whom a rule is about. */
export function peer(entry: Properties, egress: boolean): unknown {
  const named = egress
    ? (entry.DestinationSecurityGroupId ?? entry.DestinationPrefixListId)
    : (entry.SourceSecurityGroupId ?? entry.SourcePrefixListId ?? entry.SourceSecurityGroupName);
  return named ?? entry.CidrIp ?? entry.CidrIpv6;
}

/** First and last port of a rule. */
export function ports({ IpProtocol, FromPort, ToPort }: Properties): [number, number] {
  return text(IpProtocol) === '-1' || FromPort === undefined
    ? [0, 65535]
    : [Number(FromPort), Number(ToPort ?? FromPort)];
}

function sameFlow(one: Properties, other: Properties): boolean {
  const [from, to] = ports(one);
  const [otherFrom, otherTo] = ports(other);
  return [from, to, otherFrom, otherTo].some(Number.isNaN) || (from <= otherTo && otherFrom <= to);
}

/** Security groups of what holds Letta's data. */
function storeGroups(parts: LettaParts): Resource[] {
  return parts.groupsIn([
    parts
      .ofType('AWS::RDS::DBInstance', 'AWS::RDS::DBCluster')
      .map(({ properties }) => [properties.VPCSecurityGroups, properties.VpcSecurityGroupIds]),
    parts
      .ofType('AWS::ElastiCache::ReplicationGroup', 'AWS::ElastiCache::ServerlessCache')
      .map(({ properties }) => properties.SecurityGroupIds),
  ]);
}

function ingressByAddress(parts: LettaParts, groups: Resource[]): Fault[] {
  const keys = new Set(groups.map(({ key }) => key));
  return rulesOf(parts)
    .filter(({ egress, group, entry }) => !egress && group && keys.has(group.key) && (entry.CidrIp ?? entry.CidrIpv6))
    .map((rule) => at(rule, `source ${text(rule.entry.CidrIp ?? rule.entry.CidrIpv6)}`));
}

/**
 * Flows that one side allows and the other does not. A peer whose rules are not all in the app, or that accepts
 * addresses, is left alone.
 */
function oneSidedFlows(parts: LettaParts): Fault[] {
  const rules = rulesOf(parts);
  const ofLetta = new Set(parts.ofType('AWS::EC2::SecurityGroup').map(({ key }) => key));
  return rules
    .filter(({ group, entry, egress }) => group && !closes(entry) && isGroup(parts, entry, egress, ofLetta))
    .filter((rule) => {
      const other = keysIn(peer(rule.entry, rule.egress))[0];
      return !rules.some(
        (answer) =>
          answer.egress !== rule.egress &&
          answer.group?.key === other &&
          !closes(answer.entry) &&
          sameFlow(rule.entry, answer.entry) &&
          meets(answer, rule.group!.key),
      );
    })
    .map((rule) => {
      const [from] = ports(rule.entry);
      const other = keysIn(peer(rule.entry, rule.egress))[0];
      return at(rule, `port ${from} is ${rule.egress ? 'not let in' : 'not let out'} at ${other}`);
    });
}

function isGroup(parts: LettaParts, entry: Properties, egress: boolean, ofLetta: Set<string>): boolean {
  const group = parts.groupsIn(egress ? entry.DestinationSecurityGroupId : entry.SourceSecurityGroupId)[0];
  return (
    group !== undefined && ofLetta.has(group.key) && (egress || group.properties.SecurityGroupEgress !== undefined)
  );
}

function meets({ entry, egress }: GroupRule, key: string): boolean {
  const named = peer(entry, egress);
  return keysIn(named).includes(key) || entry.CidrIp !== undefined || entry.CidrIpv6 !== undefined;
}

/** What the security groups of tasks, load balancer, endpoints, stores and functions let in and out. */
export const SECURITY_GROUP_RULES: Rule[] = [
  {
    id: 'open-egress',
    area: AREA,
    reason: 'a security group of Letta lets everything out, so "no external calls" is not a property of the network',
    fix: 'allow only named peers: give the group allowAllOutbound: false and an egress rule for each peer',
    judge: (parts) => [
      ...parts
        .ofType('AWS::EC2::SecurityGroup')
        .filter(({ properties }) => list(properties.SecurityGroupEgress).length === 0)
        .map((group) =>
          fault(group, 'SecurityGroupEgress', 'no egress rule in the group, so EC2 adds one to 0.0.0.0/0'),
        ),
      ...rulesOf(parts)
        .filter(({ egress, entry }) => egress && wideRange(parts, entry))
        .map((rule) => at(rule, `egress to ${wideRange(parts, rule.entry)}`)),
    ],
  },
  {
    id: 'egress-to-public-address',
    area: AREA,
    reason: 'a security group of Letta lets connections out to addresses of the internet',
    fix: 'name a security group, or a prefix list of AWS; what must be reached is reached inside of the network',
    judge: (parts) =>
      rulesOf(parts)
        .filter(({ egress, entry }) => egress && !wideRange(parts, entry))
        .flatMap((rule) => {
          const out = rangesOf(parts.templates, rule.entry).find(isPublic);
          return out ? [at(rule, `egress to ${out}`)] : [];
        }),
  },
  {
    id: 'open-ingress',
    area: AREA,
    reason: 'a security group of Letta lets the whole internet in, as soon as anything gives it a route',
    fix: 'name the clients: service.allowFrom() with a security group, a prefix list or an address range of yours',
    judge: (parts) =>
      rulesOf(parts)
        .filter(({ egress, entry }) => !egress && wideRange(parts, entry))
        .map((rule) => at(rule, `ingress from ${wideRange(parts, rule.entry)}`)),
  },
  {
    id: 'every-port',
    area: AREA,
    reason: 'a rule of a security group allows every port, so it says nothing about the flow that it is for',
    fix: 'name protocol and port',
    judge: (parts) =>
      rulesOf(parts)
        .filter(({ entry }) => !closes(entry) && !wideRange(parts, entry))
        .filter(({ entry }) => {
          const [from, to] = ports(entry);
          return !isUnknown(entry.IpProtocol) && !/^icmp/.test(text(entry.IpProtocol)) && to - from >= 65534;
        })
        .map((rule) => at(rule, `${rule.egress ? 'egress' : 'ingress'} on every port`)),
  },
  {
    id: 'rule-without-peer',
    area: AREA,
    reason: 'a rule of a security group names no peer: EC2 refuses it at deployment',
    fix: 'name a security group, a prefix list or an address range',
    judge: (parts) =>
      rulesOf(parts)
        .filter(({ entry, egress }) => peer(entry, egress) === undefined)
        .map((rule) => at(rule, 'neither address range, prefix list nor security group')),
  },
  {
    id: 'task-open-to-addresses',
    area: AREA,
    reason: 'the tasks accept connections from addresses, past the load balancer with its TLS, its limits and its log',
    fix: "allow the load balancer's security group only",
    judge: (parts) =>
      parts.ofType('AWS::ElasticLoadBalancingV2::LoadBalancer').some(({ properties }) => properties.SecurityGroups)
        ? ingressByAddress(
            parts,
            parts.groupsIn(parts.services.map(({ properties }) => properties.NetworkConfiguration)),
          )
        : [],
  },
  {
    id: 'store-open-to-addresses',
    area: AREA,
    reason:
      'the database or the cache accepts connections from addresses: whoever gets such an address gets a connection',
    fix: 'allow security groups only: those of the service and of the set-up function',
    judge: (parts) => ingressByAddress(parts, storeGroups(parts)),
  },
  {
    id: 'one-sided-flow',
    area: AREA,
    reason: 'one security group allows a flow that its peer does not, so the connection only times out',
    fix: 'allow it on both sides, e.g. by connections.allowTo(), or on neither',
    judge: oneSidedFlows,
  },
];
