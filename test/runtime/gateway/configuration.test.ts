import fc from 'fast-check';
import { GatewayVariable, Listener } from '../../../runtime/contract';
import { ConfigurationError, readConfiguration } from '../../../runtime/gateway/configuration';
import { REQUIRED_ENVIRONMENT } from './environment';

const whole: Readonly<Record<string, string>> = {
  ...REQUIRED_ENVIRONMENT,
  GATEWAY_LISTENERS: Object.values(Listener).join(),
  GATEWAY_OPEN_ROUTES: 'agentImport,mcpServers',
  GATEWAY_CORS_ORIGINS: 'https://app.letta.com,http://localhost:3000',
  GATEWAY_IDLE_TIMEOUT_SECONDS: '600',
  GATEWAY_STOP_TIMEOUT_SECONDS: '110',
  GATEWAY_ADMINISTRATOR_PASSWORD_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:Admins-AbCdEf',
  GATEWAY_MAX_CONCURRENT_TURNS: '128',
  GATEWAY_API_TLS: 'true',
  GATEWAY_TASK_PROTECTION: 'true',
  ECS_AGENT_URI: 'http://169.254.170.2/api/0123-4567',
  GATEWAY_EGRESS_ALLOW: 'MCP.example.com:443,[2001:DB8:0::7]:8443',
  GATEWAY_GUARDRAIL_ID: 'gr-abc',
  GATEWAY_GUARDRAIL_VERSION: '3',
};

function sandbox(changes: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(whole.GATEWAY_SANDBOX) as object), ...changes });
}

function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfiguration(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

test('reads a whole environment', () => {
  expect(readConfiguration(whole)).toEqual({
    listeners: new Set(Object.values(Listener)),
    region: 'eu-central-1',
    urlSuffix: 'amazonaws.com',
    awsCaFile: '/opt/gateway/ca/aws.pem',
    serviceName: 'AgentsService',
    idleTimeoutSeconds: 600,
    stopTimeoutSeconds: 110,
    api: {
      passwordSecretArn: whole.GATEWAY_API_PASSWORD_SECRET_ARN,
      administratorPasswordSecretArn: whole.GATEWAY_ADMINISTRATOR_PASSWORD_SECRET_ARN,
      maxConcurrentTurns: 128,
      taskProtection: { agentUri: 'http://169.254.170.2/api/0123-4567' },
      tls: true,
      openRoutes: new Set(['agentImport', 'mcpServers']),
      corsOrigins: new Set(['https://app.letta.com', 'http://localhost:3000']),
    },
    aws: {
      models: [{ id: 'eu.anthropic.claude-sonnet-4-20250514-v1:0', format: 'anthropic' }],
      guardrail: { identifier: 'gr-abc', version: '3' },
    },
    ollama: { embeddingModels: [{ id: 'amazon.titan-embed-text-v2:0', dimensions: 1024, format: 'titan-v2' }] },
    cache: { host: 'master.abc.euc1.cache.amazonaws.com', port: 6379, name: 'let-1abc', user: 'letta-user' },
    egress: { allow: new Set(['mcp.example.com:443', '[2001:db8::7]:8443']) },
    database: {
      host: 'db.abc.eu-central-1.rds.amazonaws.com',
      port: 5432,
      name: 'letta',
      user: 'letta_runtime',
      caFile: '/opt/gateway/ca/rds.pem',
      maxConnections: 80,
    },
    sandbox: {
      kind: 'function',
      functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:Tools',
      allowedEndpoints: [],
      timeoutSeconds: 60,
      maxRunsPerAgent: 5,
    },
  });
});

test('a gateway for migrations needs the database only', () => {
  const database = Object.fromEntries(
    Object.entries(whole).filter(([name]) => /DATABASE|AWS_REGION|CREDENTIALS/.test(name)),
  );
  expect(problemsOf({ ...database, GATEWAY_LISTENERS: 'database' })).toEqual([]);
});

const OPTIONAL = [
  GatewayVariable.OPEN_ROUTES,
  GatewayVariable.CORS_ORIGINS,
  GatewayVariable.IDLE_TIMEOUT,
  GatewayVariable.STOP_TIMEOUT,
  GatewayVariable.EGRESS_ALLOW,
  GatewayVariable.ADMINISTRATOR_PASSWORD_SECRET,
  GatewayVariable.MAX_CONCURRENT_TURNS,
  GatewayVariable.API_TLS,
  GatewayVariable.TASK_PROTECTION,
  // ECS sets it; without it the task works and is not protected.
  'ECS_AGENT_URI',
] as string[];

test.each(Object.keys(whole).filter((name) => !OPTIONAL.includes(name)))('a missing %s is named', (name) => {
  const problems = problemsOf({ ...whole, [name]: undefined });
  expect(problems).toEqual([expect.stringMatching(`^${name} is missing`)]);
});

test('chat models are listed by the aws listener: the ollama one does not serve without it', () => {
  const problems = problemsOf({ ...whole, GATEWAY_LISTENERS: 'ollama,migration-lock' });
  expect(problems).toEqual([
    expect.stringMatching(/^GATEWAY_LISTENERS .*ollama without aws/),
    expect.stringMatching(/^GATEWAY_LISTENERS .*migration-lock without database/),
  ]);
});

test('all problems come at once', () => {
  const problems = problemsOf({ GATEWAY_LISTENERS: 'cache' });
  expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual(
    [
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
      'AWS_REGION',
      'GATEWAY_AWS_CA_FILE',
      'GATEWAY_CACHE_HOST',
      'GATEWAY_CACHE_NAME',
      'GATEWAY_CACHE_PORT',
      'GATEWAY_CACHE_USER',
    ].sort(),
  );
});

test.each([
  ['GATEWAY_LISTENERS', 'api,web'],
  ['AWS_REGION', 'Frankfurt'],
  ['GATEWAY_AWS_URL_SUFFIX', 'amazonaws.com/evil'],
  ['GATEWAY_OPEN_ROUTES', 'everything'],
  ['GATEWAY_CORS_ORIGINS', '*'],
  ['GATEWAY_CORS_ORIGINS', 'https://app.letta.com/'],
  ['GATEWAY_ADMINISTRATOR_PASSWORD_SECRET_ARN', 'password'],
  ['GATEWAY_MAX_CONCURRENT_TURNS', '0'],
  ['GATEWAY_API_TLS', 'yes'],
  ['GATEWAY_TASK_PROTECTION', '1'],
  ['ECS_AGENT_URI', 'ftp://169.254.170.2/api'],
  ['GATEWAY_EGRESS_ALLOW', 'mcp.example.com'],
  ['GATEWAY_EGRESS_ALLOW', '*.example.com:443'],
  ['GATEWAY_EGRESS_ALLOW', 'https://mcp.example.com:443'],
  ['GATEWAY_IDLE_TIMEOUT_SECONDS', '10m'],
  ['GATEWAY_STOP_TIMEOUT_SECONDS', '121'],
  ['GATEWAY_CHAT_MODELS', 'not json'],
  ['GATEWAY_CHAT_MODELS', '[]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"a b"}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m"},{"id":"m"}]'],
  ['GATEWAY_CHAT_MODELS', '{"id":"m"}'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m"}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m","format":"openai"}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m","format":"converse"}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m","format":"converse","contextLength":0}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m","format":"converse","contextLength":1,"maxOutputTokens":"many"}]'],
  ['GATEWAY_CHAT_MODELS', '[{"id":"m","format":"converse","contextLength":1,"features":["magic"]}]'],
  ['GATEWAY_EMBEDDING_MODELS', '[{"id":"m","dimensions":1000,"format":"titan-v2"}]'],
  ['GATEWAY_EMBEDDING_MODELS', '[{"id":"m","dimensions":1024,"format":"toString"}]'],
  ['GATEWAY_GUARDRAIL_VERSION', 'latest'],
  ['GATEWAY_DATABASE_PORT', '0'],
  ['GATEWAY_DATABASE_PORT', '5432.5'],
  ['GATEWAY_DATABASE_NAME', 'letta = host=evil'],
  ['GATEWAY_DATABASE_USER', 'letta\nadmin_users'],
  ['GATEWAY_DATABASE_HOST', 'db password=x'],
  ['GATEWAY_DATABASE_CA_FILE', 'relative.pem'],
  ['GATEWAY_CACHE_NAME', 'a/b'],
  ['GATEWAY_SANDBOX', '{"kind":"local","timeoutSeconds":60,"maxRunsPerAgent":5}'],
  ['GATEWAY_SANDBOX', sandbox({ timeoutSeconds: 271 })],
  ['GATEWAY_SANDBOX', sandbox({ maxRunsPerAgent: 0 })],
  ['GATEWAY_SANDBOX', sandbox({ functionArn: 'Tools' })],
  ['GATEWAY_SANDBOX', sandbox({ allowedEndpoints: ['api.example.com'] })],
  ['GATEWAY_SANDBOX', sandbox({ allowedEndpoints: 'api.example.com:443' })],
  ['GATEWAY_SANDBOX', sandbox({ kind: 'codeInterpreter', codeInterpreterId: 'a/b', sessionIdleSeconds: 900 })],
  ['GATEWAY_SANDBOX', sandbox({ kind: 'codeInterpreter', codeInterpreterId: 'tools-a1b2C3d4E5' })],
])('a malformed %s is named: %s', (name, value) => {
  expect(problemsOf({ ...whole, [name]: value })).toEqual([expect.stringMatching(`^${name} is malformed`)]);
});

