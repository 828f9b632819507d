import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Stack } from 'aws-cdk-lib';
import { LettaBedrockStack, WebAcl } from '../../lib';
import { reportFigure } from '../gate/figures';
import { Deployment } from './deployment';
import { defaultDeployment, enterpriseDeployment, hardenedDeployment, pathApp } from './deployments';
import { isResolved } from './name-resolution';
import { Reachability } from './reachability';

const S3 = 'S3 by lab-NetworkS3PrefixListLookup20561054-PrefixListId:443';
const AWS = ['bedrock', 'bedrock-runtime', 'ecr.api', 'ecr.dkr', 'logs', 'secretsmanager'];
const endpoints = (...services: string[]): string[] => services.map((service) => `endpoint ${service}:443`);

/** From each thing with an address in the VPC, all that its packets reach. */
const REACHED: Record<string, string[]> = {
  'Service/Service/Service': ['Cache:6379', 'Database/Instance:5432', S3, ...endpoints(...AWS)],
  'Service/Migration/Resource': ['Database/Instance:5432', S3, ...endpoints('ecr.api', 'ecr.dkr', 'logs')],
  'Database/Setup/Step/Function': ['Database/Instance:5432', ...endpoints('secretsmanager')],
  'Service/LoadBalancer/Resource': ['Service/Service/Service:8283'],
  'Database/Instance': [],
  Cache: [],
  ...Object.fromEntries(AWS.map((service) => [`endpoint ${service}`, []])),
};

/** Functions of the deployment that stand outside every VPC: they call AWS's API, and hold no data. */
const OUTSIDE = [
  'Custom::VpcRestrictDefaultSGCustomResourceProvider/Handler',
  'Database/Setup/Step/Provider/framework-onEvent',
  'Network/Default/S3PrefixList/Lookup/Function',
  'Network/Default/S3PrefixList/Lookup/Provider/framework-onEvent',
  'Service/Migration/IsComplete',
  'Service/Migration/OnEvent',
  'Service/Migration/Provider/framework-isComplete',
  'Service/Migration/Provider/framework-onEvent',
  'Service/Migration/Provider/framework-onTimeout',
];

let flows = 0;
const reached = (reachability: Reachability): Record<string, string[]> =>
  Object.fromEntries(reachability.workloads.map((workload) => [workload.name, reachability.from(workload)]));
const sorted = (table: Record<string, string[]>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(table).map(([name, to]) => [name, [...to].sort()]));
const into = (reachability: Reachability, name: string): string[] =>
  reachability.into(reachability.workloads.find((workload) => workload.name === name)!);

describe.each<[string, Deployment, string[]]>([
  ['default', defaultDeployment(), []],
  ['enterprise', enterpriseDeployment(), ['10.20.0.0/16:443']],
  ['hardened', hardenedDeployment(), []],
])('in the %s stack', (_, deployment, clients) => {
  const reachability = new Reachability(deployment);

  test('each address reaches just what the table says', () => {
    flows += Object.values(reached(reachability)).flat().length;
    expect(reached(reachability)).toEqual(sorted(REACHED));
  });

  test('the load balancer is reached by the named clients alone, the task by the load balancer alone, the migration by nobody', () => {
    expect(into(reachability, 'Service/LoadBalancer/Resource')).toEqual(clients);
    expect(into(reachability, 'Service/Service/Service')).toEqual(['Service/LoadBalancer/Resource']);
    expect(into(reachability, 'Service/Migration/Resource')).toEqual([]);
  });

  test('the database is reached by the tasks and the set-up function, the cache by the service alone', () => {
    const tasks = ['Service/Migration/Resource', 'Service/Service/Service'];
    expect(into(reachability, 'Database/Instance')).toEqual(['Database/Setup/Step/Function', ...tasks]);
    expect(into(reachability, 'Cache')).toEqual(['Service/Service/Service']);
  });

  test('subnets lead to the VPC and to the gateway of S3, and give nobody a public address', () => {
    for (const subnet of deployment.ofType('AWS::EC2::Subnet')) {
      expect(reachability.routes(String(subnet.template.resolve({ Ref: subnet.id })))).toEqual(['the gateway of s3']);
      expect(deployment.properties(subnet)).toMatchObject({ MapPublicIpOnLaunch: false });
    }
    const doors = /InternetGateway|NatGateway|TransitGateway|VPCPeering|VPNGateway|CarrierGateway|EIP$/;
    expect(deployment.resources.filter(({ resource }) => doors.test(resource.Type))).toEqual([]);
  });

  test('every flow is allowed on both sides, or on none', () => {
    expect(reachability.halfOpen()).toEqual([]);
  });

  test('nobody uses the default security group, which is emptied', () => {
    const group = deployment.attribute('AWS::EC2::VPC', 'Vpc', 'DefaultSecurityGroup');
    expect(reachability.workloads.filter(({ groups }) => groups.includes(group))).toEqual([]);
    expect(reachability.workloads.filter(({ groups }) => groups.length === 0)).toEqual([]);
    const [emptied] = deployment.ofType('Custom::VpcRestrictDefaultSG');
    expect(deployment.properties(emptied)).toMatchObject({ DefaultSecurityGroupId: group });
  });

  test('functions outside the VPC are those of the deployment', () => {
    expect([...reachability.outside].sort()).toEqual(OUTSIDE);
  });
});

