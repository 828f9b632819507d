import { CfnParameter, Duration, Lazy, SecretValue, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LettaServiceProps } from '../../lib';
import { containers, environment, service } from './letta-service-support';

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

describe('turns at once', () => {
  const turns = (props: Partial<LettaServiceProps>): string =>
    environment(containers(service(props).template()).gateway).GATEWAY_MAX_CONCURRENT_TURNS;

  test('are 64 for each worker unless said otherwise', () => {
    expect(turns({})).toBe('64');
    expect(turns({ uvicornWorkers: 3, memoryLimitMiB: 4096 })).toBe('192');
    expect(turns({ uvicornWorkers: 3, memoryLimitMiB: 4096, maxConcurrentTurns: 10 })).toBe('10');
  });

  test('pass tokens', () => {
    const { template } = service(({ stack }) => ({
      maxConcurrentTurns: new CfnParameter(stack, 'Turns', { type: 'Number' }).valueAsNumber,
    }));
    expect(environment(containers(template()).gateway).GATEWAY_MAX_CONCURRENT_TURNS).toBe('${Turns}');
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
    [
      'a number of workers that is known only at deployment',
      { uvicornWorkers: Lazy.number({ produce: () => 2 }) },
      'Test/Letta: uvicornWorkers is known only at deployment, wanted a number at synth, because the database ' +
        'connections of a task are reckoned from it: change uvicornWorkers',
    ],
    ['a fraction of a task', { desiredCount: 1.5 }, 'Test/Letta: desiredCount is 1.5, wanted a whole number from 0'],
    ['no turn at all', { maxConcurrentTurns: 0 }, 'Test/Letta: maxConcurrentTurns is 0, wanted a whole number from 1'],
    [
      'more turns than the gateway takes',
      { maxConcurrentTurns: 100_001 },
      'Test/Letta: maxConcurrentTurns is 100001, wanted a whole number from 1 to 100000: change maxConcurrentTurns',
    ],
    [
      'more database connections of a task than its gateway takes',
      { uvicornWorkers: 1, pgPoolSize: 100_000 },
      'Test/Letta: uvicornWorkers × (pgPoolSize + pgMaxOverflow) is 100010, wanted a whole number from 1 to 100000',
    ],
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
      'LettaService Test/Letta: expected subnets in at least 2 availability zones, got 1: the load balancer demands two',
    );
  });

  test('fails in a VPC without isolated subnets, and says which there are', () => {
    expect(() =>
      service(({ stack }) => ({
        vpc: ec2.Vpc.fromVpcAttributes(stack, 'Public', {
          vpcId: 'vpc-1',
          availabilityZones: ['us-east-1a', 'us-east-1b'],
          publicSubnetIds: ['subnet-a', 'subnet-b'],
        }),
      })),
    ).toThrow(
      'LettaService Test/Letta: no subnet to stand in: expected isolated subnets, got a VPC with 2 public, 0 private with ' +
        'egress and 0 isolated subnets; give a VPC with isolated subnets, or name others by `vpcSubnets`',
    );
  });
});

describe('values of another kind, which JavaScript lets through', () => {
  test.each<[string, unknown, string]>([
    ['targetProtocol', 'https', "targetProtocol is 'https', wanted elbv2.ApplicationProtocol.HTTP or .HTTPS"],
    ['targetProtocol', 'TCP', "targetProtocol is 'TCP', wanted"],
    ['administratorPassword', 'hunter2', 'administratorPassword is no secret of Secrets Manager, wanted one and never'],
    ['apiPassword', SecretValue.unsafePlainText('hunter2'), 'apiPassword is no secret of Secrets Manager'],
    ['idleTimeout', 600, 'idleTimeout is 600, wanted a Duration: give Duration.seconds(600)'],
    ['allowedEgress', 'a.example.com:443', "allowedEgress is 'a.example.com:443', wanted a list"],
  ])('%s of %p is refused, and no password is repeated', (prop, value, message) => {
    const make = () => service({ [prop]: value });
    expect(make).toThrow(message);
    expect(make).not.toThrow('hunter2');
  });

  test('the same secret under two names is one secret', () => {
    const secret = (id: string) =>
      Secret.fromSecretCompleteArn(new Stack(), id, 'arn:aws:secretsmanager:us-east-1:111122223333:secret:P-AbCdEf');
    expect(() => service({ apiPassword: secret('A'), administratorPassword: secret('B') })).toThrow('the same secret');
  });
});
