import { Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsService, LettaBedrockStack, VpcEndpoints } from '../../lib';
import { Template, testApp } from './support';
import { PREFIX_LIST } from './vpc-endpoints-support';

const ENV = { account: '111122223333', region: 'us-east-1' };
const ZONES = ['us-east-1a', 'us-east-1b'];
const LOAD_BALANCER = 'AWS::ElasticLoadBalancingV2::LoadBalancer';

function imported(scope: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ZONES,
    isolatedSubnetIds: ['app-a', 'app-b', 'data-a', 'data-b'],
    isolatedSubnetNames: ['app', 'data'],
    isolatedSubnetRouteTableIds: ['rtb-app-a', 'rtb-app-b', 'rtb-data-a', 'rtb-data-b'],
  });
}

function made(scope: Stack): ec2.IVpc {
  return new ec2.Vpc(scope, 'Vpc', {
    availabilityZones: ZONES,
    natGateways: 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: ['app', 'data'].map((name) => ({ name, subnetType: ec2.SubnetType.PRIVATE_ISOLATED })),
  });
}

/** Letta in a VPC, as one stack. */
function lettaIn(make: (scope: Stack) => ec2.IVpc, select?: (vpc: ec2.IVpc) => ec2.SubnetSelection): Template {
  const app = testApp();
  const network = new Stack(app, 'Network', { env: ENV });
  const vpc = make(network);
  const vpcSubnets = select?.(vpc);
  const stack = new LettaBedrockStack(app, 'Letta', {
    env: ENV,
    http: true,
    vpcSubnets,
    endpoints: new VpcEndpoints(network, 'Endpoints', { vpc, vpcSubnets, s3PrefixListId: PREFIX_LIST }),
  });
  const resources = {
    ...Template.fromStack(network).toJSON().Resources,
    ...Template.fromStack(stack).toJSON().Resources,
  };
  return Template.fromJSON({ Resources: resources });
}

function propertiesOf(template: Template, type: string): Record<string, unknown>[] {
  return Object.values(template.findResources(type)).map(({ Properties }) => Properties);
}

function subnetsOfInterfaces(template: Template): unknown[] {
  return propertiesOf(template, 'AWS::EC2::VPCEndpoint')
    .filter(({ VpcEndpointType }) => VpcEndpointType === 'Interface')
    .map(({ SubnetIds }) => SubnetIds);
}

describe('with two isolated subnets in each zone, interfaces and load balancer stand in one of each', () => {
  test.each<[string, ((vpc: ec2.IVpc) => ec2.SubnetSelection) | undefined, string[]]>([
    ['by default', undefined, ['app-a', 'app-b']],
    ['chosen by type', () => ({ subnetType: ec2.SubnetType.PRIVATE_ISOLATED }), ['app-a', 'app-b']],
    ['chosen by tier', () => ({ subnetGroupName: 'data' }), ['data-a', 'data-b']],
    ['written out', ({ isolatedSubnets: [a, b, c, d] }) => ({ subnets: [c, a, b, d] }), ['data-a', 'app-b']],
  ])('%s', (_how, select, expected) => {
    const template = lettaIn(imported, select);
    const interfaces = subnetsOfInterfaces(template);
    expect(interfaces.length).toBeGreaterThan(4);
    expect(interfaces).toEqual(interfaces.map(() => expected));
    expect(propertiesOf(template, LOAD_BALANCER)).toEqual([expect.objectContaining({ Subnets: expected })]);
  });

  test('in a VPC that the app makes', () => {
    const template = lettaIn(made);
    const inApp = [expect.objectContaining({ Ref: expect.stringMatching(/appSubnet1/) }), expect.anything()];
    const interfaces = subnetsOfInterfaces(template);
    expect(interfaces.length).toBeGreaterThan(4);
    expect(interfaces).toEqual(interfaces.map(() => inApp));
    expect(propertiesOf(template, LOAD_BALANCER)[0].Subnets).toHaveLength(2);
  });
});

test('tasks, stores and the route to S3 keep every subnet', () => {
  const template = lettaIn(imported);
  const all = ['app-a', 'app-b', 'data-a', 'data-b'];
  template.hasResourceProperties('AWS::ECS::Service', {
    NetworkConfiguration: { AwsvpcConfiguration: { Subnets: all } },
  });
  template.hasResourceProperties('AWS::RDS::DBSubnetGroup', { SubnetIds: all });
  template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
    VpcEndpointType: 'Gateway',
    RouteTableIds: ['rtb-app-a', 'rtb-app-b', 'rtb-data-a', 'rtb-data-b'],
  });
});

describe('subnets whose zones are not known are all kept', () => {
  const endpointsIn = (make: (stack: Stack) => ec2.ISubnet[]): unknown[] => {
    const stack = new Stack(testApp(), 'Test', { env: ENV });
    const subnets = make(stack);
    const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc: imported(stack), vpcSubnets: { subnets } });
    const securityGroup = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Client', 'sg-1');
    endpoints.serve({
      connections: securityGroup.connections,
      awsCalls: [{ service: AwsService.BEDROCK, actions: ['bedrock:ListInferenceProfiles'], resources: ['*'] }],
    });
    return subnetsOfInterfaces(Template.fromStack(stack));
  };

  test('imported by their ids alone', () => {
    const ids = ['subnet-a', 'subnet-b'];
    expect(endpointsIn((stack) => ids.map((id) => ec2.Subnet.fromSubnetId(stack, id, id)))).toEqual([ids]);
  });

  test('of zones that are a list only CloudFormation knows', () => {
    const ids = ['subnet-a', 'subnet-b'];
    const [availabilityZone] = Fn.split(',', Fn.importValue('zones'));
    expect(
      endpointsIn((stack) =>
        ids.map((subnetId) => ec2.Subnet.fromSubnetAttributes(stack, subnetId, { subnetId, availabilityZone })),
      ),
    ).toEqual([ids]);
  });
});