describe('names', () => {
  const deployment = defaultDeployment();

  test.each([
    'api.ecr.us-east-1.amazonaws.com',
    '111122223333.dkr.ecr.us-east-1.amazonaws.com',
    'prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com',
    'logs.us-east-1.amazonaws.com',
    'secretsmanager.us-east-1.amazonaws.com',
    'bedrock.us-east-1.amazonaws.com',
    'bedrock-runtime.us-east-1.amazonaws.com',
    'letta.c0ffee123456.us-east-1.rds.amazonaws.com',
    'master.cache.c0ffee.use1.cache.amazonaws.com',
    'ip-10-0-0-7.ec2.internal',
  ])('%s is answered', (name) => expect(isResolved(deployment, name)).toBe(true));

  test.each([
    'exfiltration.example.com',
    'c2VjcmV0.attacker.net',
    'example.com',
    'amazonaws.com',
    'amazonaws.com.attacker.net',
    'exfiltration.s3.us-east-1.amazonaws.com',
    'exfiltration.s3.amazonaws.com',
    's3.us-east-1.amazonaws.com',
    'exfiltration.s3-website-us-east-1.amazonaws.com',
    'abc.execute-api.us-east-1.amazonaws.com',
    'abc.lambda-url.us-east-1.on.aws',
    'd111111abcdef8.cloudfront.net',
    'sqs.us-east-1.amazonaws.com',
    'sts.amazonaws.com',
    'kms.us-east-1.amazonaws.com',
    'bedrock-runtime.us-west-2.amazonaws.com',
    'secretsmanager.eu-west-1.amazonaws.com',
    'api.openai.com',
    'pypi.org',
  ])('%s does not exist', (name) => expect(isResolved(deployment, name)).toBe(false));
});

