import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

const LISTENER = 'AWS::ElasticLoadBalancingV2::Listener';
const LOAD_BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';

function loadBalancer(mutant: Mutant): Properties {
  return { Ref: mutant.id(mutant.find(LOAD_BALANCER)) };
}

const egress = (cidr: Properties) => (mutant: Mutant) =>
  mutant.add('Out', 'AWS::EC2::SecurityGroupEgress', {
    GroupId: mutant.taskGroup(),
    IpProtocol: 'tcp',
    FromPort: 443,
    ToPort: 443,
    ...cidr,
  });

const route = (properties: Properties) => (mutant: Mutant) =>
  mutant.add('WayOut', 'AWS::EC2::Route', {
    RouteTableId: mutant.properties('AWS::EC2::SubnetRouteTableAssociation').RouteTableId,
    ...properties,
  });

/** Puts a rule before those of the DNS firewall, for every name or for some. */
const dnsRule = (domains: string[], properties: Properties) => (mutant: Mutant) => {
  mutant.add('Domains', 'AWS::Route53Resolver::FirewallDomainList', { Domains: domains });
  mutant.properties('AWS::Route53Resolver::FirewallRuleGroup').FirewallRules.push({
    FirewallDomainListId: { 'Fn::GetAtt': ['Domains', 'Id'] },
    Priority: 1,
    ...properties,
  });
};

const variable = (name: string, value: unknown) => (mutant: Mutant) => mutant.variable('gateway', name, value);

type Evasion = [rule: string, name: string, inject: (mutant: Mutant) => void];

/** The same faults, reached in ways that a first look does not see. */
const EVASIONS: Evasion[] = [
  [
    'route-out',
    'half of the internet by a NAT gateway',
    route({ DestinationCidrBlock: '0.0.0.0/1', NatGatewayId: 'nat-0' }),
  ],
  [
    'route-out',
    'the global addresses of IPv6',
    route({ DestinationIpv6CidrBlock: '2000::/3', EgressOnlyInternetGatewayId: 'eigw-0' }),
  ],
  [
    'route-out',
    'everything by a core network',
    route({ DestinationCidrBlock: '0.0.0.0/0', CoreNetworkArn: 'arn:aws:networkmanager::1:core-network/c' }),
  ],
  ['egress-to-public-address', 'a public /8', egress({ CidrIp: '52.0.0.0/8' })],
  ['egress-to-public-address', 'a public /16 of IPv6', egress({ CidrIpv6: '2600::/16' })],
  ['egress-to-public-address', 'one public host', egress({ CidrIp: '203.0.113.7/32' })],
  [
    'open-egress',
    "a prefix list of the app's with both halves of the internet",
    (mutant) => {
      mutant.add('Halves', 'AWS::EC2::PrefixList', { Entries: [{ Cidr: '0.0.0.0/1' }, { Cidr: '128.0.0.0/1' }] });
      egress({ DestinationPrefixListId: { 'Fn::GetAtt': ['Halves', 'PrefixListId'] } })(mutant);
    },
  ],
  ['dns-firewall-open', 'an alert for every name, before the block', dnsRule(['*'], { Action: 'ALERT' })],
  ['dns-firewall-open', 'whole top-level domains are allowed', dnsRule(['*.com', '*.net'], { Action: 'ALLOW' })],
  [
    'dns-firewall-open',
    'the block is for one type of query',
    (mutant) => {
      const { FirewallRules: rules } = mutant.properties('AWS::Route53Resolver::FirewallRuleGroup');
      rules.find(({ Action }: Properties) => Action === 'BLOCK').Qtype = 'A';
    },
  ],
  [
    'plaintext-listener',
    'the default action redirects, and a rule forwards',
    (mutant) => {
      const { DefaultActions } = mutant.properties(LISTENER);
      mutant.add('Plain', LISTENER, {
        LoadBalancerArn: loadBalancer(mutant),
        Port: 80,
        Protocol: 'HTTP',
        DefaultActions: [{ Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', StatusCode: 'HTTP_301' } }],
      });
      mutant.add('Everything', 'AWS::ElasticLoadBalancingV2::ListenerRule', {
        ListenerArn: { Ref: 'Plain' },
        Actions: DefaultActions,
      });
      const service = mutant.find('AWS::ECS::Service');
      service.DependsOn = [service.DependsOn ?? [], 'Everything'].flat();
    },
  ],
  [
    'public-way-to-load-balancer',
    'a public network load balancer forwards to it',
    (mutant) => {
      mutant.add('Public', LOAD_BALANCER, { Type: 'network', Scheme: 'internet-facing' });
      mutant.add('Inner', 'AWS::ElasticLoadBalancingV2::TargetGroup', {
        TargetType: 'alb',
        Targets: [{ Id: loadBalancer(mutant) }],
      });
      mutant.add('PublicListener', LISTENER, {
        LoadBalancerArn: { Ref: 'Public' },
        Protocol: 'TCP',
        DefaultActions: [{ Type: 'forward', TargetGroupArn: { Ref: 'Inner' } }],
      });
    },
  ],
  [
    'public-way-to-load-balancer',
    'a global accelerator leads to it',
    (mutant) =>
      mutant.add('Accelerated', 'AWS::GlobalAccelerator::EndpointGroup', {
        EndpointConfigurations: [{ EndpointId: loadBalancer(mutant) }],
      }),
  ],
  [
    'public-way-to-load-balancer',
    'CloudFront leads to it',
    (mutant) =>
      mutant.add('Origin', 'AWS::CloudFront::VpcOrigin', { VpcOriginEndpointConfig: { Arn: loadBalancer(mutant) } }),
  ],
  [
    'public-way-to-load-balancer',
    'an HTTP API leads to it',
    (mutant) =>
      mutant.add('Api', 'AWS::ApiGatewayV2::Integration', {
        ConnectionType: 'VPC_LINK',
        IntegrationUri: { Ref: mutant.id(mutant.find(LISTENER)) },
      }),
  ],
  [
    'secret-in-environment',
    'a parameter with NoEcho',
    (mutant) => {
      mutant.declare('Parameters', 'Hidden', { Type: 'String', NoEcho: true });
      variable('TEAM', { Ref: 'Hidden' })(mutant);
    },
  ],
  ['secret-in-environment', 'an address with a password and no user', variable('STREAMS', 'redis://:hunter22@cache')],
  ['secret-in-environment', 'a password of libpq', variable('DSN', 'host=db user=letta password=hunter22')],
  ['secret-in-environment', 'DB_PASS', variable('DB_PASS', 'hunter22x')],
  ['secret-in-environment', 'DB_PWD', variable('DB_PWD', 'hunter22x')],
  ['secret-in-environment', 'a passphrase', variable('KEY_PASSPHRASE', 'hunter22x')],
  // Put together here, so that no scanner takes them for real ones.
  ['secret-in-environment', 'a token of Slack', variable('CHAT', ['xoxb', '1234567890', 'abcdefghij'].join('-'))],
  ['secret-in-environment', 'a token of Hugging Face', variable('HUB', `hf_${'a'.repeat(30)}`)],
  [
    'secret-in-environment',
    'a JSON Web Token',
    variable('WHO', ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJsZXR0YSJ9', 'c2ln'].join('.')),
  ],
  [
    'secret-in-environment',
    "a secret's value in a command",
    (mutant) => (mutant.container('gateway').Command = ['serve', '{{resolve:secretsmanager:letta:SecretString:key}}']),
  ],
];

export const EVASION_FAULTS: InjectedFault[] = EVASIONS.map(([rule, name, inject]) => ({ rule, name, inject }));
