import { EVERYTHING } from './sweep';

/** What a role reaches by an action; everything else of AWS it is refused. */
export type Reach = Record<string, string[]>;

const streams = (group: string): string[] => [`${group}, Letta's stream`, `${group}, another stream`];
const writes = (group: string): Reach => ({
  'logs:CreateLogStream': streams(group),
  'logs:PutLogEvents': streams(group),
});
/** AWSLambdaBasicExecutionRole, which the CDK's own function carries that empties default security groups. */
const WRITES_ANY_LOG: Reach = {
  'logs:CreateLogGroup': [EVERYTHING],
  'logs:CreateLogStream': [EVERYTHING],
  'logs:PutLogEvents': [EVERYTHING],
};
const NETWORK_INTERFACES: Reach = {
  'ec2:AssignPrivateIpAddresses': [EVERYTHING],
  'ec2:CreateNetworkInterface': [EVERYTHING],
  'ec2:DeleteNetworkInterface': [EVERYTHING],
  'ec2:DescribeNetworkInterfaces': [EVERYTHING],
  'ec2:DescribeSubnets': [EVERYTHING],
  'ec2:UnassignPrivateIpAddresses': [EVERYTHING],
};
const pulls: Reach = {
  'ecr:BatchCheckLayerAvailability': ["the deployment's images"],
  'ecr:BatchGetImage': ["the deployment's images"],
  'ecr:GetDownloadUrlForLayer': ["the deployment's images"],
  'ecr:GetAuthorizationToken': [EVERYTHING],
};
const calls = (...functions: string[]): Reach => ({
  'lambda:InvokeFunction': functions,
  'lambda:GetFunction': functions,
});

const MIGRATION = 'Service/Migration';
const SETUP = 'Database/Setup/Step';
const LOOKUP = 'Network/Default/S3PrefixList/Lookup';
const DEFAULT_GROUP = ['Network/Vpc, default security group'];

const TASK: Reach = {
  'bedrock:ListInferenceProfiles': [EVERYTHING],
  'elasticache:Connect': ['Cache', 'Cache/User'],
  'rds-db:connect': ['database user letta_runtime'],
  'secretsmanager:GetSecretValue': ['Service/ApiPassword'],
};

/** Every role of every stack of ours, and all that it may do. */
export const ROLES: Record<string, Reach> = {
  'Service/Task/Definition/TaskRole': TASK,
  'Service/Task/Definition/ExecutionRole': { ...pulls, ...writes('Service/Task/Logs') },
  [`${MIGRATION}/Task/Definition/TaskRole`]: { 'rds-db:connect': ['database user letta_migrator'] },
  [`${MIGRATION}/Task/Definition/ExecutionRole`]: { ...pulls, ...writes(`${MIGRATION}/Task/Logs`) },
  [`${MIGRATION}/OnEvent/ServiceRole`]: {
    ...writes(`${MIGRATION}/FunctionLogs`),
    'ecs:RunTask': [`${MIGRATION}/Task/Definition`],
    'iam:PassRole': [`${MIGRATION}/Task/Definition/ExecutionRole`, `${MIGRATION}/Task/Definition/TaskRole`],
  },
  [`${MIGRATION}/IsComplete/ServiceRole`]: {
    ...writes(`${MIGRATION}/FunctionLogs`),
    'cloudformation:DescribeStacks': ['the stack'],
    'ecs:DescribeTasks': ['Service/Cluster, a task'],
    'logs:GetLogEvents': [`${MIGRATION}/Task/Logs, Letta's stream`],
    'rds:AddTagsToResource': ['a snapshot before a migration'],
    'rds:CreateDBSnapshot': ['a snapshot before a migration', 'the database'],
    'rds:DeleteDBSnapshot': ['a snapshot before a migration'],
    'rds:DescribeDBSnapshots': ['the database'],
  },
  [`${MIGRATION}/Provider/framework-onEvent/ServiceRole`]: {
    ...writes(`${MIGRATION}/FunctionLogs`),
    ...calls(`${MIGRATION}/IsComplete`, `${MIGRATION}/OnEvent`),
    'states:StartExecution': [`${MIGRATION}/Provider/waiter-state-machine`],
  },
  [`${MIGRATION}/Provider/framework-isComplete/ServiceRole`]: {
    ...writes(`${MIGRATION}/FunctionLogs`),
    ...calls(`${MIGRATION}/IsComplete`, `${MIGRATION}/OnEvent`),
  },
  [`${MIGRATION}/Provider/framework-onTimeout/ServiceRole`]: {
    ...writes(`${MIGRATION}/FunctionLogs`),
    ...calls(`${MIGRATION}/IsComplete`, `${MIGRATION}/OnEvent`),
  },
  [`${MIGRATION}/Provider/waiter-state-machine/Role`]: {
    'lambda:InvokeFunction': [
      `${MIGRATION}/Provider/framework-isComplete`,
      `${MIGRATION}/Provider/framework-onTimeout`,
    ],
  },
  [`${SETUP}/Role`]: {
    ...writes(`${SETUP}/LogGroup`),
    'secretsmanager:GetSecretValue': ["the master's secret"],
    // What Lambda demands of the role; the function's own code is refused it.
    ...NETWORK_INTERFACES,
  },
  [`${SETUP}/Provider/framework-onEvent/ServiceRole`]: {
    ...writes(`${SETUP}/ProviderLogGroup`),
    ...calls(`${SETUP}/Function`),
  },
  [`${LOOKUP}/Role`]: { ...writes(`${LOOKUP}/LogGroup`), 'ec2:DescribeManagedPrefixLists': [EVERYTHING] },
  [`${LOOKUP}/Provider/framework-onEvent/ServiceRole`]: {
    ...writes(`${LOOKUP}/ProviderLogGroup`),
    ...calls(`${LOOKUP}/Function`),
  },
  'Network/Vpc/FlowLog/IAMRole': {
    ...writes('Network/FlowLogGroup'),
    'logs:DescribeLogStreams': ['Network/FlowLogGroup'],
  },
  'Custom::VpcRestrictDefaultSGCustomResourceProvider/Role': {
    ...WRITES_ANY_LOG,
    'ec2:AuthorizeSecurityGroupEgress': DEFAULT_GROUP,
    'ec2:AuthorizeSecurityGroupIngress': DEFAULT_GROUP,
    'ec2:RevokeSecurityGroupEgress': DEFAULT_GROUP,
    'ec2:RevokeSecurityGroupIngress': DEFAULT_GROUP,
  },
};

