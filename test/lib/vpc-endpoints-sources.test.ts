import { CfnResource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsCall, AwsService, EndpointSource, VpcEndpoints } from '../../lib';
import { Match, Template, testApp } from './support';
import {
  ENV,
  Fixture,
  PREFIX_LIST,
  SECRET,
  group,
  listProfiles,
  namesOf,
  readBucket,
  readSecret,
  twoZones,
} from './vpc-endpoints-support';

describe('an imported endpoint', () => {
  const importing = (source: (stack: Stack) => EndpointSource, ...calls: AwsCall[]): Template => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: ENV });
    const vpc = twoZones(stack);
    const endpoints = new VpcEndpoints(stack, 'Endpoints', {
      vpc,
      defaultSource: source(stack),
      s3PrefixListId: PREFIX_LIST,
    });
    endpoints.serve({ connections: group(stack, 'Client', vpc).connections, awsCalls: calls });
    return Template.fromStack(stack);
  };

  test('is not made again, and let through to by its security group', () => {
    const template = importing(
      (stack) => EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-1')),
      readSecret,
      listProfiles,
    );
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    const rule = { FromPort: 443, ToPort: 443, IpProtocol: 'tcp' };
    template.resourcePropertiesCountIs(
      'AWS::EC2::SecurityGroupEgress',
      { ...rule, DestinationSecurityGroupId: 'sg-1' },
      1,
    );
    template.resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', { ...rule, GroupId: 'sg-1' }, 1);
  });

  test('may be given as itself, when it knows its security groups', () => {
    const template = importing((stack) => {
      const securityGroups = [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-1')];
      return EndpointSource.imported(
        ec2.InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'Endpoint', {
          vpcEndpointId: 'vpce-1',
          port: 443,
          securityGroups,
        }),
      );
    }, readSecret);
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { DestinationSecurityGroupId: 'sg-1' });
  });

  test('elsewhere is let through to by its addresses', () => {
    const template = importing(() => EndpointSource.imported(ec2.Peer.ipv4('10.9.0.0/24')), readSecret);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '10.9.0.0/24', FromPort: 443, ToPort: 443 })],
    });
  });

  test.each([
    ['0.0.0.0/0', ec2.Peer.anyIpv4()],
    ['10.9.0.0/0', ec2.Peer.ipv4('10.9.0.0/0')],
    ['::/0', ec2.Peer.anyIpv6()],
  ])('is not everywhere (%s)', (range, peer) => {
    expect(() => importing(() => EndpointSource.imported(peer), readSecret)).toThrow(
      `Test/Endpoints: the endpoint of secretsmanager is imported with the addresses of everybody (${range}), wanted its own, ` +
        "because clients get a rule to them: give EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(…, 'sg-…'))",
    );
  });

  test('fails without its security group, and says how to give it', () => {
    expect(() => importing(() => EndpointSource.imported(), readSecret)).toThrow(
      'Test/Endpoints: the endpoint of secretsmanager is imported, but its security group is not given, wanted one, ' +
        'because clients need a rule to it: give EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(',
    );
  });

  test('fails when it is given as itself and knows no security group', () => {
    const endpoint = (stack: Stack) =>
      ec2.InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(stack, 'E', { vpcEndpointId: 'vpce-1', port: 443 });
    expect(() => importing((stack) => EndpointSource.imported(endpoint(stack)), readSecret)).toThrow(
      /the endpoint of secretsmanager is imported, but knows none of its security groups/,
    );
  });

  test('of S3 needs none, and no route tables', () => {
    const template = importing(() => EndpointSource.imported(), readBucket);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { DestinationPrefixListId: PREFIX_LIST });
  });

  test('that two objects name is one: EC2 refuses the second of two equal rules', () => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: ENV });
    const vpc = twoZones(stack);
    const imported = (id: string) => EndpointSource.imported(ec2.SecurityGroup.fromSecurityGroupId(stack, id, 'sg-1'));
    const endpoints = new VpcEndpoints(stack, 'Endpoints', {
      vpc,
      sources: [
        { service: AwsService.SECRETS_MANAGER, source: imported('One') },
        { service: AwsService.BEDROCK, source: imported('Two') },
      ],
    });
    endpoints.serve({
      connections: group(stack, 'Client', vpc).connections,
      awsCalls: [readSecret, listProfiles],
    });
    Template.fromStack(stack).resourceCountIs('AWS::EC2::SecurityGroupEgress', 1);
  });
});

