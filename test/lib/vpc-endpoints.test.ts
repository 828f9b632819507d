import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsCall, AwsService, IAwsClient, VpcEndpoints } from '../../lib';
import { asText, isolatedVpc, Template, testApp } from './support';
import {
  ENV,
  Fixture,
  PREFIX_LIST,
  SECRET,
  group,
  invokeModel,
  listProfiles,
  namesOf,
  policyOf,
  readBucket,
  readLayers,
  readSecret,
  twoZones,
} from './vpc-endpoints-support';

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

  test('are opened once to a client that calls one twice, or that two objects stand for: EC2 refuses equal rules', () => {
    const fixture = new Fixture({ s3PrefixListId: undefined });
    const client = fixture.client('Client', readLayers, readBucket, readSecret);
    fixture.endpoints.serve(client);
    fixture.endpoints.serve({ connections: client.connections, awsCalls: [readLayers, readSecret] });
    fixture.template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 2);
    fixture.template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
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

  test('are made for a client’s companions too, and once however often it is served', () => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: ENV });
    const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc: twoZones(stack) });
    const companion = {
      connections: group(stack, 'Companion', endpoints.vpc).connections,
      awsCalls: [readSecret],
    };
    const client = {
      connections: group(stack, 'Client', endpoints.vpc).connections,
      awsCalls: [listProfiles],
      companions: [companion],
    };
    endpoints.serve(client);
    endpoints.serve(client);
    endpoints.serve(companion);
    const template = Template.fromStack(stack);
    expect(namesOf(template).sort()).toEqual(['bedrock', 'secretsmanager']);
    for (const name of namesOf(template)) expect(policyOf(template, name)).toHaveLength(1);
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 2);
  });

  test('are made for a companion that comes after its client was served', () => {
    const stack = new Stack(testApp(), 'Test', { env: ENV });
    const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc: twoZones(stack) });
    const companions: IAwsClient[] = [];
    let serveAgain = (): void => undefined;
    endpoints.serve({
      connections: group(stack, 'Client', endpoints.vpc).connections,
      awsCalls: [listProfiles],
      companions,
      _onMoreCalls: (serve) => (serveAgain = serve),
    });
    companions.push({
      connections: group(stack, 'Companion', endpoints.vpc).connections,
      awsCalls: [readSecret],
    });
    serveAgain();
    const template = Template.fromStack(stack);
    expect(namesOf(template).sort()).toEqual(['bedrock', 'secretsmanager']);
    expect(policyOf(template, 'bedrock')).toHaveLength(1);
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

  test('bounds only who calls where images’ manifests are read, since nothing says that AWS tells their owner there', () => {
    const pull = {
      actions: ['ecr:BatchGetImage'],
      resources: ['arn:aws:ecr:eu-west-1:111122223333:repository/letta'],
    };
    expect(conditions('ecr.dkr', { service: AwsService.ECR_DOCKER, ...pull })).toEqual({ StringEquals: own });
    expect(conditions('ecr.api', { service: AwsService.ECR_API, ...pull })).toEqual({
      StringEquals: { ...own, 'aws:ResourceOrgID': 'o-a1b2c3d4e5' },
    });
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

test('a VPC made in the app takes endpoints too', () => {
  const stack = new Stack(testApp(), 'Test');
  const vpc = isolatedVpc(stack);
  const endpoints = new VpcEndpoints(stack, 'Endpoints', { vpc, s3PrefixListId: PREFIX_LIST });
  endpoints.serve({ connections: group(stack, 'Client', vpc).connections, awsCalls: [readSecret, readBucket] });
  expect(namesOf(Template.fromStack(stack))).toEqual(['s3', 'secretsmanager']);
  expect(endpoints.services).toEqual([AwsService.SECRETS_MANAGER, AwsService.S3]);
});
