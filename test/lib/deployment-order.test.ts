import { LettaBedrockStack } from '../../lib';
import { Template, testApp } from './support';
import { TemplateGraph } from './template-graph';

const graph = new TemplateGraph(
  Template.fromStack(new LettaBedrockStack(testApp(), 'LettaBedrockStack', { http: true })).toJSON().Resources,
);

const SETUP = graph.id('Custom::LettaDatabaseSetup');
const MIGRATION = graph.id('Custom::LettaMigration');
const SERVICE = graph.id('AWS::ECS::Service');
const PREFIX_LIST = graph.id('Custom::LettaS3PrefixList');
const DATABASE = graph.id('AWS::RDS::DBInstance');
const CACHE = graph.id('AWS::ElastiCache::ReplicationGroup');
const ENDPOINTS = graph.ids('AWS::EC2::VPCEndpoint');

/** Rules of a security group, inbound or outbound, that stand on their own. */
function rulesOf(group: string): string[] {
  return [...graph.ids('AWS::EC2::SecurityGroupIngress'), ...graph.ids('AWS::EC2::SecurityGroupEgress')].filter((id) =>
    graph.references(id).includes(group),
  );
}

/** Policies that belong to the roles a resource uses. */
function policiesOf(id: string): string[] {
  const roles = [...graph.before(id)].filter((other) => graph.resource(other).Type === 'AWS::IAM::Role');
  return graph
    .ids('AWS::IAM::Policy')
    .filter((policy) => graph.references(policy).some((role) => roles.includes(role)));
}

function expectBefore(id: string, others: string[]): void {
  expect(others.length).toBeGreaterThan(0);
  const before = graph.before(id);
  expect(others.filter((other) => !before.has(other))).toEqual([]);
}

test('nothing waits for itself', () => {
  expect(graph.cycles()).toEqual([]);
});

test('set-up, then migration, then service', () => {
  expectBefore(MIGRATION, [SETUP]);
  expectBefore(SERVICE, [MIGRATION]);
});

describe('before the set-up function is called', () => {
  const setUpGroup = graph.id('AWS::EC2::SecurityGroup', 'DatabaseSetup');

  test('the database stands', () => expectBefore(SETUP, [DATABASE]));
  test('its role has its policy', () => expectBefore(SETUP, policiesOf(SETUP)));
  test('its way to the database and to the endpoints is open', () => expectBefore(SETUP, rulesOf(setUpGroup)));
  test('the endpoint of Secrets Manager stands', () =>
    expectBefore(SETUP, [graph.id('AWS::EC2::VPCEndpoint', 'SecretsManager')]));
});

describe.each([
  ['the migration', MIGRATION, 'ServiceMigrationTask', 'ServiceMigrationSecurityGroup'],
  ['the service', SERVICE, 'ServiceTask', 'ServiceSecurityGroup'],
])('before %s starts a task', (_name, id, task, group) => {
  const taskGroup = graph.id('AWS::EC2::SecurityGroup', group);

  test('the database is set up', () => expectBefore(id, [DATABASE, SETUP]));
  test('every endpoint stands: images, logs, secrets, models', () => expectBefore(id, ENDPOINTS));
  test('the way to S3, where the layers of the images are, is open', () => {
    const toS3 = graph
      .ids('AWS::EC2::SecurityGroupEgress')
      .filter((rule) => graph.references(rule).includes(taskGroup) && graph.references(rule).includes(PREFIX_LIST));
    expectBefore(id, toS3);
  });
  test('every rule of its security group stands', () => expectBefore(id, rulesOf(taskGroup)));
  test('its roles have their policies', () => {
    const policies = graph.ids('AWS::IAM::Policy').filter((policy) => policy.startsWith(`${task}Definition`));
    expect(policies).toHaveLength(2);
    expectBefore(id, policies);
  });
  test('its log group stands', () => expectBefore(id, [graph.id('AWS::Logs::LogGroup', `${task}Logs`)]));
});

test('before the service starts tasks the cache, its user and the listener stand', () => {
  expectBefore(SERVICE, [
    CACHE,
    ...graph.ids('AWS::ElastiCache::User'),
    ...graph.ids('AWS::ElastiCache::UserGroup'),
    ...graph.ids('AWS::ElasticLoadBalancingV2::Listener'),
  ]);
});

test('before the load balancer logs its access it is allowed to', () => {
  expectBefore(graph.id('AWS::ElasticLoadBalancingV2::LoadBalancer'), graph.ids('AWS::S3::BucketPolicy'));
});

/** Policies of the role that a function runs with. */
function policiesOfFunction(id: string): string[] {
  return graph
    .ids('AWS::IAM::Policy')
    .filter((policy) => graph.references(policy).some((role) => isRole(role) && graph.references(id).includes(role)));
}

