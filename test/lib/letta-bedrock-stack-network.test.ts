import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import {
  AwsService,
  EndpointSource,
  LettaBedrockStack,
  LettaBedrockStackProps,
  SealedNetwork,
  SealedNetworkProps,
  VpcEndpoints,
} from '../../lib';
import { asText, isolatedVpc, Template, testApp, warningsOf } from './support';

/** A stack in a network that was made in another one. */
function stackWith(props: (foundation: Stack) => LettaBedrockStackProps): { template: Template; foundation: Template } {
  const app = testApp();
  const foundation = new Stack(app, 'Foundation');
  const stack = new LettaBedrockStack(app, 'Letta', { http: true, ...props(foundation) });
  return { template: Template.fromStack(stack), foundation: Template.fromStack(foundation) };
}

function namesOf(template: Template): string[] {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  return endpoints.map((e) => asText(e.Properties.ServiceName).split('.').slice(3).join('.')).sort();
}

const ALL = ['bedrock', 'bedrock-runtime', 'ecr.api', 'ecr.dkr', 'logs', 's3', 'secretsmanager'];

test('the network that is made has the endpoints that Letta calls and no others', () => {
  expect(namesOf(stackWith(() => ({})).template)).toEqual(ALL);
});

test('a network of another stack gets them in that stack', () => {
  const { template, foundation } = stackWith((scope) => ({
    network: new SealedNetwork(scope, 'Network', { s3PrefixListId: 'pl-1' }),
  }));
  expect(namesOf(foundation)).toEqual(ALL);
  expect(namesOf(template)).toEqual([]);
});

test('endpoints of one’s own bring their VPC, and are made where they are not imported', () => {
  const { template, foundation } = stackWith((scope) => {
    const theirs = ec2.SecurityGroup.fromSecurityGroupId(scope, 'Theirs', 'sg-1');
    return {
      endpoints: new VpcEndpoints(scope, 'Endpoints', {
        vpc: isolatedVpc(scope),
        defaultSource: EndpointSource.imported(theirs),
        sources: [{ service: AwsService.BEDROCK_RUNTIME, source: EndpointSource.create() }],
        s3PrefixListId: 'pl-1',
      }),
    };
  });
  expect(namesOf(foundation)).toEqual(['bedrock-runtime']);
  template.resourceCountIs('AWS::EC2::VPC', 0);
  template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { DestinationSecurityGroupId: 'sg-1' });
});

test('a VPC of one’s own gets no endpoints unless they are given', () => {
  const { template, foundation } = stackWith((scope) => ({ vpc: isolatedVpc(scope) }));
  expect([...namesOf(template), ...namesOf(foundation)]).toEqual([]);
});

describe('a VPC of one’s own', () => {
  const warningsWith = (props: (foundation: Stack) => LettaBedrockStackProps): string[] => {
    const app = testApp();
    new LettaBedrockStack(app, 'Letta', { http: true, ...props(new Stack(app, 'Foundation')) });
    return warningsOf(app).filter((warning) => warning.includes('endpoints'));
  };

  test('without endpoints is warned of: nothing of Letta would reach AWS', () => {
    const [warning, ...others] = warningsWith((scope) => ({ vpc: isolatedVpc(scope) }));
    expect(warning).toContain(
      'Letta: vpc is given without endpoints, so that no security group has a way to AWS and no task starts, wanted one: ' +
        "give endpoints: new VpcEndpoints(scope, 'Endpoints', { vpc }) in its place",
    );
    expect(warning).toContain('cdk-letta:LettaBedrockStack.vpc');
    expect(others).toEqual([]);
  });

  test.each<[string, (scope: Stack) => LettaBedrockStackProps]>([
    ['endpoints', (scope) => ({ endpoints: new VpcEndpoints(scope, 'Endpoints', { vpc: isolatedVpc(scope) }) })],
    ['a sealed network', (scope) => ({ network: new SealedNetwork(scope, 'Network', { s3PrefixListId: 'pl-1' }) })],
    ['nothing', () => ({})],
  ])('is not, with %s', (_what, props) => {
    expect(warningsWith(props)).toEqual([]);
  });
});

test('the organization is told to the endpoints that are made', () => {
  const { template } = stackWith(() => ({ organizationId: 'o-a1b2c3d4e5' }));
  template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
    ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, '.bedrock']] },
    PolicyDocument: {
      Statement: [
        {
          Condition: {
            StringEquals: {
              'aws:PrincipalAccount': { Ref: 'AWS::AccountId' },
              'aws:PrincipalOrgID': 'o-a1b2c3d4e5',
            },
          },
        },
      ],
    },
  });
});

