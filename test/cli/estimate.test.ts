import { Estimate, estimate } from '../../cli/cost/estimate';
import { PriceTable } from '../../cli/cost/price-table';
import { Resource } from '../../cli/synthesized';

const table = PriceTable.read();

function estimated(resources: Record<string, Resource>, region = 'us-east-1'): Estimate {
  const turn = { inputTokens: 1, outputTokens: 1, calls: 1 };
  return estimate({ name: 'Test', file: 'test.json', resources }, { region, table, turn });
}

/** What a resource alone costs a month, at least and at most, and what is unknown of it. */
function bill(Type: string, Properties: Record<string, unknown>, others: Record<string, Resource> = {}): unknown {
  const { monthly, unknown } = estimated({ It: { Type, Properties }, ...others });
  return [Number(monthly.least.toFixed(2)), Number(monthly.most.toFixed(2)), unknown.length];
}

const instance = { Engine: 'postgres', DBInstanceClass: 'db.m7g.large', AllocatedStorage: '100', StorageType: 'gp3' };
const cluster = (ServerlessV2ScalingConfiguration: unknown, StorageType?: string): Record<string, Resource> => ({
  Cluster: { Type: 'AWS::RDS::DBCluster', Properties: { ServerlessV2ScalingConfiguration, StorageType } },
});
const serverless = {
  Engine: 'aurora-postgresql',
  DBInstanceClass: 'db.serverless',
  DBClusterIdentifier: { Ref: 'Cluster' },
};
const task = (properties: Record<string, unknown>): Record<string, Resource> => ({
  Task: { Type: 'AWS::ECS::TaskDefinition', Properties: { Cpu: '1024', Memory: '2048', ...properties } },
});
const scaling = (properties: Record<string, unknown>): Record<string, Resource> => ({
  ...task({}),
  Target: {
    Type: 'AWS::ApplicationAutoScaling::ScalableTarget',
    Properties: {
      ResourceId: { 'Fn::Join': ['', ['service/', { 'Fn::GetAtt': ['It', 'Name'] }]] },
      ...properties,
    },
  },
});
const service = { TaskDefinition: { Ref: 'Task' }, DesiredCount: 1 };