test('whatever the environment holds, reading it gives a configuration or names the variables, and nothing else', () => {
  const names = Object.keys(whole);
  const value = fc.oneof(
    fc.constantFrom(...Object.values(whole)),
    fc.string({ maxLength: 40 }),
    fc.json(),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 }), (changes) => {
      const changed = new Set(changes.map(([name]) => name));
      for (const problem of problemsOf({ ...whole, ...Object.fromEntries(changes) })) {
        const name = problem.split(' ')[0];
        expect(names).toContain(name);
        const pair = name.startsWith('GATEWAY_GUARDRAIL')
          ? ['GATEWAY_GUARDRAIL_ID', 'GATEWAY_GUARDRAIL_VERSION']
          : [name];
        expect(pair.some((variable) => changed.has(variable))).toBe(true);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a code interpreter is read with the time that its sessions are kept', () => {
  const settings = {
    kind: 'codeInterpreter',
    codeInterpreterId: 'tools-a1b2C3d4E5',
    sessionIdleSeconds: 900,
    timeoutSeconds: 270,
    maxRunsPerAgent: 1,
  };
  expect(readConfiguration({ ...whole, GATEWAY_SANDBOX: JSON.stringify(settings) }).sandbox).toEqual(settings);
});

test('a model that is called by Converse keeps what is known of it', () => {
  const model = {
    id: 'us.amazon.nova-pro-v1:0',
    format: 'converse',
    contextLength: 300_000,
    maxOutputTokens: 10_000,
    features: ['images', 'namedTool'],
  };
  const plain = { id: 'meta.llama3-3-70b-instruct-v1:0', format: 'converse', contextLength: 128_000 };
  const { aws } = readConfiguration({ ...whole, GATEWAY_CHAT_MODELS: JSON.stringify([model, plain]) });
  expect(aws!.models).toEqual([model, { ...plain, features: [] }]);
});
