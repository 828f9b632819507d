import { App, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { CacheEngine, LettaBedrockStack, LettaChecks, SealedNetwork } from '../lib';

/** Valkey instead of Redis, and tasks on ARM64: both cost less. The network lives in a stack of its own. */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const foundation = new Stack(app, 'Foundation');
const network = new SealedNetwork(foundation, 'Network', { ipAddresses: ec2.IpAddresses.cidr('10.42.0.0/16') });

new LettaBedrockStack(app, 'Letta', {
  http: true,
  network,
  cacheEngine: CacheEngine.VALKEY_8_1,
  cpuArchitecture: ecs.CpuArchitecture.ARM64,
});