test.each<[string, string, Record<string, unknown>, unknown, Record<string, Resource>?]>([
  // 0.168 × 730 + 100 × 0.115
  ['an instance in one zone', 'AWS::RDS::DBInstance', instance, [134.14, 134.14, 0]],
  // 0.337 × 730 + 100 × 0.23
  ['an instance with a standby', 'AWS::RDS::DBInstance', { ...instance, MultiAZ: true }, [269.01, 269.01, 0]],
  ['storage that grows', 'AWS::RDS::DBInstance', { ...instance, MaxAllocatedStorage: 500 }, [134.14, 180.14, 0]],
  [
    'the secret that RDS makes',
    'AWS::RDS::DBInstance',
    { ...instance, ManageMasterUserPassword: true },
    [134.54, 134.54, 0],
  ],
  [
    'an instance of an unknown class',
    'AWS::RDS::DBInstance',
    { ...instance, DBInstanceClass: 'db.x9.large' },
    [11.5, 11.5, 1],
  ],
  [
    'provisioned operations',
    'AWS::RDS::DBInstance',
    { ...instance, StorageType: 'io2', Iops: 3000 },
    [122.64, 122.64, 1],
  ],
  ['Database Insights', 'AWS::RDS::DBInstance', { ...instance, DatabaseInsightsMode: 'advanced' }, [134.14, 134.14, 1]],
  // 2 and 8 × 0.12 × 730
  [
    'Aurora Serverless',
    'AWS::RDS::DBInstance',
    serverless,
    [175.2, 700.8, 0],
    cluster({ MinCapacity: 2, MaxCapacity: 8 }),
  ],
  ['Aurora that pauses', 'AWS::RDS::DBInstance', serverless, [0, 87.6, 0], cluster({ MinCapacity: 0, MaxCapacity: 1 })],
  ['Aurora of an unknown size', 'AWS::RDS::DBInstance', serverless, [0, 0, 1], cluster(undefined)],
  [
    'two nodes of a cache',
    'AWS::ElastiCache::ReplicationGroup',
    { Engine: 'redis', CacheNodeType: 'cache.t4g.small', NumCacheClusters: 2 },
    [46.72, 46.72, 0],
  ],
  [
    'a cache with copies',
    'AWS::ElastiCache::ReplicationGroup',
    { Engine: 'valkey', CacheNodeType: 'cache.t4g.small', NumNodeGroups: 1, ReplicasPerNodeGroup: 2 },
    [56.06, 56.06, 0],
  ],
  [
    'an endpoint in three zones',
    'AWS::EC2::VPCEndpoint',
    { VpcEndpointType: 'Interface', SubnetIds: ['a', 'b', 'c'] },
    [21.9, 21.9, 0],
  ],
  ['a gateway endpoint', 'AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' }, [0, 0, 0]],
  ['a network load balancer', 'AWS::ElasticLoadBalancingV2::LoadBalancer', { Type: 'network' }, [0, 0, 1]],
  ['a task', 'AWS::ECS::Service', service, [36.04, 36.04, 0], task({})],
  [
    'a task on Arm',
    'AWS::ECS::Service',
    service,
    [28.83, 28.83, 0],
    task({ RuntimePlatform: { CpuArchitecture: 'ARM64' } }),
  ],
  [
    'a task on Windows',
    'AWS::ECS::Service',
    service,
    [0, 0, 1],
    task({ RuntimePlatform: { OperatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' } }),
  ],
  [
    'a disk beyond what is free',
    'AWS::ECS::Service',
    service,
    [36.04, 36.04, 1],
    task({ EphemeralStorage: { SizeInGiB: 50 } }),
  ],
  ['a count that ECS chooses', 'AWS::ECS::Service', { TaskDefinition: { Ref: 'Task' } }, [36.04, 36.04, 0], task({})],
  [
    'a count that CloudFormation works out',
    'AWS::ECS::Service',
    { ...service, DesiredCount: { Ref: 'Count' } },
    [0, 0, 1],
    task({}),
  ],
  [
    'a service that scales',
    'AWS::ECS::Service',
    service,
    [72.08, 360.4, 0],
    scaling({ MinCapacity: 2, MaxCapacity: 10 }),
  ],
  ['a key that rotates', 'AWS::KMS::Key', { EnableKeyRotation: true }, [1, 3, 0]],
  ['a key that does not', 'AWS::KMS::Key', {}, [1, 1, 0]],
  [
    'an alarm on two metrics',
    'AWS::CloudWatch::Alarm',
    { Metrics: [{ MetricStat: {} }, { MetricStat: {} }, { Expression: 'a/b' }] },
    [0.2, 0.2, 0],
  ],
  ['an alarm of ten seconds', 'AWS::CloudWatch::Alarm', { Period: 10 }, [0.3, 0.3, 0]],
  ['a web ACL with two rules', 'AWS::WAFv2::WebACL', { Rules: [{}, {}] }, [7, 7, 0]],
  ['a role', 'AWS::IAM::Role', {}, [0, 0, 0]],
  ['a custom resource', 'Custom::LettaMigration', {}, [0, 0, 0]],
  ['what nobody here knows', 'AWS::GameLift::Fleet', {}, [0, 0, 1]],
])('%s', (...[, type, properties, expected, others]) => {
  expect(bill(type, properties, others)).toEqual(expected);
});

test('Spot is told of, and is not taken to be cheaper than it may be', () => {
  const CapacityProviderStrategy = [{ CapacityProvider: 'FARGATE_SPOT', Weight: 1 }];
  const { fixed, monthly } = estimated({
    It: { Type: 'AWS::ECS::Service', Properties: { ...service, CapacityProviderStrategy } },
    ...task({}),
  });
  expect(fixed[0].what).toContain('partly Spot, priced as on demand');
  expect(monthly.least).toBeCloseTo(36.04, 2);
});

test('what is billed by use has the price of a unit and no part in the sum', () => {
  const { usage, monthly } = estimated({ One: { Type: 'AWS::Logs::LogGroup' }, Two: { Type: 'AWS::Logs::LogGroup' } });
  expect(usage).toContainEqual(
    expect.objectContaining({ price: 'logs/standard/gb', unitPrice: 0.5, resources: ['One', 'Two'] }),
  );
  expect(monthly).toEqual({ least: 0, most: 0 });
});

test('every price has a source with a name, an address and a date that has been', () => {
  const { sources, regions, models } = jest.requireActual('../../cli/cost/prices.json');
  const named = [...Object.values(regions), models].flatMap((group) => Object.keys(group as object));
  expect(named.length).toBeGreaterThan(5);
  expect(new Set(named)).toEqual(new Set(Object.keys(sources)));
  for (const { name, url, date } of Object.values<Record<string, string>>(sources)) {
    expect(name).not.toBe('');
    expect(new URL(url).protocol).toBe('https:');
    expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(Date.parse(date)).toBeLessThan(Date.now());
  }
});
