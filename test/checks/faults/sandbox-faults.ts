import { Properties } from '../../../lib/checks/template';
import { addSandbox, tellGateway } from '../hand-made-sandbox';
import { MutableResource, Mutant } from '../mutant';
import { InjectedFault } from './fault';

const settings = { kind: 'function', timeoutSeconds: 60, maxRunsPerAgent: 4, allowedEndpoints: [] };
const tools = ({ Properties }: MutableResource): boolean => Properties.TenancyConfig !== undefined;
const sandbox = (mutant: Mutant): Properties => mutant.properties('AWS::Lambda::Function', tools);
const group = (mutant: Mutant): Properties =>
  mutant.properties('AWS::EC2::SecurityGroup', ({ Properties }) => Properties.GroupDescription === 'tools');
const statements = (mutant: Mutant): Properties[] =>
  mutant.properties('AWS::IAM::Policy', (_policy, id) => id === 'ToolsPolicy').PolicyDocument.Statement;
const refusal = (mutant: Mutant): Properties => statements(mutant).find(({ Effect }) => Effect === 'Deny')!;

/** A function that a tool may call, and how the statements say so. */
const PAYROLL = 'arn:aws:lambda:us-east-1:111122223333:function:payroll';

const FAULTS: InjectedFault[] = [
  {
    rule: 'tools-past-sandbox',
    name: 'Letta keeps no loopback: tools go to E2B',
    inject: (mutant) => mutant.variable('letta', 'E2B_DEBUG', 'false'),
  },
  {
    rule: 'tools-past-sandbox',
    name: 'Letta has no key of E2B, so it runs tools itself',
    inject: (mutant) => mutant.variable('letta', 'E2B_API_KEY', undefined),
  },
  {
    rule: 'tools-past-sandbox',
    name: 'the gateway does not listen as a sandbox',
    inject: (mutant) => mutant.variable('gateway', 'GATEWAY_LISTENERS', 'api,aws,ollama,cache,egress,database'),
  },
  {
    rule: 'tools-in-both',
    name: 'the routes of the Letta container are open as well',
    inject: (mutant) => mutant.variable('gateway', 'GATEWAY_OPEN_ROUTES', 'customTools,unsafeToolsInLettaContainer'),
  },
  {
    rule: 'sandbox-on-network',
    name: 'the function is outside of every VPC',
    inject: (mutant) => delete sandbox(mutant).VpcConfig,
  },
  {
    rule: 'sandbox-on-network',
    name: 'a code interpreter with the internet',
    inject: (mutant) => interpreter(mutant, 'PUBLIC'),
  },
  {
    rule: 'sandbox-way-out',
    name: 'tools reach everything',
    also: ['open-egress'],
    inject: (mutant) => {
      group(mutant).SecurityGroupEgress = [{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' }];
    },
  },
  {
    rule: 'sandbox-way-out',
    name: 'the group has no rule of its own',
    also: ['open-egress'],
    inject: (mutant) => delete group(mutant).SecurityGroupEgress,
  },
  {
    rule: 'sandbox-way-out',
    name: 'tools reach the addresses of the VPC',
    inject: (mutant) => {
      group(mutant).SecurityGroupEgress = [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, CidrIp: '10.0.0.0/16' }];
    },
  },
  {
    rule: 'sandbox-way-out',
    name: 'tools reach the API of the tasks',
    inject: (mutant) => connect(mutant, mutant.taskGroup(), 8283),
  },
  {
    rule: 'sandbox-way-out',
    name: "tools reach the gateway's proxy, and no endpoint is allowed",
    inject: (mutant) => connect(mutant, mutant.taskGroup(), 3129),
  },
  {
    rule: 'sandbox-way-out',
    name: 'tools reach Lambda, and no function is allowed',
    inject: (mutant) => connect(mutant, endpointGroup(mutant, 'lambda'), 443),
  },
  {
    rule: 'sandbox-way-out',
    name: "tools run in the tasks' security group",
    inject: (mutant) => {
      sandbox(mutant).VpcConfig.SecurityGroupIds = [mutant.taskGroup()];
    },
  },
  {
    rule: 'sandbox-shared',
    name: 'no tenant isolation',
    inject: (mutant) => delete sandbox(mutant).TenancyConfig,
  },
  {
    rule: 'sandbox-shares-files',
    name: 'a file system',
    inject: (mutant) => {
      sandbox(mutant).FileSystemConfigs = [
        { Arn: 'arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/fsap-1', LocalMountPath: '/mnt/all' },
      ];
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'nothing is refused to the code',
    inject: (mutant) => statements(mutant).splice(statements(mutant).indexOf(refusal(mutant)), 1),
  },
  {
    rule: 'sandbox-code-may',
    name: 'what Lambda itself does is refused, and not the code',
    inject: (mutant) => {
      refusal(mutant).Condition = { Null: { 'lambda:SourceFunctionArn': 'true' } };
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code is refused all but one action',
    inject: (mutant) => {
      delete refusal(mutant).Action;
      refusal(mutant).NotAction = 'ec2:CreateNetworkInterface';
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code is refused all but what concerns a bucket',
    inject: (mutant) => {
      exceptFor(mutant, 'arn:aws:s3:::reports/*');
      statements(mutant).push({ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::reports/*' });
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code may write into another log',
    inject: (mutant) => {
      mutant.add('Audit', 'AWS::Logs::LogGroup', { RetentionInDays: 30 });
      const arn = { 'Fn::GetAtt': ['Audit', 'Arn'] };
      exceptFor(mutant, arn);
      statements(mutant).push({ Effect: 'Allow', Action: 'logs:PutLogEvents', Resource: arn });
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code may call a step of the deployment, which holds the master password',
    inject: (mutant) => {
      const step = mutant.id(
        mutant.find('AWS::Lambda::Function', (fn) => Boolean(fn.Properties.VpcConfig) && !tools(fn)),
      );
      allowFunction(mutant, { 'Fn::GetAtt': [step, 'Arn'] });
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code may call every function of a name',
    inject: (mutant) => allowFunction(mutant, `${PAYROLL}*`),
  },
  {
    rule: 'sandbox-code-may',
    name: 'the code may change the function that it may call',
    inject: (mutant) => {
      allowFunction(mutant, PAYROLL);
      statements(mutant).push({ Effect: 'Allow', Action: 'lambda:UpdateFunctionCode', Resource: PAYROLL });
    },
  },
  {
    rule: 'sandbox-code-may',
    name: "a managed policy of AWS's, and the code is refused network interfaces only",
    inject: (mutant) => {
      refusal(mutant).Action = ['ec2:*', 'logs:*'];
      mutant.properties('AWS::IAM::Role', (_role, id) => id === 'ToolsRole').ManagedPolicyArns = [
        'arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole',
      ];
    },
  },
  {
    rule: 'sandbox-code-may',
    name: 'a code interpreter has a role that writes a bucket',
    inject: (mutant) => {
      interpreter(mutant, 'SANDBOX').ExecutionRoleArn = { 'Fn::GetAtt': ['ToolsRole', 'Arn'] };
      statements(mutant).push({ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::reports/*' });
    },
  },
  {
    rule: 'sandbox-called-by-others',
    name: 'API Gateway may call it',
    inject: (mutant) =>
      mutant.add('Api', 'AWS::Lambda::Permission', {
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        FunctionName: { Ref: mutant.id(mutant.find('AWS::Lambda::Function', tools)) },
      }),
  },
  {
    rule: 'sandbox-called-by-others',
    name: 'a queue calls it',
    inject: (mutant) =>
      mutant.add('Queue', 'AWS::Lambda::EventSourceMapping', {
        EventSourceArn: 'arn:aws:sqs:us-east-1:111122223333:queue',
        FunctionName: { Ref: mutant.id(mutant.find('AWS::Lambda::Function', tools)) },
      }),
  },
  {
    rule: 'sandbox-not-callable',
    name: 'the task role may not call it',
    inject: (mutant) => {
      const own = mutant.statements();
      own.splice(own.indexOf(mutant.statement('lambda:InvokeFunction')), 1);
    },
  },
  {
    rule: 'task-calls-other-code',
    name: 'the task role calls a function beside its sandbox',
    inject: (mutant) =>
      mutant.statements().push({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: PAYROLL }),
  },
  {
    rule: 'task-calls-other-code',
    name: 'the task role calls every function of the account',
    inject: (mutant) => {
      mutant.statement('lambda:InvokeFunction').Resource = 'arn:aws:lambda:us-east-1:111122223333:function:*';
    },
    also: ['sandbox-not-callable'],
  },
  {
    rule: 'sandbox-timeout',
    name: 'Lambda ends the function before the run may end',
    inject: (mutant) => {
      sandbox(mutant).Timeout = 30;
    },
  },
  {
    rule: 'sandbox-timeout',
    name: 'the gateway cuts the turn before the run may end',
    inject: (mutant) => mutant.variable('gateway', 'GATEWAY_IDLE_TIMEOUT_SECONDS', '60'),
  },
  {
    rule: 'sandbox-timeout',
    name: 'Letta gives up before the run may end',
    inject: (mutant) => {
      mutant.variable('gateway', 'GATEWAY_IDLE_TIMEOUT_SECONDS', '900');
      sandbox(mutant).Timeout = 600;
      tellGateway(mutant, { ...settings, timeoutSeconds: 300 });
    },
  },
  {
    rule: 'endpoint-missing',
    name: 'no way to the sandbox',
    inject: (mutant) => mutant.remove('AWS::EC2::VPCEndpoint', (_endpoint, id) => id === 'LambdaEndpoint'),
  },
];

/** Refuses everything to the code but what concerns one resource. */
function exceptFor(mutant: Mutant, arn: unknown): void {
  delete refusal(mutant).Resource;
  refusal(mutant).NotResource = arn;
}

/** An allowed function, as `allowFunction` writes it. */
export function allowFunction(mutant: Mutant, arn: unknown): void {
  exceptFor(mutant, arn);
  statements(mutant).push({ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: arn });
}

/** A way of the sandbox to a peer, on both sides. */
export function connect(mutant: Mutant, peer: Properties, port: number): void {
  const own = { 'Fn::GetAtt': ['ToolsGroup', 'GroupId'] };
  const flow = { IpProtocol: 'tcp', FromPort: port, ToPort: port };
  mutant.add(`Out${port}`, 'AWS::EC2::SecurityGroupEgress', {
    ...flow,
    GroupId: own,
    DestinationSecurityGroupId: peer,
  });
  mutant.add(`In${port}`, 'AWS::EC2::SecurityGroupIngress', { ...flow, GroupId: peer, SourceSecurityGroupId: own });
}

/** Security group of an endpoint. */
export function endpointGroup(mutant: Mutant, service: string): Properties {
  return mutant.endpoint(service).Properties.SecurityGroupIds[0];
}

/** A code interpreter in place of the function. */
export function interpreter(mutant: Mutant, networkMode: string): Properties {
  const own = { 'Fn::GetAtt': ['Interpreter', 'CodeInterpreterArn'] };
  mutant.add('Interpreter', 'AWS::BedrockAgentCore::CodeInterpreterCustom', {
    Name: 'tools',
    NetworkConfiguration: { NetworkMode: networkMode },
  });
  mutant.variable('gateway', 'GATEWAY_SANDBOX', {
    'Fn::Join': [
      '',
      [
        '{"kind":"codeInterpreter","timeoutSeconds":60,"codeInterpreterId":"',
        { 'Fn::GetAtt': ['Interpreter', 'CodeInterpreterId'] },
        '"}',
      ],
    ],
  });
  Object.assign(mutant.statement('lambda:InvokeFunction'), {
    Action: 'bedrock-agentcore:InvokeCodeInterpreter',
    Resource: own,
  });
  const { ServiceName, PolicyDocument } = mutant.endpoint('lambda').Properties;
  ServiceName['Fn::Join'][1][2] = '.bedrock-agentcore';
  Object.assign(PolicyDocument.Statement[0], {
    Action: 'bedrock-agentcore:InvokeCodeInterpreter',
    Resource: own,
  });
  return mutant.properties('AWS::BedrockAgentCore::CodeInterpreterCustom');
}

/** The same rules on what the construct makes. */
const OF_CONSTRUCT: InjectedFault[] = [
  {
    rule: 'sandbox-shared',
    name: "the construct's function without tenant isolation",
    of: 'closedTools',
    inject: (mutant) => delete sandbox(mutant).TenancyConfig,
  },
  {
    rule: 'sandbox-way-out',
    name: "the construct's function in the tasks' security group",
    of: 'closedTools',
    inject: (mutant) => {
      sandbox(mutant).VpcConfig.SecurityGroupIds = [mutant.taskGroup()];
    },
  },
  {
    rule: 'sandbox-way-out',
    name: 'no endpoint is allowed any more, and the way to the proxy stayed',
    of: 'tools',
    inject: (mutant) => {
      const value = mutant.valueOf('gateway', 'GATEWAY_SANDBOX');
      const closed = JSON.stringify(value).replace(/\[[^[\]]*rates.example.com:443[^[\]]*\]/, '[]');
      mutant.variable('gateway', 'GATEWAY_SANDBOX', JSON.parse(closed));
    },
  },
  ...['closedTools' as const, 'tools' as const].map((of) => ({
    rule: 'sandbox-code-may',
    name: `the construct's role without its refusals: ${of}`,
    of,
    inject: (mutant: Mutant) => {
      const { Statement: own } = mutant.properties('AWS::IAM::Policy', (_policy, id) =>
        /ToolSandboxRole/.test(id),
      ).PolicyDocument;
      own.splice(0, own.length, ...own.filter(({ Effect }: Properties) => Effect === 'Allow'));
    },
  })),
  {
    rule: 'sandbox-code-may',
    name: "the code interpreter's role may write a bucket",
    of: 'interpreter',
    inject: (mutant) => {
      mutant.properties('AWS::IAM::Policy', (_policy, id) => /ToolSandboxRole/.test(id)).PolicyDocument.Statement = [
        { Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::reports/*' },
      ];
    },
  },
  {
    rule: 'sandbox-on-network',
    name: 'the code interpreter has the internet',
    of: 'interpreter',
    inject: (mutant) => {
      mutant.properties('AWS::BedrockAgentCore::CodeInterpreterCustom').NetworkConfiguration.NetworkMode = 'PUBLIC';
    },
  },
  {
    rule: 'tools-past-sandbox',
    name: 'Letta keeps the tools',
    of: 'tools',
    inject: (mutant) => mutant.variable('letta', 'E2B_API_KEY', undefined),
  },
];

export const SANDBOX_FAULTS: InjectedFault[] = [
  ...FAULTS.map((fault) => ({
    ...fault,
    inject: (mutant: Mutant) => {
      addSandbox(mutant);
      return fault.inject(mutant);
    },
  })),
  ...OF_CONSTRUCT,
];
