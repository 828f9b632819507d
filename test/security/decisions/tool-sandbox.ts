import { FOREIGN_ADMINISTRATOR, OWN_ADMINISTRATOR } from '../access';
import { Names, Path } from './names';
import { Table, type Row } from './table';

const CHANGES = [
  'lambda:UpdateFunctionCode',
  'lambda:UpdateFunctionConfiguration',
  'lambda:DeleteFunction',
  'lambda:AddPermission',
  'lambda:PutFunctionConcurrency',
  'lambda:GetFunction',
];
const SESSIONS = [
  'bedrock-agentcore:StartCodeInterpreterSession',
  'bedrock-agentcore:InvokeCodeInterpreter',
  'bedrock-agentcore:StopCodeInterpreterSession',
];

/** Names of what a sandbox that is a function is made of. */
export class Sandbox {
  constructor(private readonly names: Names) {}

  get functionArn(): string {
    return this.names.deployment.attribute('AWS::Lambda::Function', 'Service/ToolSandbox/Function', 'Arn');
  }

  /** Carried by every request of the function's code, and by no other. */
  get code(): Record<string, string> {
    return { 'lambda:SourceFunctionArn': this.functionArn };
  }
}

/** A sandbox that is a function: what its code may do, what Lambda may do for it, and who may call it. */
export function functionSandbox(names: Names): Row[] {
  const { deployment } = names;
  const sandbox = new Sandbox(names);
  const fn = sandbox.functionArn;
  const others = [
    deployment.arn('lambda', 'function:payroll'),
    deployment.attribute('AWS::Lambda::Function', 'Database/Setup/Step/Function', 'Arn'),
    `${fn}2`,
    deployment.arn('lambda', fn.split(':').slice(5).join(':'), deployment.region, '999988887777'),
  ];
  const task = new Table(deployment.role(Path.TASK))
    .allows('its sandbox', ['lambda:InvokeFunction'], [fn])
    .denies('other functions', ['lambda:InvokeFunction'], others)
    .denies('changes of its sandbox, and its code', CHANGES, [fn])
    .denies('its sandbox, without an answer', ['lambda:InvokeAsync'], [fn]);
  return [...task.rows, ...code(names), ...lambda(names), ...endpoint(names, fn, others), ...stolen(names, fn)];
}

