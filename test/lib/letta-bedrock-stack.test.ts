import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CacheEngine, LettaBedrockStack, LettaCache, LettaDatabase, SealedNetwork } from '../../lib';
import { enterpriseStack } from './enterprise-stack';
import { CDK_JSON_CONTEXT, Match, Template, testApp } from './support';

const synthesized = (make: (app: App) => Stack, context?: Record<string, unknown>): string =>
  JSON.stringify(Template.fromStack(make(testApp(context))).toJSON(), undefined, 1);

const plain = (app: App): Stack => new LettaBedrockStack(app, 'LettaBedrockStack', { http: true });

test('composes network, database, cache and service', () => {
  const template = Template.fromStack(plain(testApp()));
  for (const type of [
    'AWS::EC2::VPC',
    'AWS::RDS::DBInstance',
    'AWS::ElastiCache::ReplicationGroup',
    'AWS::ECS::Service',
  ]) {
    template.resourceCountIs(type, 1);
  }
});

test('says where the API is and where its password', () => {
  const { Outputs } = Template.fromStack(plain(testApp())).toJSON();
  expect(Outputs.Url.Value['Fn::Join'][1][0]).toBe('http://');
  expect(Outputs.ApiPasswordSecretArn.Value).toEqual({ Ref: expect.stringContaining('ServiceApiPassword') });
});

test('has no way out: no internet gateway, no NAT gateway, no rule to everywhere', () => {
  const template = Template.fromStack(plain(testApp()));
  template.resourceCountIs('AWS::EC2::InternetGateway', 0);
  template.resourceCountIs('AWS::EC2::NatGateway', 0);
  expect(JSON.stringify(template.toJSON())).not.toContain('0.0.0.0/0');
});

test('has no fixed physical name: what AWS wants named carries the id of its stack', () => {
  const { Resources } = Template.fromStack(plain(testApp())).toJSON();
  const named = Object.values(Resources as Record<string, { Type: string; Properties?: object }>).flatMap(
    ({ Type, Properties }) =>
      Object.entries(Properties ?? {})
        .filter(([property]) => /(Name|Identifier|UserId|UserGroupId|ReplicationGroupId)$/.test(property))
        .map(([property, value]) => ({ property: `${Type}.${property}`, value: JSON.stringify(value) }))
        .filter(({ value }) => !isReference(JSON.parse(value))),
  );
  const properties = (some: typeof named): string[] => [...new Set(some.map(({ property }) => property))].sort();
  expect(properties(named.filter(({ value }) => value.includes('"AWS::StackId"')))).toEqual([
    'AWS::ElastiCache::User.UserId',
    'AWS::ElastiCache::User.UserName',
    'AWS::ElastiCache::UserGroup.UserGroupId',
    'AWS::Logs::LogGroup.LogGroupName',
    'AWS::RDS::DBInstance.DBInstanceIdentifier',
  ]);
  // The rest names no resource of the account: something of AWS's, something inside its own resource, and the user that
  // a user group of Redis OSS must have.
  const rest = named.filter(({ value }) => !value.includes('"AWS::StackId"'));
  expect(properties(rest)).toEqual([
    'AWS::EC2::VPCEndpoint.ServiceName',
    'AWS::ElastiCache::User.UserName',
    'AWS::IAM::Policy.PolicyName',
    'AWS::RDS::DBInstance.CACertificateIdentifier',
    'AWS::RDS::DBInstance.DBName',
  ]);
  expect(rest.filter(({ property }) => property.endsWith('.UserName')).map(({ value }) => value)).toEqual([
    '"default"',
  ]);
});

/** The name of another resource, by its logical id. */
function isReference(value: object): boolean {
  return ['Ref', 'Fn::GetAtt'].includes(Object.keys(value)[0]);
}

