import { Properties } from '../../lib/checks/template';
import { Mutant } from './mutant';
import { GoodApp } from './stacks';

/** A change of a good app that leaves it good: a check that finds something there is wrong. */
export interface Variation {
  readonly name: string;
  readonly of?: GoodApp;
  change(mutant: Mutant): void;
}

const DIGEST = `sha256:${'0'.repeat(64)}`;
const ECR = '111122223333.dkr.ecr.us-east-1.amazonaws.com';

/** What somebody else in the same app does, in ways that Letta must not. */
const NEIGHBOURS: Variation[] = [
  {
    name: "another workload's security group, open both ways, in the same VPC",
    change: (mutant) =>
      mutant.add('WebGroup', 'AWS::EC2::SecurityGroup', {
        GroupDescription: 'web',
        VpcId: mutant.properties('AWS::EC2::SecurityGroup').VpcId,
        SecurityGroupEgress: [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }],
        SecurityGroupIngress: [{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, CidrIp: '0.0.0.0/0' }],
      }),
  },
  {
    name: 'the stores stand in two subnets of a zone',
    change: (mutant) => {
      const { VpcId, AvailabilityZone } = mutant.properties('AWS::EC2::Subnet');
      mutant.add('DataSubnet', 'AWS::EC2::Subnet', { VpcId, AvailabilityZone, CidrBlock: '10.0.240.0/24' });
      mutant.properties('AWS::RDS::DBSubnetGroup').SubnetIds.push({ Ref: 'DataSubnet' });
    },
  },
  {
    name: "another workload's public load balancer with a listener of HTTP",
    change: (mutant) => {
      mutant.add('Web', 'AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internet-facing' });
      mutant.add('WebListener', 'AWS::ElasticLoadBalancingV2::Listener', {
        LoadBalancerArn: { Ref: 'Web' },
        Protocol: 'HTTP',
        Port: 80,
        DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '200' } }],
      });
    },
  },
  {
    name: 'another public subnet of the VPC, with a route to an internet gateway',
    change: (mutant) => {
      mutant.add('Gateway', 'AWS::EC2::InternetGateway');
      mutant.add('PublicSubnet', 'AWS::EC2::Subnet', {
        VpcId: mutant.properties('AWS::EC2::SecurityGroup').VpcId,
        MapPublicIpOnLaunch: true,
        CidrBlock: '10.0.240.0/24',
      });
      mutant.add('PublicTable', 'AWS::EC2::RouteTable', {});
      mutant.add('PublicRoute', 'AWS::EC2::Route', {
        RouteTableId: { Ref: 'PublicTable' },
        DestinationCidrBlock: '0.0.0.0/0',
        GatewayId: { Ref: 'Gateway' },
      });
      mutant.add('PublicAssociation', 'AWS::EC2::SubnetRouteTableAssociation', {
        RouteTableId: { Ref: 'PublicTable' },
        SubnetId: { Ref: 'PublicSubnet' },
      });
    },
  },
  {
    name: "a client's task with LETTA_BASE_URL, a tag and a writable root",
    change: (mutant) =>
      mutant.add('Client', 'AWS::ECS::TaskDefinition', {
        RequiresCompatibilities: ['FARGATE'],
        ContainerDefinitions: [
          { Name: 'app', Image: 'node:24', Environment: [{ Name: 'LETTA_BASE_URL', Value: 'https://letta.corp' }] },
        ],
      }),
  },
  {
    name: "another workload's role, database, cache and bucket, open in every way",
    change: (mutant) => {
      mutant.add('Role', 'AWS::IAM::Role', {
        AssumeRolePolicyDocument: { Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }] },
        Policies: [{ PolicyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } }],
      });
      mutant.add('Database', 'AWS::RDS::DBInstance', { Engine: 'mysql', PubliclyAccessible: true, StorageType: 'gp2' });
      mutant.add('Cache', 'AWS::ElastiCache::ReplicationGroup', { Engine: 'redis', NumCacheClusters: 1 });
      mutant.add('Bucket', 'AWS::S3::Bucket');
      mutant.add('Logs', 'AWS::Logs::LogGroup');
    },
  },
  {
    name: 'a client whose own security group lets everything out may reach the load balancer',
    change: (mutant) => {
      mutant.add('ClientGroup', 'AWS::EC2::SecurityGroup', { GroupDescription: 'clients' });
      const balancer = mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').SecurityGroups[0];
      mutant.add('FromClients', 'AWS::EC2::SecurityGroupIngress', {
        GroupId: balancer,
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        SourceSecurityGroupId: { 'Fn::GetAtt': ['ClientGroup', 'GroupId'] },
      });
    },
  },
];

