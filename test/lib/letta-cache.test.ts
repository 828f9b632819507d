import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { CacheEngine } from '../../lib/cache-engine';
import { LettaCache, LettaCacheProps } from '../../lib/letta-cache';
import { isolatedVpc } from './support';

type Props = Omit<LettaCacheProps, 'vpc'> & { readonly vpc?: ec2.IVpc };

function stack(): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack');
}

function cache(scope: Stack, props: Props = {}): LettaCache {
  return new LettaCache(scope, 'Cache', { vpc: props.vpc ?? isolatedVpc(scope), ...props });
}

function synth(props: Props = {}, use?: (made: LettaCache) => void): Template {
  const scope = stack();
  const made = cache(scope, props);
  use?.(made);
  return Template.fromStack(scope);
}

describe('LettaCache', () => {
  test('is a Redis OSS 7.1 with TLS required, encrypted at rest, failing over between two zones', () => {
    synth().hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      Engine: 'redis',
      EngineVersion: '7.1',
      NumCacheClusters: 2,
      AutomaticFailoverEnabled: true,
      MultiAZEnabled: true,
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      AtRestEncryptionEnabled: true,
      SnapshotRetentionLimit: 1,
      AuthToken: Match.absent(),
      ReplicationGroupId: Match.absent(),
    });
  });

  test('is Valkey by one prop, with all its users and groups', () => {
    const template = synth({ engine: CacheEngine.VALKEY_8_0 });
    template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', { Engine: 'valkey', EngineVersion: '8.0' });
    template.allResourcesProperties('AWS::ElastiCache::User', { Engine: 'valkey' });
    template.allResourcesProperties('AWS::ElastiCache::UserGroup', { Engine: 'valkey' });
  });

  test('has a user that logs in by IAM, named as its id, who cannot administer or empty the cache', () => {
    const users = Object.values(synth().findResources('AWS::ElastiCache::User')).map((user) => user.Properties);
    const [user] = users.filter(({ UserName }) => UserName !== 'default');
    expect(user.AuthenticationMode).toEqual({ Type: 'iam' });
    expect(user.UserId).toEqual(user.UserName);
    expect(user.AccessString).toBe('on ~* &* +@all -@admin -@dangerous');
  });

  test('switches the default user off that Redis asks for and that needs no password', () => {
    const template = synth();
    template.hasResourceProperties('AWS::ElastiCache::User', { UserName: 'default', AccessString: 'off -@all' });
    const [group] = Object.values(template.findResources('AWS::ElastiCache::UserGroup'));
    expect(group.Properties.UserIds).toHaveLength(2);
  });

  test('has no default user with Valkey, which asks for none and refuses one without password', () => {
    const template = synth({ engine: CacheEngine.VALKEY_7_2 });
    template.resourceCountIs('AWS::ElastiCache::User', 1);
  });

  test('gives its users ids that no other stack has, lower case and within 40 characters', () => {
    const ids = Object.values(synth().findResources('AWS::ElastiCache::User')).map((user) =>
      inStack(
        user.Properties.UserId,
        'arn:aws:cloudformation:eu-west-1:1:stack/S/11111111-2222-3333-4444-abcdef012345',
      ),
    );
    expect(ids).toHaveLength(2);
    for (const id of ids) {
      expect(id).toMatch(/^letta-[0-9a-f]{8}-abcdef012345(-default)?$/);
      expect(id.length).toBeLessThanOrEqual(40);
    }
  });

  test('is closed both ways until a client is let in on its port', () => {
    synth().hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32' })],
    });
    synth({}, (made) => made.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.1.0.0/16'))).hasResourceProperties(
      'AWS::EC2::SecurityGroup',
      { SecurityGroupIngress: [Match.objectLike({ FromPort: 6379, ToPort: 6379, CidrIp: '10.1.0.0/16' })] },
    );
  });

  test('answers under its primary endpoint and signs under the id of its replication group', () => {
    const scope = stack();
    const made = cache(scope);
    const group = expect.stringMatching(/^Cache/);
    expect(scope.resolve(made.host)).toEqual({ 'Fn::GetAtt': [group, 'PrimaryEndPoint.Address'] });
    expect(scope.resolve(made.replicationGroupId)).toEqual({ Ref: group });
    expect(made.port).toBe(6379);
  });

  test('grants the login on the replication group and on the user, and nothing else', () => {
    const template = synth({}, (made) => {
      made.grantConnect(new iam.Role(Stack.of(made), 'Task', { assumedBy: new iam.AccountRootPrincipal() }));
    });
    const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
    const [statement] = policy.Properties.PolicyDocument.Statement;
    expect(policy.Properties.PolicyDocument.Statement).toHaveLength(1);
    expect(statement.Action).toBe('elasticache:Connect');
    expect(statement.Resource).toHaveLength(2);
    expect(JSON.stringify(statement.Resource[0])).toMatch(/:replicationgroup:",\{"Ref":"Cache/);
    expect(JSON.stringify(statement.Resource[1])).toMatch(/:user:",.*letta-/);
  });

  test('encrypts with the key it is given', () => {
    const scope = stack();
    cache(scope, { encryptionKey: new kms.Key(scope, 'Key') });
    Template.fromStack(scope).hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      KmsKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
    });
  });

  test('goes with its stack; retained, everything it stands on stays', () => {
    synth().hasResource('AWS::ElastiCache::ReplicationGroup', { DeletionPolicy: 'Delete' });
    const template = synth({ removalPolicy: RemovalPolicy.RETAIN });
    for (const type of ['ReplicationGroup', 'User', 'UserGroup', 'SubnetGroup']) {
      template.allResources(`AWS::ElastiCache::${type}`, { DeletionPolicy: 'Retain' });
    }
    template.allResources('AWS::EC2::SecurityGroup', { DeletionPolicy: 'Retain' });
  });

  describe('bad input', () => {
    test('fails when there is nothing to fail over to', () => {
      expect(() => synth({ replicas: 0 })).toThrow(
        /LettaCache Stack\/Cache: `multiAz` needs a copy .* `multiAz: false`/,
      );
    });

    test('is one node when failover is off', () => {
      synth({ replicas: 0, multiAz: false }).hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
        NumCacheClusters: 1,
        AutomaticFailoverEnabled: false,
        MultiAZEnabled: false,
      });
    });

    test('fails in one zone with Multi-AZ, and stands there without', () => {
      const scope = stack();
      const vpc = isolatedVpc(scope);
      const vpcSubnets = { subnets: [vpc.isolatedSubnets[0]] };
      expect(() => new LettaCache(scope, 'Bad', { vpc, vpcSubnets })).toThrow(
        /expected subnets in at least 2 availability zones, got 1: `multiAz`/,
      );
      expect(() => new LettaCache(scope, 'Good', { vpc, vpcSubnets, multiAz: false })).not.toThrow();
    });

    test('fails without isolated subnets', () => {
      const scope = stack();
      const vpc = new ec2.Vpc(scope, 'Vpc', { natGateways: 1 });
      expect(() => cache(scope, { vpc })).toThrow(/expected isolated subnets, got a VPC with 2 public, 2 private/);
    });

    test.each<[string, Props]>([
      ['replicas', { replicas: 6 }],
      ['replicas', { replicas: -1 }],
      ['snapshotRetention', { snapshotRetention: Duration.days(36) }],
      ['port', { port: 70000 }],
    ])('fails when `%s` is out of bounds, saying the bounds', (prop, props) => {
      expect(() => synth(props)).toThrow(
        new RegExp(`Cache: \`${prop}\` is [-\\d.]+, wanted a whole number from \\d+ to \\d+; give one in that range`),
      );
    });

    test.each(['6.2', '7.2', '8.0'])('fails for Redis OSS %s, which has no IAM login or does not exist', (version) => {
      expect(() => CacheEngine.redis(version)).toThrow(/IAM authentication with Redis OSS 7.0 and 7.1, got/);
    });

    test.each(['7.1', '8', 'latest'])('fails for Valkey %s', (version) => {
      expect(() => CacheEngine.valkey(version)).toThrow(/'7.2' or later/);
    });
  });

  test('imported: grants and opens what it was told of', () => {
    const scope = stack();
    const made = LettaCache.fromLettaCacheAttributes(scope, 'Cache', {
      host: 'cache.example.internal',
      replicationGroupId: 'shared',
      userId: 'letta',
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(scope, 'Group', 'sg-12345678'),
    });
    made.grantConnect(new iam.Role(scope, 'Task', { assumedBy: new iam.AccountRootPrincipal() }));
    made.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.1.0.0/16'));
    const template = Template.fromStack(scope);
    const policies = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policies).toContain(':replicationgroup:shared');
    expect(policies).toContain(':user:letta');
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-12345678', FromPort: 6379 });
  });
});

/** What CloudFormation makes of a name, in a stack of this id. */
function inStack(value: unknown, stackId: string): string {
  if (typeof value === 'string') return value;
  const [[intrinsic, argument]] = Object.entries(value as Record<string, never>);
  const evaluate = (inner: unknown) => inStack(inner, stackId);
  switch (intrinsic) {
    case 'Ref':
      return stackId;
    case 'Fn::Join':
      return (argument[1] as unknown[]).map(evaluate).join(argument[0]);
    case 'Fn::Select': {
      const [separator, text] = (argument[1] as { 'Fn::Split': [string, unknown] })['Fn::Split'];
      return evaluate(text).split(separator)[argument[0]];
    }
    default:
      throw new Error(`no such intrinsic here: ${intrinsic}`);
  }
}