function grants(policy: string): boolean {
  const { PolicyDocument } = graph.resource(policy).Properties as unknown as {
    PolicyDocument: { Statement: { Effect: string }[] };
  };
  return PolicyDocument.Statement.some(({ Effect }) => Effect === 'Allow');
}

function isRole(id: string): boolean {
  return graph.resource(id).Type === 'AWS::IAM::Role';
}

test('before a function is called its role has its policy', () => {
  const pairs = graph
    .ids('AWS::Lambda::Function')
    // What denies a function's own code something names the function, so it can only stand before the first call.
    .flatMap((id) =>
      policiesOfFunction(id)
        .filter(grants)
        .map((policy) => [id, policy]),
    );
  expect(pairs.length).toBeGreaterThan(0);
  expect(pairs.filter(([id, policy]) => !graph.before(id).has(policy))).toEqual([]);
});

describe('on delete, which goes backwards', () => {
  test.each([
    ['the service', SERVICE, 'ServiceSecurityGroup'],
    ['the migration', MIGRATION, 'ServiceMigrationSecurityGroup'],
  ])('the security group of %s outlives it', (_name, id, group) =>
    expectBefore(id, [graph.id('AWS::EC2::SecurityGroup', group)]),
  );

  test('the service ends before anything it runs on', () => {
    expect(graph.all().filter((id) => graph.before(id).has(SERVICE))).toEqual([]);
  });

  // By the names of their constructs, not by what the template refers to: a function that nothing waits for must show.
  test.each([
    ['the set-up', SETUP, 'DatabaseSetupStep', 2],
    ['the migration', MIGRATION, 'ServiceMigration', 5],
    ['the look-up of the prefix list', PREFIX_LIST, 'NetworkS3PrefixListLookup', 2],
  ])("%s's functions and what they may do outlive it", (_name, id, prefix, number) => {
    const functions = graph.ids('AWS::Lambda::Function').filter((other) => other.startsWith(prefix));
    expect(functions).toHaveLength(number);
    expect(graph.resource(id).Properties!.ServiceToken).toEqual({
      'Fn::GetAtt': [expect.stringContaining('Providerframeworkon'), 'Arn'],
    });
    expectBefore(id, functions);
    for (const each of functions) expectBefore(id, policiesOfFunction(each));
  });
});

describe('the retention boundary', () => {
  const retained = graph.all().filter((id) => graph.resource(id).DeletionPolicy === 'Retain');

  test('holds the data, what it stands on, and logs', () => {
    const types = [...new Set(retained.map((id) => graph.resource(id).Type))].sort();
    expect(types).toEqual([
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::Subnet',
      'AWS::EC2::VPC',
      'AWS::Logs::LogGroup',
      'AWS::RDS::DBInstance',
      'AWS::RDS::DBParameterGroup',
      'AWS::RDS::DBSubnetGroup',
      'AWS::S3::Bucket',
      'Custom::VpcRestrictDefaultSG',
    ]);
    expect(retained.filter((id) => graph.resource(id).Type === 'AWS::EC2::SecurityGroup')).toEqual([
      graph.id('AWS::EC2::SecurityGroup', 'DatabaseSecurityGroup'),
    ]);
  });

  test('keeps the logs of the database and of the tasks; those of the network and of the set-up go', () => {
    const kept = (id: string): boolean => retained.includes(id);
    const names = (ids: string[]): string[] => ids.map((id) => id.slice(0, -8)).sort();
    const groups = graph.ids('AWS::Logs::LogGroup');
    expect(names(groups.filter(kept))).toEqual([
      'DatabaseLogGroup',
      'DatabaseUpgradeLogGroup',
      'ServiceMigrationFunctionLogs',
      'ServiceMigrationTaskLogs',
      'ServiceTaskLogs',
    ]);
    expect(names(groups.filter((id) => !kept(id)))).toEqual([
      'DatabaseSetupStepLogGroup',
      'DatabaseSetupStepProviderLogGroup',
      'NetworkFlowLogGroup',
      'NetworkS3PrefixListLookupLogGroup',
      'NetworkS3PrefixListLookupProviderLogGroup',
    ]);
  });

  test('is closed: what is retained refers only to what is retained', () => {
    const outside = retained
      // A retained custom resource is not called on delete, so its function may go.
      .filter((id) => !graph.resource(id).Type.startsWith('Custom::'))
      .flatMap((id) => graph.references(id).map((target) => [id, target]))
      .filter(([, target]) => !retained.includes(target));
    expect(outside).toEqual([]);
  });

  test('does not hold what a service leaves behind no use of', () => {
    for (const id of [SERVICE, MIGRATION, CACHE, ...ENDPOINTS]) expect(retained).not.toContain(id);
  });
});