/** Other right ways to write the same thing. */
const SPELLINGS: Variation[] = [
  {
    name: 'a listener of HTTP that only redirects to HTTPS',
    change: (mutant) =>
      mutant.add('Redirect', 'AWS::ElasticLoadBalancingV2::Listener', {
        LoadBalancerArn: mutant.properties('AWS::ElasticLoadBalancingV2::Listener').LoadBalancerArn,
        Protocol: 'HTTP',
        Port: 80,
        DefaultActions: [
          { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } },
        ],
      }),
  },
  {
    name: 'the listener forwards by weights',
    change: (mutant) => {
      const listener = mutant.properties('AWS::ElasticLoadBalancingV2::Listener');
      const TargetGroupArn = listener.DefaultActions[0].TargetGroupArn;
      listener.DefaultActions = [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn, Weight: 1 }] } }];
    },
  },
  {
    name: 'images by digest in ECR',
    change: (mutant) => {
      mutant.container('gateway').Image = `${ECR}/gateway@${DIGEST}`;
      mutant.container('letta').Image = {
        'Fn::Join': [
          '',
          [{ Ref: 'AWS::AccountId' }, `.dkr.ecr.`, { Ref: 'AWS::Region' }, `.amazonaws.com/letta@${DIGEST}`],
        ],
      };
    },
  },
  {
    name: 'clients by address range and by prefix list',
    change: (mutant) => {
      const GroupId = mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').SecurityGroups[0];
      const https = { GroupId, IpProtocol: 'tcp', FromPort: 443, ToPort: 443 };
      mutant.add('Office', 'AWS::EC2::SecurityGroupIngress', { ...https, CidrIp: '10.0.0.0/8' });
      mutant.add('Offices', 'AWS::EC2::SecurityGroupIngress', { ...https, SourcePrefixListId: 'pl-0123456789abcdef0' });
      mutant.add('OfficeV6', 'AWS::EC2::SecurityGroupIngress', { ...https, CidrIpv6: 'fc00::/7' });
    },
  },
  {
    name: 'a peer allowed by its addresses on the other side',
    change: (mutant) => {
      const GroupId = mutant.taskGroup();
      mutant.add('Proxy', 'AWS::EC2::SecurityGroup', {
        GroupDescription: 'proxy',
        SecurityGroupEgress: [{ IpProtocol: 'icmp', FromPort: 252, ToPort: 86, CidrIp: '255.255.255.255/32' }],
        SecurityGroupIngress: [{ IpProtocol: 'tcp', FromPort: 3128, ToPort: 3128, CidrIp: '10.0.0.0/16' }],
      });
      mutant.add('ToProxy', 'AWS::EC2::SecurityGroupEgress', {
        GroupId,
        IpProtocol: 'tcp',
        FromPort: 3128,
        ToPort: 3128,
        DestinationSecurityGroupId: { 'Fn::GetAtt': ['Proxy', 'GroupId'] },
      });
    },
  },
  {
    name: 'a route to one address range by a transit gateway',
    change: (mutant) =>
      mutant.add('ToOffice', 'AWS::EC2::Route', {
        RouteTableId: mutant.properties('AWS::EC2::SubnetRouteTableAssociation').RouteTableId,
        DestinationCidrBlock: '10.20.0.0/16',
        TransitGatewayId: 'tgw-0123456789abcdef0',
      }),
  },
  {
    name: "an endpoint of a partner's service, which takes no policy",
    change: (mutant) =>
      mutant.add('Partner', 'AWS::EC2::VPCEndpoint', {
        VpcEndpointType: 'Interface',
        ServiceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0',
        VpcId: mutant.properties('AWS::EC2::SecurityGroup').VpcId,
      }),
  },
  {
    name: 'an S3 endpoint for the buckets of one account',
    change: (mutant) => {
      mutant.endpoint('s3').Properties.PolicyDocument.Statement.push({
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceAccount': ['111122223333'] } },
      });
    },
  },
  {
    name: 'endpoints for one organization',
    change: (mutant) => {
      mutant.endpoint('logs').Properties.PolicyDocument.Statement.forEach((statement: Properties) => {
        statement.Condition = { StringEquals: { 'aws:PrincipalOrgID': 'o-abcde12345' } };
      });
    },
  },
  {
    name: 'statements that deny, with everything in them',
    change: (mutant) => {
      mutant
        .statements()
        .push({ Effect: 'Deny', Action: '*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
      mutant
        .endpoint('logs')
        .Properties.PolicyDocument.Statement.push({ Effect: 'Deny', Principal: '*', Action: '*', Resource: '*' });
    },
  },
  {
    name: 'actions that no resource narrows',
    change: (mutant) =>
      mutant.statements().push({
        Effect: 'Allow',
        Action: [
          'xray:PutTraceSegments',
          'xray:PutTelemetryRecords',
          'sts:GetCallerIdentity',
          'cloudwatch:PutMetricData',
        ],
        Resource: '*',
      }),
  },
  {
    name: 'a wildcard that a condition narrows to what is called',
    change: (mutant) =>
      mutant.statements().push({
        Effect: 'Allow',
        Action: 'ecs:UpdateTaskProtection',
        Resource: '*',
        Condition: { ArnEquals: { 'ecs:cluster': 'arn:aws:ecs:us-east-1:111122223333:cluster/letta' } },
      }),
  },
  {
    name: 'a managed policy of the stack itself',
    change: (mutant) => {
      mutant.add('Traces', 'AWS::IAM::ManagedPolicy', {
        Roles: [{ Ref: mutant.role('TaskRoleArn') }],
        PolicyDocument: {
          Statement: [
            { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: 'arn:aws:sqs:us-east-1:111122223333:queue' },
          ],
        },
      });
    },
  },
  {
    name: 'variables that have names of secrets and are none',
    change: (mutant) => {
      mutant.variable('letta', 'LETTA_MAX_TOKENS', '4096');
      mutant.variable('letta', 'REDIS_PASSWORD', '');
      mutant.variable('gateway', 'OTHER_SECRET_ARN', mutant.apiPassword());
      mutant.variable('gateway', 'TOKEN', { Ref: 'AWS::StackName' });
    },
  },
  {
    name: 'a secret of the gateway',
    change: (mutant) => {
      mutant.container('gateway').Secrets = [{ Name: 'LICENCE', ValueFrom: mutant.apiPassword() }];
    },
  },
  {
    name: 'gateway and load balancer both speak TLS',
    change: (mutant) => {
      mutant.variable('gateway', 'GATEWAY_API_TLS', 'true');
      mutant.properties('AWS::ElasticLoadBalancingV2::TargetGroup').Protocol = 'HTTPS';
    },
  },
  {
    name: 'numbers and truths written as text',
    change: (mutant) => {
      const service = mutant.properties('AWS::ECS::Service');
      service.LoadBalancers[0].ContainerPort = String(service.LoadBalancers[0].ContainerPort);
      service.HealthCheckGracePeriodSeconds = String(service.HealthCheckGracePeriodSeconds);
      mutant.container('letta').ReadonlyRootFilesystem = 'true';
      Object.assign(mutant.properties('AWS::RDS::DBInstance'), {
        StorageEncrypted: 'true',
        PubliclyAccessible: 'false',
      });
    },
  },
  {
    name: 'the certificate by a parameter, the engine version by a condition',
    change: (mutant) => {
      mutant.properties('AWS::ElasticLoadBalancingV2::Listener').Certificates = [
        { CertificateArn: { Ref: 'Certificate' } },
      ];
      mutant.properties('AWS::ElastiCache::ReplicationGroup').EngineVersion = {
        'Fn::If': ['Old', { Ref: 'AWS::NoValue' }, '7.1'],
      };
    },
  },
  {
    name: 'Valkey',
    change: (mutant) => {
      Object.assign(mutant.properties('AWS::ElastiCache::ReplicationGroup'), {
        Engine: 'valkey',
        EngineVersion: '8.2',
      });
      mutant.properties('AWS::ElastiCache::UserGroup').Engine = 'valkey';
    },
  },
  {
    name: 'a model outside the default region by its profile for applications',
    change: (mutant) => {
      mutant.add('Profile', 'AWS::Bedrock::ApplicationInferenceProfile', {});
      mutant.statements().push({
        Effect: 'Allow',
        Action: 'bedrock:InvokeModel',
        Resource: { 'Fn::GetAtt': ['Profile', 'InferenceProfileArn'] },
      });
    },
  },
  {
    name: 'the service waits for its listener by way of a rule of it',
    change: (mutant) => {
      const service = mutant.find('AWS::ECS::Service');
      const listener = mutant.id(mutant.find('AWS::ElasticLoadBalancingV2::Listener'));
      mutant.add('Rule', 'AWS::ElasticLoadBalancingV2::ListenerRule', { ListenerArn: { Ref: listener }, Actions: [] });
      service.DependsOn = [service.DependsOn ?? [], 'Rule'].flat().filter((id) => id !== listener);
    },
  },
  {
    name: 'a database of Aurora',
    change: (mutant) => {
      const [id] = mutant.all('AWS::RDS::DBInstance')[0];
      const instance = mutant.properties('AWS::RDS::DBInstance');
      mutant.add('Cluster', 'AWS::RDS::DBCluster', {
        Engine: 'aurora-postgresql',
        EngineVersion: '16.6',
        StorageEncrypted: true,
        EnableIAMDatabaseAuthentication: true,
        DeletionProtection: true,
        StorageType: 'aurora-iopt1',
        VpcSecurityGroupIds: instance.VPCSecurityGroups,
      });
      mutant.find('AWS::RDS::DBInstance', (_resource, each) => each === id).Properties = {
        DBClusterIdentifier: { Ref: 'Cluster' },
        Engine: 'aurora-postgresql',
        DBInstanceClass: 'db.r7g.large',
      };
    },
  },
];

/** Ways around a rule's letter that keep to what it is for. */
const LAWFUL: Variation[] = [
  {
    name: 'DNS allows in one associated group and blocks in a later one',
    change: (mutant) => {
      const group = mutant.properties('AWS::Route53Resolver::FirewallRuleGroup');
      const block = group.FirewallRules.filter(({ Action }: Properties) => Action === 'BLOCK');
      group.FirewallRules = group.FirewallRules.filter(({ Action }: Properties) => Action !== 'BLOCK');
      mutant.add('Blocks', 'AWS::Route53Resolver::FirewallRuleGroup', { FirewallRules: block });
      mutant.add('BlocksToo', 'AWS::Route53Resolver::FirewallRuleGroupAssociation', {
        FirewallRuleGroupId: { 'Fn::GetAtt': ['Blocks', 'Id'] },
        VpcId: mutant.properties('AWS::Route53Resolver::FirewallRuleGroupAssociation').VpcId,
        Priority: 9000,
      });
    },
  },
  {
    name: 'a network load balancer ends TLS',
    change: (mutant) => networkBalancer(mutant, 'TLS'),
  },
  {
    name: 'a network load balancer passes TLS on to the gateway',
    change: (mutant) => {
      networkBalancer(mutant, 'TCP');
      mutant.variable('gateway', 'GATEWAY_API_TLS', 'true');
    },
  },
];

function networkBalancer(mutant: Mutant, protocol: string): void {
  mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Type = 'network';
  const listener = mutant.properties('AWS::ElasticLoadBalancingV2::Listener');
  listener.Protocol = protocol;
  if (protocol === 'TCP') ['Certificates', 'SslPolicy'].forEach((name) => delete listener[name]);
  const group = mutant.properties('AWS::ElasticLoadBalancingV2::TargetGroup');
  Object.assign(group, { Protocol: 'TCP', HealthCheckProtocol: 'TCP' });
  delete group.HealthCheckPath;
}

/** Changes that must not be found, one at a time. */
export const VARIATIONS: Variation[] = [...NEIGHBOURS, ...SPELLINGS, ...LAWFUL];
