import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

const isOf = (groupOf: unknown) => (resource: { Properties: Properties }) =>
  JSON.stringify(resource.Properties.GroupId) === JSON.stringify(groupOf);

function addRoute(mutant: Mutant, properties: Properties): void {
  const table = mutant.properties('AWS::EC2::SubnetRouteTableAssociation').RouteTableId;
  mutant.add('WayOut', 'AWS::EC2::Route', { RouteTableId: table, ...properties });
}

/** A second subnet in the zone of a first one, which is not Letta's task's. */
function addSecondTier(mutant: Mutant): Properties {
  const { VpcId, AvailabilityZone } = mutant.properties('AWS::EC2::Subnet');
  mutant.add('SecondTier', 'AWS::EC2::Subnet', { VpcId, AvailabilityZone, CidrBlock: '10.0.240.0/24' });
  return { Ref: 'SecondTier' };
}

/** A group as one of the library's stacks makes it, by its description. */
const group = (description: RegExp) => (resource: { Properties: Properties }) =>
  description.test(resource.Properties.GroupDescription);

export const NETWORK_FAULTS: InjectedFault[] = [
  {
    rule: 'open-egress',
    name: "the tasks' security group has no egress rule of its own, so EC2 gives it one to everywhere",
    inject: (mutant) => delete mutant.properties('AWS::EC2::SecurityGroup', group(/^Tasks/)).SecurityGroupEgress,
  },
  {
    rule: 'open-egress',
    name: 'a rule beside the group lets the tasks out to 0.0.0.0/0 on 443',
    inject: (mutant) =>
      mutant.add('Out', 'AWS::EC2::SecurityGroupEgress', {
        GroupId: mutant.taskGroup(),
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        CidrIp: '0.0.0.0/0',
      }),
  },
  {
    rule: 'open-egress',
    name: 'the set-up function may reach all of IPv6',
    inject: (mutant) =>
      mutant
        .properties('AWS::EC2::SecurityGroup', group(/^Set-up/))
        .SecurityGroupEgress.push({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIpv6: '::/0' }),
  },
  {
    rule: 'open-egress',
    name: 'two halves of the internet are the internet',
    of: 'enterprise',
    inject: (mutant) =>
      mutant.add('Half', 'AWS::EC2::SecurityGroupEgress', {
        GroupId: mutant.taskGroup(),
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        CidrIp: '128.0.0.0/1',
      }),
  },
  {
    rule: 'open-ingress',
    name: 'the load balancer accepts everybody',
    inject: (mutant) => {
      mutant.properties('AWS::EC2::SecurityGroup', group(/^Load balancer/)).SecurityGroupIngress = [
        { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' },
      ];
    },
  },
  {
    rule: 'every-port',
    name: 'the tasks may use every port of the cache',
    inject: (mutant) => {
      const rule = mutant.properties(
        'AWS::EC2::SecurityGroupEgress',
        ({ Properties }) => isOf(mutant.taskGroup())({ Properties }) && Properties.FromPort === 6379,
      );
      Object.assign(rule, { IpProtocol: '-1' });
      delete rule.FromPort;
      delete rule.ToPort;
    },
  },
  {
    rule: 'rule-without-peer',
    name: 'a rule lost its peer',
    also: ['one-sided-flow'],
    inject: (mutant) =>
      delete mutant.properties(
        'AWS::EC2::SecurityGroupEgress',
        ({ Properties }) => isOf(mutant.taskGroup())({ Properties }) && Properties.FromPort === 5432,
      ).DestinationSecurityGroupId,
  },
  {
    rule: 'task-open-to-addresses',
    name: 'the tasks accept connections from the whole VPC',
    inject: (mutant) =>
      mutant.add('Past', 'AWS::EC2::SecurityGroupIngress', {
        GroupId: mutant.taskGroup(),
        IpProtocol: 'tcp',
        FromPort: 8283,
        ToPort: 8283,
        CidrIp: '10.0.0.0/16',
      }),
  },
  {
    rule: 'store-open-to-addresses',
    name: 'the database accepts connections from the whole VPC',
    inject: (mutant) => {
      mutant.properties('AWS::EC2::SecurityGroup', group(/^Letta database/)).SecurityGroupIngress = [
        { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, CidrIp: '10.0.0.0/16' },
      ];
    },
  },
  {
    rule: 'store-open-to-addresses',
    name: 'the cache accepts connections from an office',
    inject: (mutant) =>
      mutant.add('Office', 'AWS::EC2::SecurityGroupIngress', {
        GroupId: mutant.properties('AWS::ElastiCache::ReplicationGroup').SecurityGroupIds[0],
        IpProtocol: 'tcp',
        FromPort: 6379,
        ToPort: 6379,
        CidrIp: '10.20.0.0/16',
      }),
  },
  {
    rule: 'one-sided-flow',
    name: 'the database does not let the tasks in',
    inject: (mutant) =>
      mutant.remove(
        'AWS::EC2::SecurityGroupIngress',
        ({ Properties }) =>
          Properties.FromPort === 5432 &&
          JSON.stringify(Properties.SourceSecurityGroupId) === JSON.stringify(mutant.taskGroup()),
      ),
  },
  {
    rule: 'one-sided-flow',
    name: 'the load balancer speaks to a port that the tasks do not open',
    inject: (mutant) => {
      const rule = mutant.properties('AWS::EC2::SecurityGroupEgress', ({ Properties }) => Properties.FromPort === 8283);
      Object.assign(rule, { FromPort: 8284, ToPort: 8284 });
    },
  },
  {
    rule: 'route-out',
    name: 'a default route to a NAT gateway',
    inject: (mutant) => addRoute(mutant, { DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-0123456789abcdef0' }),
  },
  {
    rule: 'route-out',
    name: 'a default route of IPv6 to an egress-only gateway',
    inject: (mutant) =>
      addRoute(mutant, { DestinationIpv6CidrBlock: '::/0', EgressOnlyInternetGatewayId: 'eigw-0123456789abcdef0' }),
  },
  {
    rule: 'public-address',
    name: 'the tasks get public addresses',
    inject: (mutant) => {
      mutant.properties('AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = 'ENABLED';
    },
  },
  {
    rule: 'subnet-gives-public-addresses',
    name: 'a subnet gives public addresses',
    of: 'apart',
    inject: (mutant) => {
      mutant.properties('AWS::EC2::Subnet').MapPublicIpOnLaunch = true;
    },
  },
  {
    rule: 'two-subnets-in-a-zone',
    name: 'an endpoint has interfaces in two subnets of a zone',
    inject: (mutant) => mutant.endpoint('logs').Properties.SubnetIds.push(addSecondTier(mutant)),
  },
  {
    rule: 'two-subnets-in-a-zone',
    name: 'the load balancer is attached to two subnets of a zone',
    of: 'guarded',
    inject: (mutant) =>
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Subnets.push(addSecondTier(mutant)),
  },
  {
    rule: 'dns-unfiltered',
    name: 'the DNS Firewall is not associated with the VPC',
    inject: (mutant) => mutant.remove('AWS::Route53Resolver::FirewallRuleGroupAssociation'),
  },
  {
    rule: 'dns-unfiltered',
    name: "nor with another stack's VPC",
    of: 'apart',
    inject: (mutant) => mutant.remove('AWS::Route53Resolver::FirewallRuleGroupAssociation'),
  },
  {
    rule: 'dns-firewall-open',
    name: 'the rule that blocks every name is missing',
    inject: (mutant) => {
      const rules = mutant.properties('AWS::Route53Resolver::FirewallRuleGroup');
      rules.FirewallRules = rules.FirewallRules.filter(({ Action }: Properties) => Action !== 'BLOCK');
    },
  },
  {
    rule: 'dns-firewall-open',
    name: 'a list of allowed domains holds every name',
    inject: (mutant) => {
      const lists = mutant.all('AWS::Route53Resolver::FirewallDomainList').map(([, list]) => list.Properties);
      lists.find(({ Domains }) => !Domains.includes('*'))!.Domains.push('*');
    },
  },
  {
    rule: 'vpc-without-flow-log',
    name: 'no flow log',
    inject: (mutant) => mutant.remove('AWS::EC2::FlowLog'),
  },
  {
    rule: 'endpoint-without-policy',
    name: 'the endpoint of Bedrock has no policy',
    inject: (mutant) => delete mutant.endpoint('bedrock-runtime').Properties.PolicyDocument,
  },
  {
    rule: 'endpoint-for-everybody',
    name: 'the endpoint of the logs takes calls of every account',
    inject: (mutant) =>
      mutant
        .endpoint('logs')
        .Properties.PolicyDocument.Statement.forEach((statement: Properties) => delete statement.Condition),
  },
  {
    rule: 'endpoint-every-action',
    name: 'the endpoint of the secrets allows every action',
    inject: (mutant) => {
      mutant.endpoint('secretsmanager').Properties.PolicyDocument.Statement[0].Action = 'secretsmanager:*';
    },
  },
  {
    rule: 'endpoint-any-bucket',
    name: "the S3 endpoint reaches every bucket, for this account's callers",
    inject: (mutant) => {
      mutant.endpoint('s3').Properties.PolicyDocument.Statement = [
        {
          Effect: 'Allow',
          Principal: { AWS: '*' },
          Action: ['s3:GetObject', 's3:PutObject'],
          Resource: '*',
          Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } },
        },
      ];
    },
  },
  {
    rule: 'endpoint-without-private-name',
    name: 'an interface endpoint without private DNS',
    inject: (mutant) => {
      mutant.endpoint('ecr.dkr').Properties.PrivateDnsEnabled = false;
    },
  },
  {
    rule: 'endpoint-missing',
    name: 'no endpoint for the logs, so no task starts',
    of: 'guarded',
    inject: (mutant) => {
      const endpoint = mutant.endpoint('logs');
      mutant.remove('AWS::EC2::VPCEndpoint', (each) => each === endpoint);
    },
  },
];
