import { CfnParameter, Duration, Lazy, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import {
  BedrockAccess,
  BedrockModel,
  ILettaDatabase,
  LettaCache,
  LettaDatabase,
  LettaImage,
  LettaService,
  LettaServiceProps,
} from '../../lib';
import { asText, Match, Statement, statementsOf, Template, testApp, warningsOf } from './support';

const DIGEST = 'sha256:' + 'a'.repeat(64);

interface Parts {
  readonly stack: Stack;
  readonly vpc: ec2.IVpc;
  readonly database: ILettaDatabase;
}

/** A service on a database and a cache that exist already. */
function service(
  props: Partial<LettaServiceProps> | ((parts: Parts) => Partial<LettaServiceProps>) = {},
  maxConnections?: number,
): { stack: Stack; service: LettaService; template: () => Template; warnings: () => string[] } {
  const app = testApp();
  const stack = new Stack(app, 'Test');
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  const database = LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
    host: 'db.example.com',
    resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    securityGroup: new ec2.SecurityGroup(stack, 'DatabaseGroup', { vpc, allowAllOutbound: false }),
    maxConnections,
  });
  const made = new LettaService(stack, 'Letta', {
    vpc,
    http: true,
    database,
    cache: LettaCache.fromLettaCacheAttributes(stack, 'Cache', {
      host: 'cache.example.com',
      replicationGroupId: 'letta-cache',
      userId: 'letta',
      securityGroup: new ec2.SecurityGroup(stack, 'CacheGroup', { vpc, allowAllOutbound: false }),
    }),
    bedrock: new BedrockAccess(stack, 'Bedrock', {
      models: [BedrockModel.US_CLAUDE_SONNET_4_6, BedrockModel.US_CLAUDE_HAIKU_4_5],
      embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    }),
    ...(typeof props === 'function' ? props({ stack, vpc, database }) : props),
  });
  return { stack, service: made, template: () => Template.fromStack(stack), warnings: () => warningsOf(app) };
}

interface Container {
  readonly Name: string;
  readonly Environment: { Name: string; Value: unknown }[];
  readonly [property: string]: unknown;
}

function containers(template: Template, task: 'service' | 'migration' = 'service'): Record<string, Container> {
  const definitions = Object.entries(template.findResources('AWS::ECS::TaskDefinition'));
  const [, definition] = definitions.find(([id]) => id.includes('Migration') === (task === 'migration'))!;
  return Object.fromEntries(definition.Properties.ContainerDefinitions.map((c: Container) => [c.Name, c]));
}

function environment(container: Container): Record<string, string> {
  return Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, asText(Value)]));
}

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
      NO_PROXY: '127.0.0.1:4566,127.0.0.1:11434',
      LETTA_DEFAULT_LLM_HANDLE: 'bedrock/us.anthropic.claude-sonnet-4-6',
      LETTA_DEFAULT_EMBEDDING_HANDLE: 'ollama/amazon.titan-embed-text-v2:0',
      E2B_API_KEY: 'the-gateway-signs',
    });
  });

  test('tells the gateway what it serves', () => {
    const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    expect(environment(gateway)).toEqual({
      GATEWAY_LISTENERS: 'api,aws,embeddings,cache,egress,database',
      AWS_REGION: '${AWS::Region}',
      GATEWAY_AWS_URL_SUFFIX: '${AWS::URLSuffix}',
      GATEWAY_AWS_CA_FILE: '/opt/gateway/ca/aws.pem',
      GATEWAY_STOP_TIMEOUT_SECONDS: '110',
      GATEWAY_API_PASSWORD_SECRET_ARN: `\${${secret}}`,
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
        { id: 'us.anthropic.claude-sonnet-4-6' },
        { id: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' },
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
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
    ]);
  });
});

describe('the service', () => {
  const template = service().template();

  test('runs two tasks, keeps two while it rolls, and rolls back by itself', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      DesiredCount: 2,
      HealthCheckGracePeriodSeconds: 180,
      AvailabilityZoneRebalancing: 'ENABLED',
      EnableExecuteCommand: false,
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      NetworkConfiguration: {
        AwsvpcConfiguration: { AssignPublicIp: 'DISABLED', Subnets: [Match.anyValue(), Match.anyValue()] },
      },
    });
  });

  test('has a cluster with container insights', () => {
    template.hasResourceProperties('AWS::ECS::Cluster', {
      ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }],
    });
  });

  test('has a password of 48 letters and digits in Secrets Manager', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true },
    });
  });

  test('keeps its logs for three months, and when the stack goes', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
    template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Retain' });
  });
});

