import { containers, environment, service } from './letta-service-support';
import { asText, Match, Statement, statementsOf } from './support';

describe('the task', () => {
  const template = service().template();
  const { gateway, letta } = containers(template);

  test('is one vCPU and 2 GiB on x86_64 Linux', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      Cpu: '1024',
      Memory: '2048',
      RuntimePlatform: { CpuArchitecture: 'X86_64', OperatingSystemFamily: 'LINUX' },
    });
  });

  test.each([
    ['gateway', gateway, '10001:10001', ['/run/gateway']],
    ['letta', letta, '10002:10002', ['/var/lib/letta', '/tmp']],
  ])('runs %s unprivileged on a read-only root with its own writable folders', (_name, container, user, folders) => {
    expect(container).toMatchObject({
      User: user,
      ReadonlyRootFilesystem: true,
      Essential: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
      MountPoints: folders.map((ContainerPath) => ({ ContainerPath, ReadOnly: false })),
    });
  });

  test('starts Letta after the gateway is healthy, without the variables that lead to credentials', () => {
    expect(letta.DependsOn).toEqual([{ ContainerName: 'gateway', Condition: 'HEALTHY' }]);
    expect((letta.Command as string[]).join(' ')).toBe(
      'env -u AWS_CONTAINER_CREDENTIALS_RELATIVE_URI -u ECS_CONTAINER_METADATA_URI_V4 -u ECS_CONTAINER_METADATA_URI ' +
        '-u ECS_AGENT_URI letta server --host 127.0.0.1 --port 8284',
    );
    expect(letta.LinuxParameters).not.toHaveProperty('InitProcessEnabled');
  });

  test.each(['service', 'migration'] as const)('has no secret in any environment of the %s task', (which) => {
    const secrets = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    expect(secrets).toHaveLength(1);
    const made = Object.values(containers(template, which));
    expect(made.map(({ Name }) => Name)).toEqual(['gateway', 'letta']);
    for (const container of made) expect(container.Secrets).toBeUndefined();
    const values = made.flatMap(({ Environment }) => Environment);
    expect(JSON.stringify(values)).not.toContain('{{resolve:');
    const ofSecret = values.filter(({ Value }) => secrets.some((id) => JSON.stringify(Value).includes(id)));
    // A secret's `Ref` is its ARN.
    expect(ofSecret).toEqual(
      which === 'service' ? [{ Name: 'GATEWAY_API_PASSWORD_SECRET_ARN', Value: { Ref: secrets[0] } }] : [],
    );
  });

  test('shows only the gateway to the network', () => {
    expect(gateway.PortMappings).toEqual([{ ContainerPort: 8283, Protocol: 'tcp' }]);
    expect(letta.PortMappings).toBeUndefined();
  });

  test('gives Letta loopback addresses and placeholders', () => {
    expect(environment(letta)).toEqual({
      LETTA_PG_URI: 'postgresql://letta_runtime@127.0.0.1:6432/letta?ssl=disable',
      LETTA_DISABLE_SQLALCHEMY_POOLING: 'false',
      LETTA_PG_POOL_SIZE: '25',
      LETTA_PG_MAX_OVERFLOW: '10',
      LETTA_PG_POOL_TIMEOUT: '30',
      LETTA_PG_POOL_RECYCLE: '1800',
      LETTA_UVICORN_WORKERS: '1',
      LETTA_UVICORN_TIMEOUT_KEEP_ALIVE: '660',
      LETTA_USE_UVLOOP: 'true',
      LETTA_ENABLE_DB_POOL_MONITORING: 'false',
      LETTA_REDIS_HOST: '127.0.0.1',
      LETTA_REDIS_PORT: '6379',
      AWS_ACCESS_KEY_ID: 'the-gateway-signs',
      AWS_SECRET_ACCESS_KEY: 'the-gateway-signs',
      AWS_DEFAULT_REGION: '${AWS::Region}',
      AWS_REGION: '${AWS::Region}',
      LETTA_LLM_ENDPOINT_TYPE: 'bedrock',
      AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:4566',
      AWS_ENDPOINT_URL_BEDROCK: 'http://127.0.0.1:4566',
      ANTHROPIC_BEDROCK_BASE_URL: 'http://127.0.0.1:4566',
      OLLAMA_BASE_URL: 'http://127.0.0.1:11434',
      HTTPS_PROXY: 'http://127.0.0.1:3128',
      HTTP_PROXY: 'http://127.0.0.1:3128',
      ALL_PROXY: 'http://127.0.0.1:3128',
      GOOGLE_APPLICATION_CREDENTIALS: '/nonexistent',
      NO_PROXY: '127.0.0.1:4566,127.0.0.1:11434',
      LETTA_DEFAULT_LLM_HANDLE: 'bedrock/us.anthropic.claude-sonnet-4-6',
      LETTA_DEFAULT_EMBEDDING_HANDLE: 'ollama/amazon.titan-embed-text-v2:0',
      MCP_DISABLE_STDIO: 'true',
      E2B_API_KEY: 'the-gateway-signs',
    });
  });

  test('tells the gateway what it serves', () => {
    const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    expect(environment(gateway)).toEqual({
      GATEWAY_LISTENERS: 'api,aws,ollama,cache,egress,database',
      AWS_REGION: '${AWS::Region}',
      GATEWAY_AWS_URL_SUFFIX: '${AWS::URLSuffix}',
      GATEWAY_AWS_CA_FILE: '/opt/gateway/ca/aws.pem',
      GATEWAY_STOP_TIMEOUT_SECONDS: '110',
      GATEWAY_API_PASSWORD_SECRET_ARN: `\${${secret}}`,
      GATEWAY_SERVICE_NAME: 'Test-Letta-76AAFA37',
      GATEWAY_MAX_CONCURRENT_TURNS: '64',
      GATEWAY_API_TLS: 'false',
      GATEWAY_EGRESS_ALLOW: '',
      GATEWAY_OPEN_ROUTES: '',
      GATEWAY_CORS_ORIGINS: '',
      GATEWAY_IDLE_TIMEOUT_SECONDS: '600',
      GATEWAY_DATABASE_HOST: 'db.example.com',
      GATEWAY_DATABASE_PORT: '5432',
      GATEWAY_DATABASE_NAME: 'letta',
      GATEWAY_DATABASE_CA_FILE: '/opt/gateway/ca/rds.pem',
      GATEWAY_DATABASE_USER: 'letta_runtime',
      GATEWAY_DATABASE_MAX_CONNECTIONS: '35',
      GATEWAY_CACHE_HOST: 'cache.example.com',
      GATEWAY_CACHE_PORT: '6379',
      GATEWAY_CACHE_NAME: 'letta-cache',
      GATEWAY_CACHE_USER: 'letta',
      GATEWAY_CHAT_MODELS: JSON.stringify([
        { id: 'us.anthropic.claude-sonnet-4-6', format: 'anthropic' },
        { id: 'us.anthropic.claude-haiku-4-5-20251001-v1:0', format: 'anthropic' },
      ]),
      GATEWAY_EMBEDDING_MODELS: JSON.stringify([
        { id: 'amazon.titan-embed-text-v2:0', dimensions: 1024, format: 'titan-v2' },
      ]),
    });
  });

  test('may do what the gateway does and nothing else', () => {
    const actions = statementsOf(template, 'LettaTaskDefinitionTaskRole').flatMap(({ Action }: Statement) => Action);
    expect([...new Set(actions)].sort()).toEqual([
      'bedrock:InvokeModel',
      'bedrock:InvokeModelWithResponseStream',
      'bedrock:ListInferenceProfiles',
      'elasticache:Connect',
      'rds-db:connect',
      'secretsmanager:GetSecretValue',
    ]);
  });
});