describe('what a team changes', () => {
  const deploy = (change: (stack: LettaBedrockStack) => void, props: object = {}): Reachability => {
    const app = pathApp();
    const stack = new LettaBedrockStack(app, 'Letta', { http: true, ...props });
    change(stack);
    return new Reachability(new Deployment({ app, stacks: [stack], region: 'us-east-1' }));
  };

  test('`allowFrom` a range lets it in, and nothing else changes', () => {
    const reachability = deploy((stack) => stack.service.allowFrom(ec2.Peer.ipv4('192.168.7.0/24')));
    expect(into(reachability, 'Service/LoadBalancer/Resource')).toEqual(['192.168.7.0/24:80']);
    expect(reached(reachability)).toEqual(sorted(REACHED));
  });

  test("`allowFrom` a group lets in who is in it, and the group's owner opens the other side", () => {
    const reachability = deploy((stack) =>
      stack.service.allowFrom(ec2.SecurityGroup.fromSecurityGroupId(stack, 'Clients', 'sg-0aaaaaaaaaaaaaaaa')),
    );
    expect(into(reachability, 'Service/LoadBalancer/Resource')).toEqual(['sg-0aaaaaaaaaaaaaaaa:80']);
    expect(reached(reachability)).toEqual(sorted(REACHED));
  });

  test('a web ACL opens nothing', () => {
    expect(reached(deploy(() => undefined, { webAcl: WebAcl.managed() }))).toEqual(sorted(REACHED));
  });

  test('an egress rule to everywhere leads nowhere while the subnets have no way out', () => {
    const open = (stack: LettaBedrockStack): void =>
      stack.service.connections.allowTo(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'everywhere');
    expect(reached(deploy(open))['Service/Service/Service']).toEqual(sorted(REACHED)['Service/Service/Service']);
  });

  test('a route to the internet is seen as soon as a rule uses it', () => {
    const reachability = deploy((stack) => {
      stack.service.connections.allowTo(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'everywhere');
      const gateway = new ec2.CfnInternetGateway(stack, 'Gateway');
      stack.network!.vpc.isolatedSubnets.forEach((subnet, index) => {
        new ec2.CfnRoute(stack, `Out${index}`, {
          routeTableId: subnet.routeTable.routeTableId,
          destinationCidrBlock: '0.0.0.0/0',
          gatewayId: gateway.ref,
        });
      });
    });
    expect(reached(reachability)['Service/Service/Service']).toContain('0.0.0.0/0:443');
    expect(reached(reachability)['Database/Instance']).toEqual([]);
  });

  test('a rule between two workloads that only one side has leads nowhere, and is named', () => {
    const reachability = deploy((stack) => {
      const [from] = stack.cache.connections.securityGroups;
      const [to] = stack.database.connections.securityGroups;
      new ec2.CfnSecurityGroupEgress(stack, 'HalfOpen', {
        ...{ groupId: from.securityGroupId, destinationSecurityGroupId: to.securityGroupId },
        ...{ ipProtocol: 'tcp', fromPort: 5432, toPort: 5432 },
      });
    });
    expect(reached(reachability).Cache).toEqual([]);
    expect(reachability.halfOpen()).toHaveLength(1);
  });
});

describe('in a VPC of a team', () => {
  const app = pathApp();
  const shared = new Stack(app, 'Shared', { env: { account: '111122223333', region: 'us-east-1' } });
  const vpc = ec2.Vpc.fromVpcAttributes(shared, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    vpcCidrBlock: '10.0.0.0/16',
    availabilityZones: ['us-east-1a', 'us-east-1b'],
    isolatedSubnetIds: ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
    isolatedSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaaa', 'rtb-0bbbbbbbbbbbbbbbb'],
  });
  const stack = new LettaBedrockStack(app, 'Letta', {
    ...{ env: { account: '111122223333', region: 'us-east-1' }, http: true, vpc },
  });
  const theirs = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-0cccccccccccccccc');
  stack.service.connections.allowTo(theirs, ec2.Port.tcp(443), "the team's endpoints");
  const reachability = new Reachability(new Deployment({ app, stacks: [stack], region: 'us-east-1' }));

  test('the task reaches the stores and what it was let to, whatever routes the subnets have', () => {
    expect(reached(reachability)['Service/Service/Service']).toEqual([
      'Cache:6379',
      'Database/Instance:5432',
      'sg-0cccccccccccccccc:443',
    ]);
    expect(reached(reachability)['Service/Migration/Resource']).toEqual(['Database/Instance:5432']);
    expect(reached(reachability)['Service/LoadBalancer/Resource']).toEqual(
      sorted(REACHED)['Service/LoadBalancer/Resource'],
    );
    expect(reached(reachability)['Database/Instance']).toEqual([]);
  });
});

afterAll(() => reportFigure('flows', flows));
