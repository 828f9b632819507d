import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

/** What a template says only if a condition holds, or does not. */
const either = (condition: string, yes: unknown, no: unknown): Properties => ({ 'Fn::If': [condition, yes, no] });

const is = (parameter: string, value: string): Properties => ({ 'Fn::Equals': [{ Ref: parameter }, value] });

const isProduction = (mutant: Mutant): void => {
  mutant.declare('Parameters', 'Stage', { Type: 'String', Default: 'production' });
  mutant.declare('Conditions', 'IsProduction', is('Stage', 'production'));
};

function egress(mutant: Mutant, CidrIp: unknown): void {
  const GroupId = mutant.taskGroup();
  mutant.add('Out', 'AWS::EC2::SecurityGroupEgress', {
    GroupId,
    IpProtocol: 'tcp',
    FromPort: 443,
    ToPort: 443,
    CidrIp,
  });
}

const everything = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const allowsEverything = [
  'database-login-as-anybody',
  'wildcard-action',
  'task-role-reads-other-secret',
  'undeclared-model',
];

function balancer(mutant: Mutant): Properties {
  return mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer');
}

const TASK_RULES = [
  'capabilities-kept',
  'image-outside-ecr',
  'image-without-digest',
  'letta-not-on-loopback',
  'letta-sees-task-role',
  'runs-as-root',
  'writable-root',
];

/** The server as its makers ship it, in place of Letta behind the gateway. */
function stock(mutant: Mutant, container: Properties): void {
  mutant.add('Stock', 'AWS::ECS::TaskDefinition', {
    RequiresCompatibilities: ['FARGATE'],
    ExecutionRoleArn: mutant.task().Properties.ExecutionRoleArn,
    ContainerDefinitions: [
      {
        Name: 'server',
        LogConfiguration: { LogDriver: 'none' },
        PortMappings: [{ ContainerPort: 8283 }],
        ...container,
      },
    ],
  });
}

const ECR = '111122223333.dkr.ecr.us-east-1.amazonaws.com';