/** What a tool may do that got hold of the role's credentials. */
function code(names: Names): Row[] {
  const { deployment } = names;
  const { code: context, functionArn } = new Sandbox(names);
  const group = deployment.attribute('AWS::EC2::SecurityGroup', 'Service/ToolSandbox/SecurityGroup', 'GroupId');
  const rows = (from: 'vpc' | 'internet'): Row[] =>
    new Table(deployment.role(Path.TOOL_SANDBOX), { from, context })
      .denies(`secrets, ${from}`, ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
      .denies(
        `models, ${from}`,
        ['bedrock:InvokeModel'],
        [names.model('amazon.titan-embed-text-v2:0'), names.profile('us.anthropic.claude-sonnet-4-5-20250929-v1:0')],
      )
      .denies(`the database, ${from}`, ['rds-db:connect'], [names.databaseUser('letta_runtime')])
      .denies(`the cache, ${from}`, ['elasticache:Connect'], [names.cacheGroup, names.cacheUser('User')])
      .denies(`itself, ${from}`, ['lambda:InvokeFunction', ...CHANGES], [functionArn])
      .denies(
        `objects of others, ${from}`,
        ['s3:GetObject', 's3:PutObject'],
        ['arn:aws:s3:::exfiltration/data', names.layers],
      )
      .denies(
        `other logs, ${from}`,
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        [names.stream('Service/Task/Logs'), names.stream('Service/Migration/Task/Logs')],
      )
      .denies(
        `network interfaces, ${from}`,
        ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface'],
        [deployment.arn('ec2', 'network-interface/eni-1')],
      )
      .denies(`what there is, ${from}`, ['ec2:DescribeSubnets', 's3:ListAllMyBuckets', 'iam:ListRoles'], ['*'])
      .denies(
        `its own network, ${from}`,
        ['ec2:AuthorizeSecurityGroupEgress'],
        [deployment.arn('ec2', `security-group/${group}`)],
      )
      .denies(
        `other roles, ${from}`,
        ['sts:AssumeRole', 'iam:PassRole'],
        [names.role(Path.TASK), `arn:aws:iam::${deployment.account}:role/Administrator`],
      ).rows;
  return [...rows('internet'), ...rows('vpc')];
}

/** What Lambda itself does by the function's role. */
function lambda(names: Names): Row[] {
  const { deployment } = names;
  return new Table(deployment.role(Path.TOOL_SANDBOX), { from: 'internet' })
    .allows(
      'its network interfaces, when Lambda makes them',
      ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface'],
      [deployment.arn('ec2', 'network-interface/eni-1')],
    )
    .allows(
      'its log, when Lambda writes it',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [names.stream(Path.TOOL_SANDBOX_LOG)],
    )
    .denies('logs of others', ['logs:PutLogEvents'], [names.stream('Service/Task/Logs')])
    .denies('reading logs', ['logs:GetLogEvents'], [names.stream(Path.TOOL_SANDBOX_LOG)])
    .denies('routes', ['ec2:CreateRoute'], [deployment.arn('ec2', 'route-table/rtb-1')]).rows;
}

/** The endpoint by which the gateway calls it, for administrators. */
function endpoint({ deployment }: Names, fn: string, others: string[]): Row[] {
  const own = new Table(OWN_ADMINISTRATOR)
    .allows('the sandbox, through the endpoint', ['lambda:InvokeFunction'], [fn])
    .denies('other functions, through the endpoint', ['lambda:InvokeFunction'], others)
    .denies('changes of the sandbox, through the endpoint', CHANGES, [fn])
    .denies('what functions there are', ['lambda:ListFunctions'], ['*']);
  const foreign = new Table(FOREIGN_ADMINISTRATOR).denies(
    'a function of another account, with its own keys',
    ['lambda:InvokeFunction'],
    [deployment.arn('lambda', 'function:drop', deployment.region, '999988887777')],
  );
  return [...own.rows, ...foreign.rows];
}

/** The task's credentials outside of its VPC. */
function stolen({ deployment }: Names, fn: string): Row[] {
  return new Table(deployment.role(Path.TASK), { from: 'internet' })
    .denies('the sandbox, over the internet', ['lambda:InvokeFunction'], [fn])
    .denies('the sandbox, from another VPC', ['lambda:InvokeFunction'], [fn], {
      context: { 'aws:SourceVpc': 'vpc-0fedcba9876543210' },
    }).rows;
}

/** Functions that tools may call: exactly these, by their code. */
export function allowedFunctions(names: Names, allowed: string): Row[] {
  const { deployment } = names;
  const { code: context, functionArn } = new Sandbox(names);
  return new Table(deployment.role(Path.TOOL_SANDBOX), { context })
    .allows('the function that tools may call', ['lambda:InvokeFunction'], [allowed])
    .denies('changes of that function', CHANGES, [allowed])
    .denies(
      'other functions',
      ['lambda:InvokeFunction'],
      [
        functionArn,
        `${allowed}2`,
        deployment.arn('lambda', 'function:payroll'),
        deployment.attribute('AWS::Lambda::Function', 'Database/Setup/Step/Function', 'Arn'),
      ],
    )
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
    .denies('objects', ['s3:PutObject'], ['arn:aws:s3:::exfiltration/data'])
    .rows.concat(
      new Table(deployment.role(Path.TASK)).denies('what tools may call', ['lambda:InvokeFunction'], [allowed]).rows,
    );
}

/** A sandbox that is a code interpreter. */
export function interpreterSandbox(names: Names): Row[] {
  const { deployment } = names;
  const own = deployment.attribute(
    'AWS::BedrockAgentCore::CodeInterpreterCustom',
    'Service/ToolSandbox/Resource',
    'CodeInterpreterArn',
  );
  const task = new Table(deployment.role(Path.TASK))
    .allows('its code interpreter', SESSIONS, [own])
    .denies('other code interpreters', SESSIONS, [
      `${own}2`,
      `arn:aws:bedrock-agentcore:${deployment.region}:aws:code-interpreter/aws.codeinterpreter.v1`,
    ])
    .denies('changes of it', ['bedrock-agentcore:DeleteCodeInterpreter'], [own])
    .denies('functions', ['lambda:InvokeFunction'], [deployment.arn('lambda', 'function:payroll')]);
  const inside = new Table(deployment.role(Path.TOOL_SANDBOX), { from: 'internet' })
    .denies('objects', ['s3:GetObject', 's3:PutObject'], ['arn:aws:s3:::exfiltration/data'])
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
    .denies('code interpreters', SESSIONS, [own])
    .denies('models', ['bedrock:InvokeModel'], [names.model('amazon.titan-embed-text-v2:0')])
    .denies('what there is', ['s3:ListAllMyBuckets', 'iam:ListRoles'], ['*']);
  return [...task.rows, ...inside.rows];
}