const model = (id: string, ...regions: string[]): string[] => regions.map((region) => `model ${id} in ${region}`);

/** What the default stack's task may call beside. */
const DEFAULT_MODELS = [
  ...model('anthropic.claude-haiku-4-5-20251001-v1:0', 'us-east-1', 'us-west-2'),
  ...model('anthropic.claude-sonnet-4-5-20250929-v1:0', 'us-east-1', 'us-west-2'),
  'profile us.anthropic.claude-haiku-4-5-20251001-v1:0',
  'profile us.anthropic.claude-sonnet-4-5-20250929-v1:0',
];
export const DEFAULT_ROLES: Record<string, Reach> = {
  ...ROLES,
  'Service/Task/Definition/TaskRole': {
    ...TASK,
    'bedrock:InvokeModel': [...DEFAULT_MODELS, ...model('amazon.titan-embed-text-v2:0', 'us-east-1')],
    'bedrock:InvokeModelWithResponseStream': DEFAULT_MODELS,
  },
};

const SANDBOX = 'Service/ToolSandbox';
const SANDBOX_FUNCTION: Reach = {
  ...writes(`${SANDBOX}/Logs`),
  // What Lambda demands of the role; the function's own code is refused it.
  ...NETWORK_INTERFACES,
};
/** What code in the sandbox can do by its role: it could write into its own log, which no way leads to. */
export const SANDBOX_CODE = writes(`${SANDBOX}/Logs`);
const withTask = (more: Reach): Record<string, Reach> => ({
  ...DEFAULT_ROLES,
  'Service/Task/Definition/TaskRole': { ...DEFAULT_ROLES['Service/Task/Definition/TaskRole'], ...more },
});
const RUNS: Reach = { 'lambda:InvokeFunction': [`${SANDBOX}/Function`] };
const SESSIONS: Reach = {
  'bedrock-agentcore:InvokeCodeInterpreter': [`${SANDBOX}/Resource`],
  'bedrock-agentcore:StartCodeInterpreterSession': [`${SANDBOX}/Resource`],
  'bedrock-agentcore:StopCodeInterpreterSession': [`${SANDBOX}/Resource`],
};
/** Functions that tools may call. */
export const ALLOWED_CALLS: Reach = { 'lambda:InvokeFunction': ['the allowed function'] };

/** The default stack's roles with a tool sandbox: closed, opened, or a code interpreter. */
export const TOOL_ROLES = {
  closed: { ...withTask(RUNS), [`${SANDBOX}/Role`]: SANDBOX_FUNCTION },
  opened: { ...withTask(RUNS), [`${SANDBOX}/Role`]: { ...SANDBOX_FUNCTION, ...ALLOWED_CALLS } },
  interpreter: {
    ...withTask(SESSIONS),
    [`${SANDBOX}/Role`]: {},
  },
};

const ENTERPRISE_MODELS = [
  ...model('anthropic.claude-haiku-4-5-20251001-v1:0', 'eu-central-1', 'no region'),
  ...model('anthropic.claude-sonnet-4-6', 'eu-central-1', 'eu-west-1'),
  'profile eu.anthropic.claude-sonnet-4-6',
  'profile global.anthropic.claude-haiku-4-5-20251001-v1:0',
];
const KEY: Reach = { 'kms:Decrypt': ['the imported key'] };
export const ENTERPRISE_ROLES: Record<string, Reach> = {
  ...ROLES,
  'Service/Task/Definition/TaskRole': {
    ...TASK,
    ...KEY,
    'bedrock:ApplyGuardrail': ['the imported guardrail'],
    'bedrock:InvokeModel': [...ENTERPRISE_MODELS, ...model('cohere.embed-multilingual-v3', 'eu-central-1')],
    'bedrock:InvokeModelWithResponseStream': ENTERPRISE_MODELS,
  },
  [`${SETUP}/Role`]: { ...ROLES[`${SETUP}/Role`], ...KEY },
};

/** What may pass each endpoint, whoever asks. */
export const ENDPOINTS: Record<string, string[]> = {
  'ecr.api': Object.keys(pulls),
  'ecr.dkr': Object.keys(pulls),
  s3: ['s3:GetObject'],
  logs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  secretsmanager: ['secretsmanager:GetSecretValue'],
  bedrock: ['bedrock:ListInferenceProfiles'],
  'bedrock-runtime': ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
};

/** The same with a tool sandbox. */
export const TOOL_ENDPOINTS = {
  closed: { ...ENDPOINTS, lambda: ['lambda:InvokeFunction'] },
  opened: { ...ENDPOINTS, lambda: ['lambda:InvokeFunction'] },
  interpreter: { ...ENDPOINTS, 'bedrock-agentcore': Object.keys(SESSIONS) },
};