describe('the network that is made takes properties of its own', () => {
  const withNetwork = (networkProps: SealedNetworkProps, props: LettaBedrockStackProps = {}): Template =>
    stackWith(() => ({ ...props, networkProps })).template;
  const answered = (template: Template): string[] =>
    Object.values(template.findResources('AWS::Route53Resolver::FirewallDomainList')).flatMap(({ Properties }) =>
      Properties.Domains.map(asText),
    );

  test('address range and zones, by name or number', () => {
    const template = withNetwork({ ipAddresses: ec2.IpAddresses.cidr('172.20.0.0/20'), maxAzs: 3 });
    template.hasResourceProperties('AWS::EC2::VPC', { CidrBlock: '172.20.0.0/20' });
    template.resourceCountIs('AWS::EC2::Subnet', 3);
    const env = { account: '111122223333', region: 'us-east-1' };
    const named = withNetwork({ availabilityZones: ['us-east-1b', 'us-east-1c'] }, { env });
    named.hasResourceProperties('AWS::EC2::Subnet', { AvailabilityZone: 'us-east-1c' });
  });

  test('and keeps what its endpoints let through exact, being in one stack with what calls', () => {
    const exact = (template: Template): unknown[] =>
      Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) => Properties.PolicyDocument);
    expect(exact(withNetwork({ ipAddresses: ec2.IpAddresses.cidr('172.20.0.0/20') }))).toEqual(
      exact(stackWith(() => ({})).template),
    );
  });

  test('names beside those that Letta needs', () => {
    const domains = answered(
      withNetwork({ allowedDomains: ['*.corp.example.com'] }, { allowedEgress: ['mcp.example.com:443'] }),
    );
    expect(domains).toEqual(expect.arrayContaining(['*.corp.example.com', 'mcp.example.com']));
  });

  test('no DNS firewall', () => {
    const template = withNetwork({ dnsFirewall: false }, { allowedEgress: ['mcp.example.com:443'] });
    template.resourceCountIs('AWS::Route53Resolver::FirewallRuleGroup', 0);
  });

  test('logs that are kept as long as the stack says, or longer', () => {
    const retention = (template: Template): number[] =>
      Object.entries(template.findResources('AWS::Logs::LogGroup'))
        .filter(([id]) => id.startsWith('NetworkFlowLog'))
        .map(([, { Properties }]) => Properties.RetentionInDays);
    const month = { logRetention: logs.RetentionDays.ONE_MONTH };
    expect(retention(withNetwork({}, month))).toEqual([30]);
    expect(retention(withNetwork({ logRetention: logs.RetentionDays.ONE_YEAR }, month))).toEqual([365]);
  });

  test('flow logs that go to a bucket', () => {
    const { template } = stackWith((scope) => ({
      networkProps: {
        flowLogDestination: ec2.FlowLogDestination.toS3(s3.Bucket.fromBucketName(scope, 'Logs', 'flow-logs')),
      },
    }));
    template.hasResourceProperties('AWS::EC2::FlowLog', { LogDestinationType: 's3' });
  });
});

describe('of network, vpc and endpoints only one is given', () => {
  const network = (scope: Stack): SealedNetwork => new SealedNetwork(scope, 'Network');
  const vpc = (scope: Stack): ec2.IVpc => isolatedVpc(scope);
  const endpoints = (scope: Stack): VpcEndpoints => new VpcEndpoints(scope, 'Endpoints', { vpc: isolatedVpc(scope) });

  test.each<[string, (scope: Stack) => LettaBedrockStackProps]>([
    ['network and vpc', (scope) => ({ network: network(scope), vpc: vpc(scope) })],
    ['network and endpoints', (scope) => ({ network: network(scope), endpoints: endpoints(scope) })],
    ['endpoints and vpc', (scope) => ({ endpoints: endpoints(scope), vpc: network(scope).vpc })],
    ['network and organizationId', (scope) => ({ network: network(scope), organizationId: 'o-a1b2c3d4e5' })],
    ['endpoints and organizationId', (scope) => ({ endpoints: endpoints(scope), organizationId: 'o-a1b2c3d4e5' })],
    ['network and networkProps', (scope) => ({ network: network(scope), networkProps: {} })],
    ['endpoints and networkProps', (scope) => ({ endpoints: endpoints(scope), networkProps: {} })],
    ['vpc and networkProps', (scope) => ({ vpc: vpc(scope), networkProps: {} })],
    [
      'organizationId and networkProps.organizationId',
      () => ({ organizationId: 'o-a1b2c3d4e5', networkProps: { organizationId: 'o-a1b2c3d4e6' } }),
    ],
    ['vpc and organizationId', (scope) => ({ vpc: vpc(scope), organizationId: 'o-a1b2c3d4e5' })],
  ])('fails for %s', (names, props) => {
    expect(() => stackWith(props)).toThrow(`Letta: ${names} are both given, wanted one of them`);
  });
});
