import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsCall, AwsService, EndpointSource, IAwsClient, VpcEndpoints, VpcEndpointsProps } from '../../lib';
import { asText, isolatedVpc, Match, Template, testApp } from './support';

const ENV = { account: '111122223333', region: 'eu-west-1' };
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:one-AbCdEf';
const PREFIX_LIST = 'pl-6da54004';

const readSecret: AwsCall = {
  service: AwsService.SECRETS_MANAGER,
  actions: ['secretsmanager:GetSecretValue'],
  resources: [SECRET],
};
const listProfiles: AwsCall = {
  service: AwsService.BEDROCK,
  actions: ['bedrock:ListInferenceProfiles'],
  resources: ['*'],
};
const invokeModel: AwsCall = {
  service: AwsService.BEDROCK_RUNTIME,
  actions: ['bedrock:InvokeModel'],
  resources: ['arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0'],
  awsOwned: true,
};
const readLayers: AwsCall = {
  service: AwsService.S3,
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*'],
  awsOwned: true,
  presigned: true,
};
const readBucket: AwsCall = {
  service: AwsService.S3,
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::ours/*'],
};

class Fixture {
  readonly app: App = testApp();
  readonly stack = new Stack(this.app, 'Test', { env: ENV });
  readonly vpc: ec2.IVpc;
  readonly endpoints: VpcEndpoints;

  constructor(props: Partial<VpcEndpointsProps> = {}, vpc?: (stack: Stack) => ec2.IVpc) {
    this.vpc = (vpc ?? twoZones)(this.stack);
    this.endpoints = new VpcEndpoints(this.stack, 'Endpoints', {
      vpc: this.vpc,
      s3PrefixListId: PREFIX_LIST,
      ...props,
    });
  }

  client(id: string, ...awsCalls: AwsCall[]): IAwsClient {
    return { connections: group(this.stack, id, this.vpc).connections, awsCalls };
  }

  serve(...awsCalls: AwsCall[]): this {
    this.endpoints.serve(this.client('Client', ...awsCalls));
    return this;
  }

  get template(): Template {
    return Template.fromStack(this.stack);
  }
}

function twoZones(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    isolatedSubnetIds: ['subnet-a', 'subnet-b'],
    isolatedSubnetRouteTableIds: ['rtb-a', 'rtb-b'],
  });
}

function group(stack: Stack, id: string, vpc: ec2.IVpc): ec2.SecurityGroup {
  return new ec2.SecurityGroup(stack, id, { vpc, allowAllOutbound: false });
}

/** Statements of an endpoint's policy, by the last part of its service's name. */
function policyOf(template: Template, name: string): Record<string, unknown>[] {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  const found = endpoints.filter((e) => asText(e.Properties.ServiceName).endsWith(`.${name}`));
  expect(found).toHaveLength(1);
  return found[0].Properties.PolicyDocument.Statement;
}

function namesOf(template: Template): string[] {
  const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint'));
  return endpoints.map((e) => asText(e.Properties.ServiceName).split('.').slice(3).join('.')).sort();
}

describe('endpoints', () => {
  test('are those of what clients call, each made once', () => {
    const { template } = new Fixture().serve(readSecret, listProfiles, readSecret);
    expect(namesOf(template)).toEqual(['bedrock', 'secretsmanager']);
  });

  test('are one in every zone, with private DNS and a security group of their own', () => {
    const { template } = new Fixture().serve(readSecret, listProfiles);
    template.allResourcesProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: true,
      SubnetIds: ['subnet-a', 'subnet-b'],
    });
    const groups = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map((e) =>
      JSON.stringify(e.Properties.SecurityGroupIds),
    );
    expect(new Set(groups).size).toBe(2);
  });

  test('are told apart by name in the console', () => {
    new Fixture().serve(readSecret).template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      Tags: [{ Key: 'Name', Value: 'Test/Vpc/secretsmanager' }],
    });
  });

  test('let a client through to what it calls, by HTTPS, and to nothing else', () => {
    const fixture = new Fixture().serve(readSecret);
    fixture.endpoints.serve(fixture.client('Other', listProfiles));
    const rules = Object.values(fixture.template.findResources('AWS::EC2::SecurityGroupIngress'));
    const flows = rules.map(({ Properties: p }) => [asText(p.SourceSecurityGroupId), asText(p.GroupId), p.ToPort]);
    expect(flows).toEqual(
      expect.arrayContaining([
        [expect.stringContaining('Client'), expect.stringContaining('SecretsManager'), 443],
        [expect.stringContaining('Other'), expect.stringContaining('EndpointsBedrock'), 443],
      ]),
    );
    expect(flows).toHaveLength(2);
  });

  test('let in the account’s principals, for the stated actions on the stated resources', () => {
    expect(policyOf(new Fixture().serve(readSecret).template, 'secretsmanager')).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: 'secretsmanager:GetSecretValue',
        Resource: SECRET,
        Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } },
      },
    ]);
  });

  test('allow what several clients state, each for what it stated', () => {
    const other = { ...readSecret, resources: [SECRET.replace('one', 'two')] };
    const fixture = new Fixture().serve(readSecret);
    fixture.endpoints.serve(fixture.client('Other', other, readSecret));
    const statements = policyOf(fixture.template, 'secretsmanager');
    expect(statements.map(({ Resource }) => Resource)).toEqual([SECRET, other.resources[0]]);
  });

  test('of image layers let any principal read, because ECR signs the URLs, but from that bucket only', () => {
    expect(policyOf(new Fixture({ organizationId: 'o-a1b2c3d4e5' }).serve(readLayers).template, 's3')).toEqual([
      { Effect: 'Allow', Principal: { AWS: '*' }, Action: 's3:GetObject', Resource: readLayers.resources[0] },
    ]);
  });

  test('of buckets let only those of the account through, whoever takes the name later', () => {
    const [statement] = policyOf(new Fixture().serve(readBucket).template, 's3');
    expect(statement.Condition).toEqual({
      StringEquals: { 'aws:PrincipalAccount': '111122223333', 'aws:ResourceAccount': '111122223333' },
    });
  });

  test('of S3 stand in the route tables, and are reached by the prefix list', () => {
    const { template } = new Fixture().serve(readBucket);
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Gateway',
      RouteTableIds: ['rtb-a', 'rtb-b'],
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { DestinationPrefixListId: PREFIX_LIST });
    template.resourceCountIs('Custom::LettaS3PrefixList', 0);
  });

  test('of a service without a constant are made too', () => {
    const send = {
      service: AwsService.of('sqs', ['sqs:REGION:ACCOUNT:*']),
      actions: ['sqs:SendMessage'],
      resources: ['arn:aws:sqs:eu-west-1:111122223333:queue'],
    };
    expect(namesOf(new Fixture().serve(send).template)).toEqual(['sqs']);
  });

  test('stand in the subnets they are given', () => {
    const vpcSubnets = (stack: Stack) => ({
      subnets: [ec2.Subnet.fromSubnetAttributes(stack, 'S', { subnetId: 'subnet-c', availabilityZone: 'eu-west-1c' })],
    });
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: ENV });
    const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc: twoZones(stack), vpcSubnets: vpcSubnets(stack) });
    endpoints.serve({ connections: group(stack, 'Client', endpoints.vpc).connections, awsCalls: [readSecret] });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::VPCEndpoint', { SubnetIds: ['subnet-c'] });
  });
});

