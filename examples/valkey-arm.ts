import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { CacheEngine, LettaBedrockStack, LettaCache, SealedNetwork } from '../lib';

/** Valkey instead of Redis, and tasks on ARM64: both cost less. Network and cache live in a stack of their own. */
const app = new App();
const foundation = new Stack(app, 'Foundation');
const network = new SealedNetwork(foundation, 'Network', { ipAddresses: ec2.IpAddresses.cidr('10.42.0.0/16') });
const cache = new LettaCache(foundation, 'Cache', { vpc: network.vpc, engine: CacheEngine.VALKEY_8_1 });

new LettaBedrockStack(app, 'Letta', { http: true, network, cache, cpuArchitecture: ecs.CpuArchitecture.ARM64 });
