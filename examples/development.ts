import { App, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import {
  AwsService,
  BedrockAccess,
  BedrockModel,
  CacheEngine,
  EndpointSource,
  LettaCache,
  LettaChecks,
  LettaDatabase,
  LettaService,
  SealedNetwork,
  VpcEndpoints,
} from '../lib';

/**
 * The least that a server for trying things out costs, see "What it costs" in the README: one task on Arm, a small database
 * without a standby, one small node of Valkey, endpoints in one zone. When that zone fails, so does the server. Agents go
 * with the stack: nothing is kept when it is deleted.
 */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const stack = new Stack(app, 'LettaDevelopment');

for (const id of ['multi-az-off', 'cache-without-failover', 'database-deletable']) {
  Validations.of(stack).acknowledge({ id: `LettaChecks::${id}`, reason: 'a server for trying things out' });
}

// The load balancer and the database's subnet group want two zones; endpoints in one of them serve both.
const network = new SealedNetwork(stack, 'Network');
const { vpc } = network;
const endpoints = new VpcEndpoints(stack, 'Endpoints', {
  vpc,
  vpcSubnets: { subnets: [vpc.isolatedSubnets[0]] },
  sources: [{ service: AwsService.S3, source: EndpointSource.skip() }],
});
// The S3 gateway is free, and tasks of both zones need a route to it.
const gateway = new VpcEndpoints(stack, 'Gateway', {
  vpc,
  sources: [{ service: AwsService.S3, source: EndpointSource.create() }],
  defaultSource: EndpointSource.skip(),
});

const database = new LettaDatabase(stack, 'Database', {
  vpc,
  sourceVpc: vpc,
  instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM),
  multiAz: false,
  allocatedStorage: 20,
  maxAllocatedStorage: 100,
  deletionProtection: false,
  removalPolicy: RemovalPolicy.DESTROY,
});
for (const ways of [endpoints, gateway]) ways.serve(database.setupClient);
database.startsAfter(network, endpoints, gateway);

const service = new LettaService(stack, 'Service', {
  vpc,
  sourceVpc: vpc,
  http: true,
  database,
  cache: new LettaCache(stack, 'Cache', {
    vpc,
    engine: CacheEngine.VALKEY_8_1,
    nodeType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
    replicas: 0,
    multiAz: false,
  }),
  bedrock: new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_HAIKU_4_5],
    embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    sourceVpc: vpc,
  }),
  cpuArchitecture: ecs.CpuArchitecture.ARM64,
  desiredCount: 1,
});
for (const ways of [endpoints, gateway]) ways.serve(service);
service.startsAfter(network, endpoints, gateway);