describe('an organization', () => {
  const conditions = (name: string, ...calls: AwsCall[]) =>
    policyOf(new Fixture({ organizationId: 'o-a1b2c3d4e5' }).serve(...calls).template, name)[0].Condition;
  const own = { 'aws:PrincipalAccount': '111122223333', 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' };

  test('bounds who calls and what is reached', () => {
    expect(conditions('secretsmanager', readSecret)).toEqual({
      StringEquals: { ...own, 'aws:ResourceOrgID': 'o-a1b2c3d4e5' },
    });
  });

  test('bounds only who calls where the resource is AWS’s own', () => {
    expect(conditions('bedrock-runtime', invokeModel)).toEqual({ StringEquals: own });
  });

  test('bounds only who calls where the action has no resource', () => {
    expect(conditions('bedrock', listProfiles)).toEqual({ StringEquals: own });
  });

  test.each(['my-organization', 'o-short', 'r-a1b2c3d4e5'])(
    'fails for %p, which is no organization',
    (organizationId) => {
      expect(() => new Fixture({ organizationId })).toThrow(
        `Test/Endpoints: organizationId is '${organizationId}', wanted the id of an organization`,
      );
    },
  );
});

describe('a client of another stack', () => {
  const synthesized = (): Template => {
    const fixture = new Fixture();
    const other = new Stack(fixture.app, 'Other', { env: ENV });
    const secret = new secretsmanager.Secret(other, 'Secret');
    const client = group(other, 'Client', fixture.vpc);
    const call = { ...readSecret, resources: [secret.secretArn] };
    fixture.endpoints.serve({ connections: client.connections, awsCalls: [call, readBucket] });
    const { template } = fixture;
    expect(other.dependencies).toContain(fixture.stack);
    return template;
  };

  test('is let through to all of the account’s resources of the service, because its ARNs would make a cycle', () => {
    const [statement] = policyOf(synthesized(), 'secretsmanager');
    expect(asText(statement.Resource)).toBe('arn:${AWS::Partition}:secretsmanager:eu-west-1:111122223333:secret:*');
    expect(statement.Action).toBe('secretsmanager:GetSecretValue');
  });

  test('is held to exact ARNs where they are known', () => {
    expect(policyOf(synthesized(), 's3')[0].Resource).toBe('arn:aws:s3:::ours/*');
  });

  test.each([
    [AwsService.ECR_API, 'arn:${AWS::Partition}:ecr:eu-west-1:111122223333:repository/*'],
    [AwsService.LOGS, 'arn:${AWS::Partition}:logs:eu-west-1:111122223333:log-group:*'],
    [AwsService.STS, 'arn:${AWS::Partition}:iam::111122223333:role/*'],
    [AwsService.LAMBDA, 'arn:${AWS::Partition}:lambda:eu-west-1:111122223333:function:*'],
  ])('of %# reaches no other account', (service, arn) => {
    const { stack } = new Fixture();
    expect(service._accountResources(stack).map((text) => asText(stack.resolve(text)))).toEqual([arn]);
  });
});

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

  test('a service is given one source', () => {
    const source = EndpointSource.skip();
    const sources = [AwsService.LOGS, AwsService.of('logs', [])].map((service) => ({ service, source }));
    expect(() => new Fixture({ sources })).toThrow('sources names logs twice, wanted each service once');
  });

  test.each(['com.amazonaws.eu-west-1.sqs endpoint', 'SQS', ''])('%p is no name of a service', (name) => {
    expect(() => AwsService.of(name, [])).toThrow(`AwsService.of: '${name}' is no name of an endpoint service`);
  });
});

test('a VPC made in the app takes endpoints too', () => {
  const stack = new Stack(testApp(), 'Test');
  const vpc = isolatedVpc(stack);
  const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc, s3PrefixListId: PREFIX_LIST });
  endpoints.serve({ connections: group(stack, 'Client', vpc).connections, awsCalls: [readSecret, readBucket] });
  expect(namesOf(Template.fromStack(stack))).toEqual(['s3', 'secretsmanager']);
  expect(endpoints.services).toEqual([AwsService.SECRETS_MANAGER, AwsService.S3]);
});