test.each([
  ['without feature flags', {}],
  ["with cdk.json's", CDK_JSON_CONTEXT],
])('gives the same template twice, %s', (_name, context) => {
  expect(synthesized(plain, context)).toBe(synthesized(plain, context));
  expect(synthesized(enterpriseStack, context)).toBe(synthesized(enterpriseStack, context));
});

test('looks nothing up, even when account and region are known', () => {
  const app = testApp();
  enterpriseStack(app);
  expect(app.synth().manifest.missing).toBeUndefined();
});

test('takes parts of its owner instead of making them', () => {
  const app = testApp();
  const owner = new Stack(app, 'Owner');
  const network = new SealedNetwork(owner, 'Network', { maxAzs: 3 });
  const cache = new LettaCache(owner, 'Cache', { vpc: network.vpc, engine: CacheEngine.VALKEY_8_1 });
  const template = Template.fromStack(new LettaBedrockStack(app, 'Letta', { http: true, vpc: network.vpc, cache }));
  template.resourceCountIs('AWS::EC2::VPC', 0);
  template.resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
  template.resourceCountIs('AWS::RDS::DBInstance', 1);
});

test('makes cache and database of the kind it is told', () => {
  const stack = new LettaBedrockStack(testApp(), 'Letta', {
    http: true,
    cacheEngine: CacheEngine.VALKEY_8_1,
    databaseInstanceType: new ec2.InstanceType('r7g.xlarge'),
  });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', { Engine: 'valkey', EngineVersion: '8.1' });
  template.hasResourceProperties('AWS::RDS::DBInstance', { DBInstanceClass: 'db.r7g.xlarge' });
});

test('fails on what its own part would leave without effect', () => {
  const app = testApp();
  const owner = new Stack(app, 'Owner');
  const { vpc } = new SealedNetwork(owner, 'Network');
  const cache = new LettaCache(owner, 'Cache', { vpc });
  const database = new LettaDatabase(owner, 'Database', { vpc });
  expect(() => new LettaBedrockStack(app, 'One', { http: true, cache, cacheEngine: CacheEngine.VALKEY_8_1 })).toThrow(
    'One: cache and cacheEngine are both given, wanted one of them: leave cacheEngine out',
  );
  const databaseInstanceType = new ec2.InstanceType('r7g.xlarge');
  expect(() => new LettaBedrockStack(app, 'Two', { http: true, database, databaseInstanceType })).toThrow(
    'Two: database and databaseInstanceType are both given, wanted one of them: leave databaseInstanceType out',
  );
});

test('fails on a sealed network and a VPC together', () => {
  const app = testApp();
  const owner = new Stack(app, 'Owner');
  const network = new SealedNetwork(owner, 'Network');
  const vpc = new ec2.Vpc(owner, 'Vpc');
  expect(() => new LettaBedrockStack(app, 'Letta', { http: true, network, vpc })).toThrow(
    'Letta: network and vpc are both given, wanted one of them: leave vpc out',
  );
});

test('fails at synth in a region that its profiles do not serve', () => {
  const env = { account: '111122223333', region: 'eu-west-1' };
  expect(() => new LettaBedrockStack(testApp(), 'Letta', { http: true, env })).toThrow(
    "cannot be called from the stack's region 'eu-west-1'",
  );
});

test('an enterprise stack demands its guardrail and encrypts with its key', () => {
  const template = Template.fromStack(enterpriseStack(testApp()));
  template.hasResourceProperties('AWS::RDS::DBInstance', { KmsKeyId: Match.stringLikeRegexp('key/0000') });
  template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: Match.stringLikeRegexp('key/0000') });
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', { Port: 443, Protocol: 'HTTPS' });
  expect(JSON.stringify(template.toJSON())).toContain('guardrail/gr4ab2:3');
});

test('an enterprise stack stays as it is', () => {
  const masked = synthesized(enterpriseStack, CDK_JSON_CONTEXT).replace(/[a-f0-9]{64}/g, 'ASSET');
  expect(masked).toMatchSnapshot();
});