describe('the load balancer', () => {
  const template = service().template();

  test('is internal, drops invalid headers, waits ten minutes and logs access', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'idle_timeout.timeout_seconds', Value: '600' },
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'access_logs.s3.enabled', Value: 'true' },
      ]),
    });
  });

  test("asks for Letta's health without a redirect and lets running turns end", () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckPath: '/v1/health/',
      Matcher: { HttpCode: '200' },
      Port: 8283,
      TargetType: 'ip',
      TargetGroupAttributes: Match.arrayWith([{ Key: 'deregistration_delay.timeout_seconds', Value: '600' }]),
    });
  });

  test('writes access logs to a bucket of its own, encrypted by S3, by TLS only', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 90, Status: 'Enabled' }] },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 's3:PutObject',
            Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
          }),
        ]),
      }),
    });
  });

  test('lets nobody in before allowFrom', () => {
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
    expect(rules.map(({ Properties }) => Properties.FromPort).sort()).toEqual([5432, 6379, 8283]);
    for (const group of Object.values(template.findResources('AWS::EC2::SecurityGroup'))) {
      expect(group.Properties.SecurityGroupIngress).toBeUndefined();
    }
  });

  test('lets in whom allowFrom names, on its own port', () => {
    const { service: letta, template: opened } = service();
    letta.allowFrom(ec2.Peer.ipv4('10.1.0.0/16'), 'office');
    opened().hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [
        { CidrIp: '10.1.0.0/16', Description: 'office', FromPort: 80, IpProtocol: 'tcp', ToPort: 80 },
      ],
    });
  });

  test('serves HTTPS with a certificate', () => {
    const { service: letta, template: https } = service(({ stack }) => ({
      http: undefined,
      certificate: acm.Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:us-east-1:111122223333:certificate/x',
      ),
    }));
    letta.allowFrom(ec2.Peer.ipv4('10.1.0.0/16'));
    https().hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13'),
    });
    expect(asText(Stack.of(letta).resolve(letta.url))).toMatch(/^https:/);
  });
});