describe('task roles', () => {
  test.each(['service', 'migration'])('of the %s are assumed for tasks of this account and region only', (task) => {
    const roles = Object.entries(service().template().findResources('AWS::IAM::Role')).filter(([id]) =>
      id.startsWith(task === 'service' ? 'LettaTaskDefinitionTaskRole' : 'LettaMigrationTaskDefinitionTaskRole'),
    );
    expect(roles).toHaveLength(1);
    const [statement, ...others] = roles[0][1].Properties.AssumeRolePolicyDocument.Statement;
    expect(others).toEqual([]);
    expect(statement).toMatchObject({ Principal: { Service: 'ecs-tasks.amazonaws.com' } });
    expect(statement.Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
    expect(asText(statement.Condition.ArnLike['aws:SourceArn'])).toBe(
      'arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:*',
    );
  });
});

describe('the migration', () => {
  const template = service().template();
  const { gateway, letta } = containers(template, 'migration');
  const OWN_LOGS = /^\$\{LettaMigrationFunctionLogs\w+\.Arn\}$/;

  test("runs alembic of the server's own image as the migrator", () => {
    expect((letta.Command as string[]).slice(-3)).toEqual(['alembic', 'upgrade', 'head']);
    expect(letta.WorkingDirectory).toBe('/opt/letta/migrations');
    expect(letta.Image).toEqual(containers(template).letta.Image);
    expect(environment(letta)).toEqual({ LETTA_PG_URI: 'postgresql://letta_migrator@127.0.0.1:6432/letta' });
  });

  test('has a gateway for the database and the lock on its migrations alone', () => {
    expect(environment(gateway)).toEqual({
      GATEWAY_LISTENERS: 'database,migration-lock',
      AWS_REGION: '${AWS::Region}',
      GATEWAY_STOP_TIMEOUT_SECONDS: '110',
      GATEWAY_DATABASE_HOST: 'db.example.com',
      GATEWAY_DATABASE_PORT: '5432',
      GATEWAY_DATABASE_NAME: 'letta',
      GATEWAY_DATABASE_USER: 'letta_migrator',
      GATEWAY_DATABASE_CA_FILE: '/opt/gateway/ca/rds.pem',
      GATEWAY_DATABASE_MAX_CONNECTIONS: '5',
    });
    expect(gateway.PortMappings).toBeUndefined();
  });

  test('may log in to the database as the migrator and nothing else', () => {
    const [statement, ...others] = statementsOf(template, 'MigrationTaskDefinitionTaskRole');
    expect(others).toEqual([]);
    expect(statement.Action).toBe('rds-db:connect');
    expect(asText(statement.Resource)).toMatch(/\/letta_migrator$/);
  });

  test('tells its function everything by properties', () => {
    template.hasResourceProperties('Custom::LettaMigration', {
      cluster: Match.anyValue(),
      taskDefinition: { Ref: Match.stringLikeRegexp('Migration') },
      subnets: [Match.anyValue(), Match.anyValue()],
      securityGroups: [Match.anyValue()],
      logGroup: { Ref: Match.stringLikeRegexp('MigrationTaskLogs') },
      logStreamPrefix: 'task',
    });
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      if (Properties.Handler !== 'index.onEvent' && Properties.Handler !== 'index.isComplete') continue;
      expect(Properties.Environment).toBeUndefined();
      expect(Properties.VpcConfig).toBeUndefined();
      expect(Properties.Runtime).toBe('nodejs24.x');
    }
  });

  test('starts only its own task, with only its own roles', () => {
    const [writing, ...statements] = statementsOf(template, 'MigrationOnEvent');
    expect(asText(writing.Resource)).toMatch(OWN_LOGS);
    expect(statements.map(({ Action }) => Action)).toEqual(['ecs:RunTask', 'iam:PassRole']);
    expect(asText(statements[0].Resource)).toMatch(/:task-definition\/TestLettaMigrationTaskDefinition\w+:\*$/);
    expect(statements[0].Condition).toEqual({
      ArnEquals: { 'ecs:cluster': expect.anything() },
      StringEqualsIfExists: { 'ecs:enable-execute-command': 'false' },
    });
    expect((statements[1].Resource as unknown[]).map(asText)).toEqual([
      expect.stringContaining('MigrationTaskDefinitionTaskRole'),
      expect.stringContaining('MigrationTaskDefinitionExecutionRole'),
    ]);
    expect(statements[1].Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
  });

  test("watches only its own cluster's tasks, its own log and its own stack", () => {
    const [writing, ...statements] = statementsOf(template, 'MigrationIsComplete');
    expect(asText(writing.Resource)).toMatch(OWN_LOGS);
    expect(statements.map(({ Action }) => Action)).toEqual([
      'ecs:DescribeTasks',
      'logs:GetLogEvents',
      'cloudformation:DescribeStacks',
    ]);
    expect((statements[1].Resource as unknown[]).map(asText)).toEqual(
      ['letta', 'gateway'].map((container) =>
        expect.stringMatching(
          new RegExp(`log-group:\\$\\{LettaMigrationTaskLogs\\w+\\}:log-stream:task/${container}/\\*$`),
        ),
      ),
    );
    expect(asText(statements[2].Resource)).toBe('${AWS::StackId}');
  });
});