/** Faults that are told by how a template is read: conditions, parameters, names, negations, ids. */
export const READING_FAULTS: InjectedFault[] = [
  {
    rule: 'public-load-balancer',
    name: 'the load balancer is public unless a condition holds',
    inject: (mutant) => {
      isProduction(mutant);
      balancer(mutant).Scheme = either('IsProduction', 'internal', 'internet-facing');
    },
  },
  {
    rule: 'public-load-balancer',
    name: 'the scheme is left out if a condition holds',
    inject: (mutant) => {
      isProduction(mutant);
      balancer(mutant).Scheme = either('IsProduction', { Ref: 'AWS::NoValue' }, 'internal');
    },
  },
  {
    rule: 'public-load-balancer',
    name: 'a parameter without another value makes the load balancer public',
    inject: (mutant) => {
      mutant.declare('Parameters', 'Scheme', { Type: 'String', Default: 'internet-facing' });
      balancer(mutant).Scheme = { Ref: 'Scheme' };
    },
  },
  {
    rule: 'public-address',
    name: 'the tasks get public addresses in one case of two nested conditions',
    inject: (mutant) => {
      isProduction(mutant);
      mutant.declare('Conditions', 'IsTrial', is('Trial', 'yes'));
      mutant.properties('AWS::ECS::Service').NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = either(
        'IsProduction',
        either('IsTrial', 'DISABLED', 'ENABLED'),
        'DISABLED',
      );
    },
  },
  {
    rule: 'public-address',
    name: 'one of ten conditions gives the tasks public addresses',
    inject: (mutant) => {
      const names = Array.from({ length: 10 }, (_none, index) => `Case${index}`);
      names.forEach((name) => mutant.declare('Conditions', name, is(`Of${name}`, 'yes')));
      const last = either(names[9], either(names[0], 'DISABLED', 'ENABLED'), 'DISABLED');
      const { AwsvpcConfiguration: network } = mutant.properties('AWS::ECS::Service').NetworkConfiguration;
      network.AssignPublicIp = last;
      names.slice(1, 9).forEach((name) => mutant.variable('gateway', `OF_${name}`, either(name, 'one', 'other')));
    },
  },
  {
    rule: 'open-egress',
    name: 'the egress rules of the tasks are others unless a condition holds',
    inject: (mutant) => {
      isProduction(mutant);
      const group = mutant.properties('AWS::EC2::SecurityGroup', ({ Properties: { GroupDescription: text } }) =>
        /^Tasks/.test(text),
      );
      const open = [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }];
      group.SecurityGroupEgress = either('IsProduction', group.SecurityGroupEgress, open);
    },
  },
  {
    rule: 'open-egress',
    name: 'a rule that is made only if a condition holds',
    inject: (mutant) => {
      mutant.declare('Conditions', 'IsTrial', { 'Fn::Not': [is('Trial', 'no')] });
      egress(mutant, '0.0.0.0/0');
      Object.assign(
        mutant.find('AWS::EC2::SecurityGroupEgress', (_rule, id) => id === 'Out'),
        {
          Condition: 'IsTrial',
        },
      );
    },
  },
  {
    rule: 'dns-unfiltered',
    name: 'the DNS Firewall is associated only if a condition holds',
    inject: (mutant) => {
      isProduction(mutant);
      Object.assign(mutant.find('AWS::Route53Resolver::FirewallRuleGroupAssociation'), { Condition: 'IsProduction' });
    },
  },
  {
    rule: 'open-egress',
    name: 'an address range by Fn::Select and Fn::Split',
    inject: (mutant) => egress(mutant, { 'Fn::Select': ['1', { 'Fn::Split': [',', '10.0.0.0/8,0.0.0.0/0'] }] }),
  },
  {
    rule: 'open-egress',
    name: "an address range of a parameter's list",
    inject: (mutant) => {
      mutant.declare('Parameters', 'Ranges', { Type: 'CommaDelimitedList', Default: '10.0.0.0/8, 0.0.0.0/0' });
      egress(mutant, { 'Fn::Select': [1, { Ref: 'Ranges' }] });
    },
  },
  {
    rule: 'undeclared-model',
    name: "a model by a parameter's default",
    inject: (mutant) => {
      const Default = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0';
      mutant.declare('Parameters', 'Model', { Type: 'String', Default });
      mutant.statements().push({ Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: { Ref: 'Model' } });
    },
  },
  {
    rule: 'wildcard-resource',
    name: 'a policy of the type that is for one role',
    also: allowsEverything,
    inject: (mutant) =>
      mutant.add('Everything', 'AWS::IAM::RolePolicy', {
        PolicyName: 'everything',
        RoleName: { Ref: mutant.role('TaskRoleArn') },
        PolicyDocument: everything,
      }),
  },
  {
    rule: 'wildcard-resource',
    name: 'a policy that names the role by its literal name',
    also: allowsEverything,
    inject: (mutant) => {
      const id = mutant.role('TaskRoleArn');
      mutant.properties('AWS::IAM::Role', (_role, each) => each === id).RoleName = 'letta-task';
      mutant.add('Everything', 'AWS::IAM::Policy', { Roles: ['letta-task'], PolicyDocument: everything });
    },
  },
  {
    rule: 'wildcard-resource',
    name: "a policy of the app for another's role, by which the tasks work",
    also: allowsEverything,
    inject: (mutant) => {
      mutant.task().Properties.TaskRoleArn = 'arn:aws:iam::111122223333:role/agents/letta-task';
      mutant.add('Everything', 'AWS::IAM::Policy', { Roles: ['letta-task'], PolicyDocument: everything });
    },
  },
  {
    rule: 'wildcard-action',
    name: 'the task role may do all but one thing',
    also: [...allowsEverything.filter((rule) => rule !== 'wildcard-action'), 'wildcard-resource'],
    inject: (mutant) => mutant.statements().push({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }),
  },
  {
    rule: 'wildcard-resource',
    name: 'the task role may read all objects but one',
    inject: (mutant) =>
      mutant.statements().push({ Effect: 'Allow', Action: 's3:GetObject', NotResource: 'arn:aws:s3:::one/*' }),
  },
  {
    rule: 'endpoint-every-action',
    name: 'an endpoint allows all actions but one',
    inject: (mutant) => {
      const [statement] = mutant.endpoint('secretsmanager').Properties.PolicyDocument.Statement;
      delete statement.Action;
      statement.NotAction = 'secretsmanager:DeleteSecret';
    },
  },
  {
    rule: 'endpoint-for-everybody',
    name: 'an endpoint is for all principals but one',
    inject: (mutant) => {
      const [statement] = mutant.endpoint('logs').Properties.PolicyDocument.Statement;
      delete statement.Principal;
      delete statement.Condition;
      statement.NotPrincipal = { AWS: 'arn:aws:iam::111122223333:user/one' };
    },
  },
  {
    rule: 'endpoint-any-bucket',
    name: 'the S3 endpoint is for all buckets but one',
    inject: (mutant) =>
      mutant.endpoint('s3').Properties.PolicyDocument.Statement.push({
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:PutObject',
        NotResource: 'arn:aws:s3:::one/*',
        Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } },
      }),
  },
  {
    rule: 'endpoint-for-everybody',
    name: 'a condition that lets requests without its key pass',
    inject: (mutant) =>
      mutant.endpoint('logs').Properties.PolicyDocument.Statement.forEach((statement: Properties) => {
        statement.Condition = { 'ForAllValues:StringLike': { 'aws:PrincipalOrgPaths': 'o-a1b2c3d4e5/*' } };
      }),
  },
  {
    rule: 'endpoint-without-policy',
    name: 'an endpoint of an existing VPC has no policy',
    of: 'existing',
    inject: (mutant) => delete mutant.endpoint('bedrock-runtime').Properties.PolicyDocument,
  },
  {
    rule: 'open-ingress',
    name: 'an endpoint of an existing VPC is open to the internet',
    of: 'existing',
    inject: (mutant) =>
      mutant.add('In', 'AWS::EC2::SecurityGroupIngress', {
        GroupId: mutant.endpoint('bedrock-runtime').Properties.SecurityGroupIds[0],
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        CidrIp: '0.0.0.0/0',
      }),
  },
  {
    rule: 'endpoint-without-policy',
    name: 'an endpoint that is only told by the subnets of the tasks',
    of: 'existing',
    inject: (mutant) =>
      mutant.add('Other', 'AWS::EC2::VPCEndpoint', {
        VpcId: { 'Fn::ImportValue': 'vpc' },
        VpcEndpointType: 'Interface',
        ServiceName: 'com.amazonaws.us-east-1.sqs',
        SubnetIds: ['subnet-0aaaaaaaaaaaaaaaa'],
      }),
  },
  {
    rule: 'endpoint-without-policy',
    name: "an endpoint that is only told by its security group, a peer of the tasks'",
    of: 'existing',
    inject: (mutant) => {
      const endpoint = mutant.endpoint('bedrock-runtime').Properties;
      endpoint.VpcId = { 'Fn::ImportValue': 'vpc' };
      delete endpoint.SubnetIds;
      delete endpoint.PolicyDocument;
    },
  },
  {
    rule: 'exec-enabled',
    name: 'a service that names its task definition by the family',
    inject: (mutant) => {
      mutant.task().Properties.Family = 'letta';
      Object.assign(mutant.properties('AWS::ECS::Service'), { TaskDefinition: 'letta:3', EnableExecuteCommand: true });
    },
  },
  {
    rule: 'letta-without-gateway',
    name: 'the image of Letta without a tag',
    also: TASK_RULES,
    inject: (mutant) => stock(mutant, { Image: 'letta/letta' }),
  },
  {
    rule: 'letta-without-gateway',
    name: "the image of Letta with a variable of the gateway's",
    also: TASK_RULES,
    inject: (mutant) =>
      stock(mutant, { Image: 'letta/letta:0.16.7', Environment: [{ Name: 'GATEWAY_LISTENERS', Value: '[]' }] }),
  },
  {
    rule: 'letta-without-gateway',
    name: "a copy of Letta that is told by the secrets' names",
    also: [...TASK_RULES.filter((rule) => rule !== 'image-outside-ecr'), 'letta-has-secret'],
    inject: (mutant) =>
      stock(mutant, {
        Image: `${ECR}/agents:1`,
        Secrets: [{ Name: 'LETTA_PG_URI', ValueFrom: mutant.apiPassword() }],
      }),
  },
  {
    rule: 'letta-without-gateway',
    name: "a copy of Letta that is told by its image and Letta's port",
    also: TASK_RULES.filter((rule) => rule !== 'image-outside-ecr'),
    inject: (mutant) => stock(mutant, { Image: `${ECR}/mirror/letta:latest` }),
  },
  {
    rule: 'letta-without-gateway',
    name: 'Letta as it is shipped, unless a condition holds',
    also: TASK_RULES,
    inject: (mutant) => {
      isProduction(mutant);
      stock(mutant, { Image: 'letta/letta:0.16.7' });
      const task = mutant.properties('AWS::ECS::TaskDefinition', (_task, id) => id === 'Stock');
      task.ContainerDefinitions = either('IsProduction', [{ Name: 'web', Image: 'nginx' }], task.ContainerDefinitions);
    },
  },
];
