import { Properties } from '../../lib/checks/template';
import { Mutant } from './mutant';
import type { Variation } from './variation';

const equals = (parameter: string, value: string): Properties => ({ 'Fn::Equals': [{ Ref: parameter }, value] });

function isStage(mutant: Mutant, ...stages: string[]): void {
  mutant.declare('Parameters', 'Stage', { Type: 'String', Default: stages[0] });
  stages.forEach((stage) => mutant.declare('Conditions', `Is${stage}`, equals('Stage', stage)));
}

const PUBLIC = 'internet-facing';

/** Templates that are right in every case in which they can be deployed, if they are read as CloudFormation reads them. */
export const READING_VARIATIONS: Variation[] = [
  {
    name: 'a case that cannot be: two values of one parameter',
    change: (mutant) => {
      isStage(mutant, 'One', 'Two');
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = {
        'Fn::If': ['IsOne', { 'Fn::If': ['IsTwo', PUBLIC, 'internal'] }, 'internal'],
      };
    },
  },
  {
    name: 'a case that cannot be: a condition and its opposite',
    change: (mutant) => {
      isStage(mutant, 'One');
      mutant.declare('Conditions', 'IsOther', { 'Fn::Not': [{ Condition: 'IsOne' }] });
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = {
        'Fn::If': ['IsOne', 'internal', { 'Fn::If': ['IsOther', 'internal', PUBLIC] }],
      };
    },
  },
  {
    name: 'a case that cannot be: a value that the parameter does not allow',
    change: (mutant) => {
      mutant.declare('Parameters', 'Stage', { Type: 'String', AllowedValues: ['test', 'production'] });
      mutant.declare('Conditions', 'IsKnown', {
        'Fn::Or': [equals('Stage', 'test'), equals('Stage', 'production')],
      });
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = {
        'Fn::If': ['IsKnown', 'internal', PUBLIC],
      };
    },
  },
  {
    name: 'a case that cannot be: another region',
    of: 'guarded',
    change: (mutant) => {
      mutant.declare('Conditions', 'IsHere', equals('AWS::Region', 'us-east-1'));
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = {
        'Fn::If': ['IsHere', 'internal', PUBLIC],
      };
    },
  },
  {
    name: 'a parameter that a condition holds to its value',
    change: (mutant) => {
      mutant.declare('Parameters', 'Scheme', { Type: 'String', Default: PUBLIC });
      mutant.declare('Conditions', 'IsInternal', equals('Scheme', 'internal'));
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = {
        'Fn::If': ['IsInternal', { Ref: 'Scheme' }, 'internal'],
      };
    },
  },
  {
    name: 'resources that are made together, or not at all',
    change: (mutant) => {
      isStage(mutant, 'One');
      mutant.add('ClientGroup', 'AWS::EC2::SecurityGroup', { GroupDescription: 'clients' });
      mutant.add('FromClients', 'AWS::EC2::SecurityGroupIngress', {
        GroupId: mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').SecurityGroups[0],
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        SourceSecurityGroupId: { 'Fn::GetAtt': ['ClientGroup', 'GroupId'] },
      });
      for (const id of ['ClientGroup', 'FromClients']) {
        const [, resource] = [
          ...mutant.all('AWS::EC2::SecurityGroup'),
          ...mutant.all('AWS::EC2::SecurityGroupIngress'),
        ].find(([each]) => each === id)!;
        Object.assign(resource, { Condition: 'IsOne' });
      }
    },
  },
  {
    name: 'a parameter whose default is the name of a parameter of Systems Manager',
    change: (mutant) => {
      mutant.declare('Parameters', 'Scheme', { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/letta/scheme' });
      mutant.properties('AWS::ElasticLoadBalancingV2::LoadBalancer').Scheme = { Ref: 'Scheme' };
    },
  },
  {
    name: 'endpoints for a part of the organization',
    change: (mutant) => {
      mutant.endpoint('secretsmanager').Properties.PolicyDocument.Statement.forEach((statement: Properties) => {
        statement.Condition = { 'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': 'o-a1b2c3d4e5/r-ab12/ou-1/*' } };
      });
      mutant.endpoint('s3').Properties.PolicyDocument.Statement.push({
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::*',
        Condition: { 'ForAnyValue:StringLike': { 'aws:ResourceOrgPaths': 'o-a1b2c3d4e5/r-ab12/*' } },
      });
    },
  },
  {
    name: 'a statement that denies all but one action to everybody',
    change: (mutant) =>
      mutant.endpoint('secretsmanager').Properties.PolicyDocument.Statement.push({
        Effect: 'Deny',
        Principal: '*',
        NotAction: 'secretsmanager:GetSecretValue',
        NotResource: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:one',
      }),
  },
  {
    name: 'egress that is closed as in the documentation of AWS',
    change: (mutant) => {
      const group = mutant.properties('AWS::EC2::SecurityGroup', ({ Properties: { GroupDescription: text } }) =>
        /^Tasks/.test(text),
      );
      group.SecurityGroupEgress = [{ IpProtocol: '-1', CidrIp: '127.0.0.1/32' }];
    },
  },
  {
    name: "the password granted by its secret's name",
    change: (mutant) => {
      const secret = mutant.apiPassword().Ref;
      mutant.properties('AWS::SecretsManager::Secret', (_secret, id) => id === secret).Name = 'letta-api';
      mutant.statement('secretsmanager:GetSecretValue').Resource =
        'arn:aws:secretsmanager:us-east-1:111122223333:secret:letta-api-??????';
    },
  },
  {
    name: 'a role whose permissions are managed outside of the app',
    change: (mutant) => {
      const id = mutant.role('TaskRoleArn');
      mutant.properties('AWS::IAM::Role', (_role, each) => each === id).ManagedPolicyArns = [
        'arn:aws:iam::111122223333:policy/LettaTask',
      ];
      const statements = mutant.statements();
      statements.splice(0, statements.length);
    },
  },
  {
    name: "another's role, to which the app adds one permission",
    change: (mutant) => {
      mutant.task().Properties.TaskRoleArn = 'arn:aws:iam::111122223333:role/agents/letta-task';
      mutant.add('Queue', 'AWS::IAM::Policy', {
        Roles: ['letta-task'],
        PolicyDocument: {
          Statement: [
            { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: 'arn:aws:sqs:us-east-1:111122223333:queue' },
          ],
        },
      });
    },
  },
  {
    name: 'variables that name a secret, or a token of a model',
    change: (mutant) => {
      mutant.variable('gateway', 'SECRET_ID', 'letta/api-password');
      mutant.variable('letta', 'LETTA_PAD_TOKEN', 'cl100k_base');
    },
  },
  {
    name: 'an interface endpoint of S3 without private DNS beside the gateway',
    change: (mutant) => {
      const { VpcId, PolicyDocument } = mutant.endpoint('s3').Properties;
      mutant.add('Interface', 'AWS::EC2::VPCEndpoint', {
        VpcId,
        PolicyDocument,
        VpcEndpointType: 'Interface',
        ServiceName: 'com.amazonaws.us-east-1.s3',
        PrivateDnsEnabled: false,
      });
    },
  },
  {
    name: "another VPC's endpoint without a policy",
    of: 'existing',
    change: (mutant) =>
      mutant.add('Elsewhere', 'AWS::EC2::VPCEndpoint', {
        VpcId: 'vpc-0fedcba9876543210',
        ServiceName: 'com.amazonaws.us-east-1.sqs',
        SubnetIds: ['subnet-0cccccccccccccccc'],
      }),
  },
  {
    name: 'a client whose image has the name of Letta and another port',
    change: (mutant) =>
      mutant.add('Client', 'AWS::ECS::TaskDefinition', {
        ContainerDefinitions: [{ Name: 'app', Image: 'corp/letta:1', PortMappings: [{ ContainerPort: 8080 }] }],
      }),
  },
  {
    name: "another workload's role and policy by a literal name",
    change: (mutant) => {
      mutant.add('Other', 'AWS::IAM::Role', { RoleName: 'other' });
      mutant.add('OtherPolicy', 'AWS::IAM::Policy', {
        Roles: ['other'],
        PolicyDocument: { Statement: [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }] },
      });
    },
  },
];