test('who waits for the endpoints waits for the rules at those that were imported, too', () => {
  const stack = new Stack(testApp(), 'Test', { env: ENV });
  const vpc = twoZones(stack);
  const theirs = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-1');
  const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc, defaultSource: EndpointSource.imported(theirs) });
  const waiting = new CfnResource(stack, 'Waiting', { type: 'Test::Waiting' });
  waiting.node.addDependency(endpoints);
  endpoints.serve({ connections: group(stack, 'Client', vpc).connections, awsCalls: [readSecret] });
  const template = Template.fromStack(stack);
  const [rule] = Object.keys(template.findResources('AWS::EC2::SecurityGroupIngress'));
  expect(rule).toMatch(/^Theirs/);
  template.hasResource('Test::Waiting', { DependsOn: [rule] });
});

describe('a skipped endpoint', () => {
  test('is not made, and no rule leads anywhere', () => {
    const skip = { service: AwsService.SECRETS_MANAGER, source: EndpointSource.skip() };
    const { template } = new Fixture({ sources: [skip] }).serve(readSecret, listProfiles);
    expect(namesOf(template)).toEqual(['bedrock']);
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 1);
  });
});

describe('bad input', () => {
  test('a VPC without isolated subnets is told what it has', () => {
    const publicOnly = (stack: Stack): ec2.IVpc =>
      ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-1',
        availabilityZones: ['eu-west-1a'],
        publicSubnetIds: ['subnet-p'],
      });
    expect(() => new Fixture({}, publicOnly)).toThrow(
      'VpcEndpoints Test/Endpoints: no subnet to stand in: expected isolated subnets, got a VPC with 1 public, 0 private ' +
        'with egress and 0 isolated subnets; give a VPC with isolated subnets, or name others by `vpcSubnets`',
    );
  });

  test('subnets without route tables cannot take the S3 gateway', () => {
    const idsOnly = (stack: Stack): ec2.IVpc =>
      ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-1',
        availabilityZones: ['eu-west-1a', 'eu-west-1b'],
        isolatedSubnetIds: ['subnet-a', 'subnet-b'],
      });
    expect(() => new Fixture({}, idsOnly).serve(readSecret)).not.toThrow();
    expect(() => new Fixture({}, idsOnly).serve(readBucket)).toThrow(
      /got subnets whose route tables are not known: give them with the VPC \(`isolatedSubnetRouteTableIds`/,
    );
  });

  const withoutNames = (props: ec2.VpcProps) => (stack: Stack) =>
    new ec2.Vpc(stack, 'Vpc', {
      natGateways: 0,
      availabilityZones: ['eu-west-1a'],
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      ...props,
    });

  test.each<[string, ec2.VpcProps]>([
    ['enableDnsHostnames', { enableDnsHostnames: false }],
    ['enableDnsHostnames and enableDnsSupport', { enableDnsHostnames: false, enableDnsSupport: false }],
  ])('a VPC without %s can have no private names', (off, props) => {
    expect(() => new Fixture({}, withoutNames(props)).serve(readSecret)).toThrow(
      `Test/Endpoints: the endpoint of secretsmanager has private DNS names, which EC2 refuses in a VPC with ${off} false, ` +
        `wanted true: set ${off} of Test/Vpc, or give the endpoint as EndpointSource.imported(…)`,
    );
  });

  test('a VPC without DNS hostnames may have the S3 gateway and endpoints that are imported', () => {
    const vpc = withoutNames({ enableDnsHostnames: false });
    const skip = { service: AwsService.SECRETS_MANAGER, source: EndpointSource.skip() };
    expect(() => new Fixture({ sources: [skip] }, vpc).serve(readSecret, readBucket)).not.toThrow();
  });

  const secrets = (number: number): AwsCall => ({
    ...readSecret,
    resources: Array.from({ length: number }, (_, index) => SECRET.replace('one', `${index}`.padStart(32, 'x'))),
  });

  test('a policy longer than AWS takes fails at synth, not in the deployment', () => {
    expect(() => new Fixture().serve(secrets(300)).template).toThrow(
      /the policy of the endpoint of secretsmanager has about 2\d{4} characters, wanted 20480 at most/,
    );
    expect(() => new Fixture().serve(secrets(150)).template).not.toThrow();
  });

  test('a service is given one source', () => {
    const source = EndpointSource.skip();
    const sources = [AwsService.LOGS, AwsService.of('logs', [])].map((service) => ({ service, source }));
    expect(() => new Fixture({ sources })).toThrow('sources names logs twice, wanted each service once');
  });

  test.each(['com.amazonaws.eu-west-1.sqs endpoint', 'SQS', ''])('%p is no name of a service', (name) => {
    expect(() => AwsService.of(name, [])).toThrow(`AwsService.of: '${name}' is no name of an endpoint service`);
  });
});
