import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsService, IAwsClient } from '../../lib';
import { SealedNetwork, SealedNetworkProps } from '../../lib/sealed-network';
import { asText } from './support';

const PREFIX_LIST = 'pl-63a5400a';

function stack(): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack');
}

function synth(props?: SealedNetworkProps, use?: (network: SealedNetwork) => void): Template {
  const scope = stack();
  const network = new SealedNetwork(scope, 'Network', props);
  use?.(network);
  return Template.fromStack(scope);
}

/** Something in the VPC that reads one secret and one object. */
function client(network: SealedNetwork): IAwsClient {
  const group = new ec2.SecurityGroup(Stack.of(network), 'Client', { vpc: network.vpc, allowAllOutbound: false });
  return {
    connections: group.connections,
    awsCalls: [
      {
        service: AwsService.SECRETS_MANAGER,
        actions: ['secretsmanager:GetSecretValue'],
        resources: ['arn:aws:secretsmanager:us-east-1:111122223333:secret:one-AbCdEf'],
      },
      { service: AwsService.S3, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/*'] },
    ],
  };
}

describe('SealedNetwork', () => {
  test('has no way out: no internet gateway, no NAT, no route but the one to the S3 endpoint', () => {
    const template = synth();
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::Route', 0);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
  });

  test('has two zones unless told otherwise, chosen by CloudFormation', () => {
    const template = synth();
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    for (const index of [0, 1]) {
      template.hasResourceProperties('AWS::EC2::Subnet', {
        AvailabilityZone: { 'Fn::Select': [index, { 'Fn::GetAZs': '' }] },
      });
    }
  });

  test('has as many zones as asked for, even where the region is not known', () => {
    synth({ maxAzs: 3 }).resourceCountIs('AWS::EC2::Subnet', 3);
  });

  test('stands in the zones it is given', () => {
    synth({ availabilityZones: ['eu-west-1b', 'eu-west-1c'] }).hasResourceProperties('AWS::EC2::Subnet', {
      AvailabilityZone: 'eu-west-1c',
    });
  });

  test('takes the address range it is given', () => {
    synth({ ipAddresses: ec2.IpAddresses.cidr('172.20.0.0/20') }).hasResourceProperties('AWS::EC2::VPC', {
      CidrBlock: '172.20.0.0/20',
    });
  });

  test.each([1, 7, 2.5])('fails with %p zones, saying how many it wants', (maxAzs) => {
    expect(() => synth({ maxAzs })).toThrow(
      `SealedNetwork Stack/Network: expected 2 to 6 availability zones, got ${maxAzs}`,
    );
  });

  test('fails when zones are both counted and named', () => {
    expect(() => synth({ maxAzs: 2, availabilityZones: ['a', 'b'] })).toThrow(/both `availabilityZones` and `maxAzs`/);
  });

  test('has no endpoint, no security group and no look-up until a client is served', () => {
    const template = synth();
    for (const type of ['AWS::EC2::VPCEndpoint', 'AWS::EC2::SecurityGroup', 'Custom::LettaS3PrefixList']) {
      template.resourceCountIs(type, 0);
    }
  });

  test('lets a client reach the endpoints of what it calls and, by prefix list, S3: HTTPS only', () => {
    const template = synth({ s3PrefixListId: PREFIX_LIST }, (network) => network.serve(client(network)));
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^NetworkSecretsManagerSecurityGroup'), 'GroupId'] },
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Client'), 'GroupId'] },
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      DestinationPrefixListId: PREFIX_LIST,
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 2);
  });

  test('looks the S3 prefix list up while it is deployed, by a function outside the VPC', () => {
    const template = synth({}, (network) => network.serve(client(network)));
    template.resourceCountIs('Custom::LettaS3PrefixList', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
      DestinationPrefixListId: { 'Fn::GetAtt': [Match.anyValue(), 'PrefixListId'] },
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([{ Action: 'ec2:DescribeManagedPrefixLists', Effect: 'Allow', Resource: '*' }]),
      },
    });
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    expect(functions.filter((f) => f.Properties.VpcConfig)).toEqual([]);
  });

  test('looks nothing up when it is given the prefix list', () => {
    const template = synth({ s3PrefixListId: PREFIX_LIST }, (network) => network.serve(client(network)));
    template.resourceCountIs('Custom::LettaS3PrefixList', 0);
  });

  describe('names', () => {
    const domains = (template: Template) =>
      Object.values(template.findResources('AWS::Route53Resolver::FirewallDomainList')).map((l) =>
        l.Properties.Domains.map(asText),
      );

    test("of the VPC's hosts and stores are answered, all others do not exist", () => {
      const template = synth();
      expect(domains(template)).toEqual([
        [
          '*.compute.internal',
          '*.ec2.internal',
          '*.${AWS::Region}.rds.${AWS::URLSuffix}',
          '*.rds.${AWS::Region}.${AWS::URLSuffix}',
          '*.cache.${AWS::URLSuffix}',
          '*.${AWS::Region}.elb.${AWS::URLSuffix}',
          '*.elb.${AWS::Region}.${AWS::URLSuffix}',
        ],
        ['*'],
      ]);
      template.hasResourceProperties('AWS::Route53Resolver::FirewallRuleGroup', {
        FirewallRules: [
          Match.objectLike({ Priority: 1, Action: 'ALLOW' }),
          Match.objectLike({ Priority: 2, Action: 'BLOCK', BlockResponse: 'NXDOMAIN' }),
        ],
      });
      template.hasResourceProperties('AWS::Route53Resolver::FirewallRuleGroupAssociation', {
        VpcId: { Ref: Match.stringLikeRegexp('^NetworkVpc') },
      });
    });

    test('of the services that a client calls are answered, and of the buckets; no others of AWS', () => {
      const served = domains(synth({}, (network) => network.serve(client(network))))[0];
      expect(served.slice(domains(synth())[0].length)).toEqual([
        'secretsmanager.${AWS::Region}.${AWS::URLSuffix}',
        'bucket.s3.${AWS::Region}.${AWS::URLSuffix}',
        'bucket.s3.dualstack.${AWS::Region}.${AWS::URLSuffix}',
        'bucket.s3.${AWS::URLSuffix}',
      ]);
    });

    test('are added to by a prop', () => {
      expect(domains(synth({ allowedDomains: ['*.corp.example.com'] }))[0]).toContain('*.corp.example.com');
    });

    test('are all answered when the firewall is off', () => {
      expect(domains(synth({ dnsFirewall: false }))).toEqual([]);
    });

    test('fail to be added to a firewall that is off', () => {
      expect(() => synth({ dnsFirewall: false, allowedDomains: ['*.corp.example.com'] })).toThrow(
        /`allowedDomains` has no effect without `dnsFirewall`/,
      );
    });
  });

  test('empties the default security group of the VPC', () => {
    synth().hasResourceProperties('Custom::VpcRestrictDefaultSG', {
      DefaultSecurityGroupId: { 'Fn::GetAtt': [Match.anyValue(), 'DefaultSecurityGroup'] },
    });
  });

  test('keeps the VPC and its subnets, because a retained database stands on them, and the emptied group empty', () => {
    const template = synth();
    for (const type of ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'Custom::VpcRestrictDefaultSG']) {
      template.allResources(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    }
    template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' });
  });

  test('goes altogether when told so', () => {
    const { Resources } = synth({ removalPolicy: RemovalPolicy.DESTROY }).toJSON();
    const policies = Object.values(Resources as Record<string, { DeletionPolicy?: string }>).map(
      (r) => r.DeletionPolicy,
    );
    expect(policies).toContain('Delete');
    expect(policies).not.toContain('Retain');
  });

  test('logs traffic to a bucket or log group of one’s own, and makes none then', () => {
    const scope = stack();
    const bucket = s3.Bucket.fromBucketName(scope, 'Archive', 'flow-logs');
    new SealedNetwork(scope, 'Network', { flowLogDestination: ec2.FlowLogDestination.toS3(bucket) });
    const template = Template.fromStack(scope);
    template.resourceCountIs('AWS::Logs::LogGroup', 0);
    template.hasResourceProperties('AWS::EC2::FlowLog', {
      LogDestinationType: 's3',
      LogDestination: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::flow-logs']] },
    });
  });

  test('are written by a role that is assumed for flow logs of this account and region only', () => {
    const scope = stack();
    new SealedNetwork(scope, 'Network');
    const roles = Object.entries(Template.fromStack(scope).findResources('AWS::IAM::Role'));
    const [, { Properties }] = roles.find(([id]) => id.includes('FlowLog'))!;
    const [statement, ...others] = Properties.AssumeRolePolicyDocument.Statement;
    expect(others).toEqual([]);
    expect(statement).toMatchObject({ Effect: 'Allow', Principal: { Service: 'vpc-flow-logs.amazonaws.com' } });
    expect(asText(statement.Condition.StringEquals['aws:SourceAccount'])).toBe('${AWS::AccountId}');
    expect(asText(statement.Condition.ArnLike['aws:SourceArn'])).toBe(
      'arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*',
    );
  });

  test('bring a role of yours as it is', () => {
    const scope = stack();
    const role = iam.Role.fromRoleArn(scope, 'Theirs', 'arn:aws:iam::111122223333:role/flow-logs');
    const group = logs.LogGroup.fromLogGroupName(scope, 'Group', 'flow-logs');
    const flowLogDestination = ec2.FlowLogDestination.toCloudWatchLogs(group, role);
    expect(() => new SealedNetwork(scope, 'Network', { flowLogDestination })).not.toThrow();
  });

  test('logs all traffic, for as long as asked and under the key given, which CloudWatch Logs may use', () => {
    const scope = stack();
    new SealedNetwork(scope, 'Network', { encryptionKey: new kms.Key(scope, 'Key') });
    const template = Template.fromStack(scope);
    template.hasResourceProperties('AWS::EC2::FlowLog', { ResourceType: 'VPC', TrafficType: 'ALL' });
    template.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 90,
      KmsKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: Match.arrayWith(['kms:GenerateDataKey*']),
            Principal: {
              Service: { 'Fn::Join': ['', ['logs.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] },
            },
            Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': Match.anyValue() } },
          }),
        ]),
      },
    });
  });
});
