import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AwsRecord } from './aws-record';
import { CredentialsEndpoint, KeyIssuer } from './credentials';
import { needsToken, portOf, startDatabaseInstance } from './database-instance';
import { ElastiCacheFront } from './elasticache-front';
import { FakeAgentCore } from './fake-aws/agentcore';
import { FakeBedrock, FakeBedrockRuntime, type Forward } from './fake-aws/bedrock';
import { FakeCloudFormation } from './fake-aws/cloudformation';
import { FakeEc2 } from './fake-aws/ec2';
import { FakeEcs } from './fake-aws/ecs';
import { FakeLambda } from './fake-aws/lambda';
import { FakeLogs } from './fake-aws/logs';
import { FakeRds } from './fake-aws/rds';
import { FakeS3 } from './fake-aws/s3';
import { FakeSecretsManager } from './fake-aws/secrets-manager';
import { FakeAws } from './fake-aws/server';
import type { FakeService } from './fake-aws/service';
import { LogFile } from './logs';
import { Address } from './namespace';
import { type Authority, createAuthority, createServerCertificate } from './parts/certificates';
import type { Postgres } from './parts/postgres';
import type { Master } from './parts/rds';
import { RdsFront } from './rds-front';
import { Redis } from './redis';
import { Name } from './resource-values';
import { interfaceEndpoints, s3Gateway } from './endpoints';
import { rolePolicies } from './role-policies';
import type { Template } from './template';

export interface ServicesOptions {
  readonly template: Template;
  /** Folder of the lab's run. */
  readonly folder: string;
  /** Ids of the chat models that the stack allows. */
  readonly chatModels: string[];
  /** Seconds that keys of roles live. */
  readonly keyLifetime: number;
  readonly forward?: Forward;
  /** Folder with the data of the snapshot that the stack's database is made of. @default - none, it is new */
  readonly snapshot?: string;
}

/** Everything that stands around a deployment: AWS, database, cache, and who may do what there. */
export class LabServices {
  private constructor(
    readonly awsAuthority: Authority,
    readonly databaseAuthority: Authority,
    readonly issuer: KeyIssuer,
    readonly record: AwsRecord,
    readonly credentials: CredentialsEndpoint,
    readonly secrets: FakeSecretsManager,
    readonly ecs: FakeEcs,
    readonly logs: FakeLogs,
    readonly bedrockRuntime: FakeBedrockRuntime,
    readonly bedrock: FakeBedrock,
    readonly cloudFormation: FakeCloudFormation,
    readonly aws: FakeAws,
    readonly awsHosts: string[],
    readonly master: Master,
    readonly postgres: Postgres,
    readonly databaseFront: RdsFront,
    readonly redis: Redis,
    readonly cacheFront: ElastiCacheFront,
    private readonly cachePort: number,
    readonly lambda: FakeLambda,
    readonly agentCore: FakeAgentCore,
    readonly rds: FakeRds,
    readonly s3: FakeS3,
  ) {}

  static async start(options: ServicesOptions): Promise<LabServices> {
    const started: (() => void | Promise<void>)[] = [];
    try {
      return await LabServices.startEach(options, started);
    } catch (error) {
      // The next try listens at the same addresses, and what still listens keeps the process from ending.
      for (const stop of started.reverse()) await stop();
      throw error;
    }
  }

