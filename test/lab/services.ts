import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseRole, RETENTION_ROLE } from '../../runtime/contract';
import { AwsRecord } from './aws-record';
import { CredentialsEndpoint, KeyIssuer } from './credentials';
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
import { pgvector } from './parts/pgvector';
import { type Postgres, startPostgres } from './parts/postgres';
import { likeRds, type Master, rdsHba } from './parts/rds';
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

    const master = masterOf(template, secrets);
    const databaseTls = await certificate(databaseAuthority, Name.DATABASE_HOST);
    const [instanceId, instance] = template.only('AWS::RDS::DBInstance');
    const postgres = await startPostgres({
      tls: databaseTls,
      vector: await pgvector(),
      hba: rdsHba(iamRoles.join(), 'trust'),
      settings: postgresSettings(template),
      // It is changed to its user by setpriv, and must end with this process: a change of user undoes an earlier setting.
      wrap: ([setpriv, ...command]) => [setpriv, '--pdeathsig', 'KILL', ...command],
    });
    started.push(() => postgres.stop());
    await likeRds(postgres, master, String(instance.Properties?.DBName));
    const databaseFront = new RdsFront({
      host: Name.DATABASE_HOST,
      port: Number(template.properties<{ Port?: string }>(instanceId).Port ?? 5432),
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

/** Roles that log in by token once they are members of rds_iam. */
const iamRoles: string[] = [DatabaseRole.MIGRATOR, DatabaseRole.RUNTIME, RETENTION_ROLE];

/**
 * Whether RDS would ask this user for a token: members of rds_iam, but not the master, who may only pass it on.
 *
 * @throws Error for one of our roles that is no member: the real server trusts it, RDS would not
 */
async function needsToken(postgres: Postgres, user: string): Promise<boolean> {
  const rows = await postgres.sql(
    `SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
     WHERE g.rolname = 'rds_iam' AND u.rolname = '${user.replaceAll("'", "''")}' AND (m.inherit_option OR m.set_option)`,
  );
  if (rows.length === 0 && iamRoles.includes(user))
    throw new Error(`${user} is no member of rds_iam and has no password`);
  return rows.length > 0;
}

/** The master as RDS makes it, its password in the secret that RDS manages. */
function masterOf(template: Template, secrets: FakeSecretsManager): Master {
  const [id, instance] = template.only('AWS::RDS::DBInstance');
  const master = {
    username: String(instance.Properties?.MasterUsername),
    password: randomBytes(18).toString('base64url'),
  };
  const secretArn = template.resolve({ 'Fn::GetAtt': [id, 'MasterUserSecret.SecretArn'] });
  secrets.put(String(secretArn), JSON.stringify(master));
  return master;
}

/** The parameter group's settings, as far as a plain Postgres knows them. */
function postgresSettings(template: Template): Record<string, string> {
  const parameters = template
    .ofType('AWS::RDS::DBParameterGroup')
    .flatMap(([id]) =>
      Object.entries(template.properties<{ Parameters?: Record<string, string> }>(id).Parameters ?? {}),
    );
  const known = parameters.filter(([name]) => !name.startsWith('rds.'));
  return Object.fromEntries(known.map(([name, value]) => [name, `'${value}'`]));
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