describe('security groups', () => {
  test('are closed both ways but for what is named', () => {
    const template = service().template();
    const egress = Object.values(template.findResources('AWS::EC2::SecurityGroupEgress'));
    expect(egress.map(({ Properties }) => Properties.ToPort).sort()).toEqual([5432, 6379, 8283]);
    // EC2 lets a group without any inline outbound rule out everywhere: one that matches nothing stays in each.
    for (const group of Object.values(template.findResources('AWS::EC2::SecurityGroup'))) {
      expect(group.Properties.SecurityGroupEgress).toMatchObject([
        { CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' },
      ]);
    }
  });
});

describe('tuning', () => {
  test("takes the public documents' values", () => {
    const { template } = service({
      uvicornWorkers: 2,
      pgPoolSize: 80,
      pgMaxOverflow: 30,
      pgPoolTimeout: Duration.seconds(30),
      pgPoolRecycle: Duration.seconds(1800),
      uvicornKeepAlive: Duration.minutes(20),
      cpu: 2048,
      memoryLimitMiB: 4096,
    });
    const { gateway, letta } = containers(template());
    expect(environment(letta)).toMatchObject({
      LETTA_UVICORN_WORKERS: '2',
      LETTA_PG_POOL_SIZE: '80',
      LETTA_PG_MAX_OVERFLOW: '30',
      LETTA_PG_POOL_TIMEOUT: '30',
      LETTA_PG_POOL_RECYCLE: '1800',
      LETTA_UVICORN_TIMEOUT_KEEP_ALIVE: '1200',
    });
    expect(environment(gateway).GATEWAY_DATABASE_MAX_CONNECTIONS).toBe('220');
    template().hasResourceProperties('AWS::ECS::TaskDefinition', { Cpu: '2048', Memory: '4096' });
  });

  test('fits the database exactly: 4 tasks while it rolls × 1 worker × (80 + 30) + 20', () => {
    expect(() => service({ pgPoolSize: 80, pgMaxOverflow: 30 }, 460)).not.toThrow();
    expect(() => service({ pgPoolSize: 80, pgMaxOverflow: 30 }, 459)).toThrow(
      'Test/Letta: the tasks may open 460 database connections (4 tasks while a deployment rolls × 1 uvicornWorkers × ' +
        "(80 pgPoolSize + 30 pgMaxOverflow) + 20 databaseConnectionReserve), wanted at most the database's 459: lower " +
        'one of them or use a larger database instance',
    );
  });

  test('passes tokens', () => {
    const { template } = service(
      ({ stack }) => ({
        cpu: new CfnParameter(stack, 'Cpu', { type: 'Number' }).valueAsNumber,
        desiredCount: Lazy.number({ produce: () => 3 }),
        idleTimeout: Duration.seconds(900),
      }),
      10,
    );
    template().hasResourceProperties('AWS::ECS::TaskDefinition', { Cpu: { Ref: 'Cpu' } });
    template().hasResourceProperties('AWS::ECS::Service', { DesiredCount: 3 });
  });
});

describe('openings', () => {
  test.each(['unsafeToolsInLettaContainer', 'externalProviders', 'mcpServers', 'agentImport'])(
    '%s opens its routes and warns of what it risks',
    (prop) => {
      const { template, warnings } = service({ [prop]: true });
      expect(environment(containers(template()).gateway).GATEWAY_OPEN_ROUTES).toBe(prop);
      expect(warnings().filter((warning) => warning.includes(`cdk-letta:LettaService.${prop}`))).toHaveLength(1);
    },
  );

  test('only `unsafeToolsInLettaContainer` takes Letta its sandbox that nothing reaches', () => {
    const sandboxOf = (props: Parameters<typeof service>[0]) =>
      environment(containers(service(props).template()).letta).E2B_API_KEY;
    expect(sandboxOf({ mcpServers: true })).toBe('the-gateway-signs');
    expect(sandboxOf({ unsafeToolsInLettaContainer: true })).toBeUndefined();
  });

  test('web origins are told to the gateway', () => {
    const { template } = service({ corsOrigins: ['https://app.letta.com', 'https://chat.example.com:8443'] });
    expect(environment(containers(template()).gateway).GATEWAY_CORS_ORIGINS).toBe(
      'https://app.letta.com,https://chat.example.com:8443',
    );
  });

  test('plain HTTP warns', () => {
    expect(service().warnings().join()).toContain('cdk-letta:LettaService.http');
  });
});

describe('images', () => {
  test('are built for ARM64 when the tasks are', () => {
    const { template, stack } = service({ cpuArchitecture: ecs.CpuArchitecture.ARM64 });
    template().allResourcesProperties('AWS::ECS::TaskDefinition', { RuntimePlatform: { CpuArchitecture: 'ARM64' } });
    expect(platforms(stack)).toEqual(['linux/arm64']);
  });

  test('are built for x86_64 otherwise, whatever builds them', () => {
    expect(platforms(service().stack)).toEqual(['linux/amd64']);
  });

  test('the one upstream published is wrapped, for x86_64 only', () => {
    expect(platforms(service({ image: LettaImage.fromDockerHub() }).stack)).toEqual(['linux/amd64']);
    expect(() => service({ image: LettaImage.fromDockerHub(), cpuArchitecture: ecs.CpuArchitecture.ARM64 })).toThrow(
      'Test/Letta: the image upstream published is pinned for x86_64, got cpuArchitecture ARM64: use ' +
        'LettaImage.fromPackage(), or leave cpuArchitecture out',
    );
  });

  test('of a repository may be pinned by digest without a warning', () => {
    const { warnings } = service(({ stack }) => ({
      image: LettaImage.fromEcr(ecr.Repository.fromRepositoryName(stack, 'Repository', 'letta'), DIGEST),
      gatewayImage: ecs.ContainerImage.fromRegistry(`example.com/gateway@${DIGEST}`),
    }));
    expect(warnings().join()).not.toContain('imageNotPinned');
  });

  test.each<[string, (stack: Stack) => Partial<LettaServiceProps>, string]>([
    [
      'letta',
      (stack) => ({ image: LettaImage.fromEcr(ecr.Repository.fromRepositoryName(stack, 'R', 'letta'), '0.16.8') }),
      'an image without a digest that is known at synth',
    ],
    [
      'gateway',
      () => ({ gatewayImage: ecs.ContainerImage.fromRegistry('example.com/gateway:1') }),
      "'example.com/gateway:1'",
    ],
  ])('of %s that is neither an asset nor pinned warns', (name, props, shown) => {
    const { warnings } = service(({ stack }) => props(stack));
    expect(warnings().join('\n')).toContain(
      `container '${name}' runs ${shown}, wanted an asset or a digest (sha256:…)`,
    );
  });

  function platforms(stack: Stack): string[] {
    const assembly = testAssembly(stack);
    return [...new Set(assembly.map(({ source }) => source.platform))];
  }

  function testAssembly(stack: Stack): { source: { platform: string } }[] {
    const assembly = (stack.node.root as ReturnType<typeof testApp>).synth();
    const manifest = assembly.artifacts.find((artifact) => 'contents' in artifact) as unknown as {
      contents: { dockerImages: Record<string, { source: { platform: string } }> };
    };
    return Object.values(manifest.contents.dockerImages);
  }
});

describe('the migration', () => {
  const template = service().template();
  const { gateway, letta } = containers(template, 'migration');

  test("runs alembic of the server's own image as the migrator", () => {
    expect((letta.Command as string[]).slice(-3)).toEqual(['alembic', 'upgrade', 'head']);
    expect(letta.WorkingDirectory).toBe('/opt/letta/migrations');
    expect(letta.Image).toEqual(containers(template).letta.Image);
    expect(environment(letta)).toEqual({ LETTA_PG_URI: 'postgresql://letta_migrator@127.0.0.1:6432/letta' });
  });

  test('has a gateway for the database alone', () => {
    expect(environment(gateway)).toEqual({
      GATEWAY_LISTENERS: 'database',
      AWS_REGION: '${AWS::Region}',
      GATEWAY_AWS_URL_SUFFIX: '${AWS::URLSuffix}',
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
    const statements = statementsOf(template, 'MigrationOnEvent');
    expect(statements.map(({ Action }) => Action)).toEqual(['ecs:RunTask', 'iam:PassRole']);
    expect(asText(statements[0].Resource)).toMatch(/:task-definition\/TestLettaMigrationTaskDefinition\w+:\*$/);
    expect(statements[0].Condition).toEqual({ ArnEquals: { 'ecs:cluster': expect.anything() } });
    expect((statements[1].Resource as unknown[]).map(asText)).toEqual([
      expect.stringContaining('MigrationTaskDefinitionTaskRole'),
      expect.stringContaining('MigrationTaskDefinitionExecutionRole'),
    ]);
    expect(statements[1].Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
  });

  test("watches only its own cluster's tasks, its own log and its own stack", () => {
    const statements = statementsOf(template, 'MigrationIsComplete');
    expect(statements.map(({ Action }) => Action)).toEqual([
      'ecs:DescribeTasks',
      'logs:GetLogEvents',
      'cloudformation:DescribeStacks',
    ]);
    expect(asText(statements[1].Resource)).toMatch(
      /log-group:\$\{LettaMigrationTaskLogs\w+\}:log-stream:task\/letta\/\*$/,
    );
    expect(asText(statements[2].Resource)).toBe('${AWS::StackId}');
  });
});

describe("somebody else's parts", () => {
  test('are used instead of new ones', () => {
    const { template } = service(({ stack, vpc }) => ({
      cluster: new ecs.Cluster(stack, 'OwnCluster', { vpc }),
      taskRole: new iam.Role(stack, 'OwnTaskRole', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }),
      executionRole: new iam.Role(stack, 'OwnExecutionRole', {
        assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      }),
      apiPassword: new secretsmanager.Secret(stack, 'OwnPassword'),
    }));
    const result = template();
    result.resourceCountIs('AWS::ECS::Cluster', 1);
    result.resourceCountIs('AWS::SecretsManager::Secret', 1);
    result.hasResourceProperties('AWS::ECS::TaskDefinition', {
      TaskRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('OwnTaskRole'), 'Arn'] },
      ExecutionRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('OwnExecutionRole'), 'Arn'] },
    });
    expect(environment(containers(result).gateway).GATEWAY_API_PASSWORD_SECRET_ARN).toMatch(/^\$\{OwnPassword/);
    expect(statementsOf(result, 'OwnTaskRole').flatMap(({ Action }) => Action)).toContain('rds-db:connect');
  });

  test('a key encrypts the logs and the password', () => {
    const { template } = service(({ stack }) => ({ encryptionKey: new kms.Key(stack, 'Key') }));
    const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
    template().allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: key });
    template().hasResourceProperties('AWS::SecretsManager::Secret', { KmsKeyId: key });
  });

  test('may be granted more by the service as a principal', () => {
    const { service: letta, stack, template } = service();
    new kms.Key(stack, 'Data').grantDecrypt(letta);
    expect(statementsOf(template(), 'LettaTaskDefinitionTaskRole').flatMap(({ Action }) => Action)).toContain(
      'kms:Decrypt',
    );
  });
});