  /** @param started is given how to stop each part, once it runs */
  private static async startEach(
    options: ServicesOptions,
    started: (() => void | Promise<void>)[],
  ): Promise<LabServices> {
    const { template, folder } = options;
    const issuer = new KeyIssuer(options.keyLifetime);
    const record = new AwsRecord((role) => rolePolicies(template, role));
    const [awsAuthority, databaseAuthority] = await Promise.all(
      ['aws', 'rds'].map((name) => createAuthority(path.join(folder, 'authorities'), name)),
    );
    const certificate = (authority: Authority, ...hosts: string[]) =>
      createServerCertificate(path.join(folder, 'certificates'), authority, hosts);

    const credentials = new CredentialsEndpoint(issuer);
    await credentials.start(Address.CREDENTIALS);
    started.push(() => credentials.stop());

    const bedrock = new FakeBedrock(options.chatModels);
    const bedrockRuntime = new FakeBedrockRuntime(options.forward);
    const [secrets, ecs, logs] = [new FakeSecretsManager(), new FakeEcs(), new FakeLogs(path.join(folder, 'logs'))];
    const cloudFormation = new FakeCloudFormation(String(template.resolve({ Ref: 'AWS::StackId' })));
    const [lambda, agentCore, rds] = [new FakeLambda(), new FakeAgentCore(), new FakeRds()];
    const s3 = new FakeS3();
    const services: FakeService[] = [
      s3,
      bedrock,
      bedrockRuntime,
      secrets,
      ecs,
      logs,
      new FakeEc2(),
      cloudFormation,
      lambda,
      agentCore,
      rds,
    ];
    const awsHosts = FakeAws.hosts(services);
    const tls = await certificate(awsAuthority, ...awsHosts);
    const endpointPolicy = (host: string) =>
      host === s3.host ? s3Gateway(template) : interfaceEndpoints(template).get(host);
    const aws = new FakeAws({ services, issuer, record, endpointPolicy, tls });
    await aws.start(Address.AWS);
    started.push(() => aws.stop());

    const databaseTls = await certificate(databaseAuthority, Name.DATABASE_HOST);
    const { snapshot } = options;
    const { postgres, master } = await startDatabaseInstance({ template, secrets, tls: databaseTls, snapshot });
    started.push(() => postgres.stop());
    const databaseFront = new RdsFront({
      host: Name.DATABASE_HOST,
      port: portOf(template),
      resourceId: Name.DATABASE_RESOURCE,
      upstream: postgres,
      needsToken: (user) => needsToken(postgres, user),
      issuer,
      record,
      tls: databaseTls,
    });
    await databaseFront.start(Address.DATABASE);
    started.push(() => databaseFront.stop());

    const cacheTls = await certificate(awsAuthority, Name.CACHE_HOST);
    const redisFolder = path.join(folder, 'redis');
    mkdirSync(redisFolder, { recursive: true });
    const redis = new Redis({
      folder: redisFolder,
      port: 6380,
      tls: { ...cacheTls, ca: awsAuthority.cert, caFile: awsAuthority.certFile },
      users: cacheUsers(template),
      log: new LogFile(path.join(folder, 'logs/redis.log')),
    });
    await redis.start();
    started.push(() => redis.stop());
    const [cacheId] = template.only('AWS::ElastiCache::ReplicationGroup');
    const cacheFront = new ElastiCacheFront({ replicationGroupId: Name.CACHE, redis, issuer, record, tls: cacheTls });
    const cachePort = Number(template.properties<{ Port?: number }>(cacheId).Port ?? 6379);
    await cacheFront.start(Address.CACHE, cachePort);

    return new LabServices(
      ...([awsAuthority, databaseAuthority, issuer, record, credentials, secrets, ecs, logs] as const),
      ...([
        bedrockRuntime,
        bedrock,
        cloudFormation,
        aws,
        awsHosts,
        master,
        postgres,
        databaseFront,
        redis,
        cacheFront,
        cachePort,
        lambda,
        agentCore,
        rds,
        s3,
      ] as const),
    );
  }

  /** The database goes away as in a fail-over: sessions are cut, connections refused. */
  async databaseDown(): Promise<void> {
    this.databaseFront.stop();
    await this.postgres.down();
  }

  async databaseUp(): Promise<void> {
    await this.postgres.up();
    await this.databaseFront.start(Address.DATABASE);
  }

  /** The cache goes away: connections are cut, new ones refused, what it held is gone. */
  async cacheDown(): Promise<void> {
    this.cacheFront.stop();
    await this.redis.stop();
  }

  async cacheUp(): Promise<void> {
    await this.redis.start();
    await this.cacheFront.start(Address.CACHE, this.cachePort);
  }

  async stop(): Promise<void> {
    await this.agentCore.stop();
    this.aws.stop();
    this.databaseFront.stop();
    this.cacheFront.stop();
    this.credentials.stop();
    await this.redis.stop();
    await this.postgres.stop();
  }
}

/** ElastiCache's IAM users with their access strings. */
function cacheUsers(template: Template): Record<string, string> {
  const users = template
    .ofType('AWS::ElastiCache::User')
    .map(([id]) =>
      template.properties<{ UserName: string; AccessString: string; AuthenticationMode?: { Type?: string } }>(id),
    )
    .filter(({ AuthenticationMode }) => AuthenticationMode?.Type === 'iam');
  return Object.fromEntries(users.map(({ UserName, AccessString }) => [UserName, AccessString]));
}