describe('bad input', () => {
  test.each<[string, Partial<LettaServiceProps>, string]>([
    [
      'neither certificate nor http',
      { http: undefined },
      'Test/Letta: neither certificate nor http is given, wanted a certificate for the load balancer: give one, or ' +
        'http: true to serve the API unencrypted',
    ],
    [
      'a CPU size Fargate has not',
      { cpu: 1000 },
      "Test/Letta: cpu is 1000, wanted one of Fargate's sizes 256, 512, 1024",
    ],
    [
      'memory Fargate has not with that CPU',
      { cpu: 1024, memoryLimitMiB: 16384 },
      'Test/Letta: memoryLimitMiB is 16384 with cpu 1024, wanted what Fargate offers there, 2048 to 8192 in steps of 1024',
    ],
    [
      'memory between two steps',
      { cpu: 256, memoryLimitMiB: 1536 },
      'wanted what Fargate offers there, 512, 1024 or 2048',
    ],
    [
      'too little memory for the workers',
      { memoryLimitMiB: 2048, uvicornWorkers: 4 },
      'Test/Letta: memoryLimitMiB is 2048 for 4 uvicornWorkers, wanted at least 2416 (540 for each worker and 256 for ' +
        'the gateway): raise memoryLimitMiB or use fewer workers',
    ],
    ['no worker', { uvicornWorkers: 0 }, 'Test/Letta: uvicornWorkers is 0, wanted a whole number from 1'],
    ['a fraction of a task', { desiredCount: 1.5 }, 'Test/Letta: desiredCount is 1.5, wanted a whole number from 0'],
    ['an empty pool', { pgPoolSize: 0 }, 'Test/Letta: pgPoolSize is 0, wanted a whole number from 1'],
    [
      'too short an idle time-out',
      { idleTimeout: Duration.seconds(599) },
      'Test/Letta: idleTimeout is 599 s, wanted 600 to 4000 s, because turns last minutes',
    ],
    [
      'an origin with a path',
      { corsOrigins: ['https://app.letta.com/'] },
      "Test/Letta: corsOrigins holds 'https://app.letta.com/', wanted an origin such as https://app.letta.com",
    ],
  ])('fails on %s', (_name, props, message) => {
    expect(() => service(props)).toThrow(message);
  });

  test('fails on a certificate and http together', () => {
    expect(() =>
      service(({ stack }) => ({
        certificate: acm.Certificate.fromCertificateArn(stack, 'C', 'arn:aws:acm:::certificate/x'),
      })),
    ).toThrow('Test/Letta: certificate and http are both given');
  });

  test('fails on subnets in one availability zone', () => {
    expect(() => service(({ vpc }) => ({ vpcSubnets: { subnets: [vpc.isolatedSubnets[0]] } }))).toThrow(
      'Test/Letta: the subnets are in 1 availability zones, wanted at least two for the load balancer',
    );
  });
});
