import { App, CfnParameter, Duration, Fn, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { CfnSecurityGroupIngress } from 'aws-cdk-lib/aws-ec2';
import { LettaDatabase, LettaDatabaseProps } from '../../lib/letta-database';
import { SealedNetwork } from '../../lib/sealed-network';
import { DatabaseRole } from '../../runtime/contract';
import { isolatedVpc } from './support';

type Props = Omit<LettaDatabaseProps, 'vpc'> & { readonly vpc?: ec2.IVpc };

function stack(): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack');
}

function database(scope: Stack, props: Props = {}): LettaDatabase {
  return new LettaDatabase(scope, 'Database', { vpc: props.vpc ?? isolatedVpc(scope), ...props });
}

function synth(props: Props = {}, use?: (made: LettaDatabase) => void): Template {
  const scope = stack();
  const made = database(scope, props);
  use?.(made);
  return Template.fromStack(scope);
}

/** The custom resource that runs the set-up, and what it waits for. */
function setupDependencies(template: Template): string[] {
  const [resource] = Object.values(template.findResources('Custom::LettaDatabaseSetup'));
  return resource.DependsOn;
}

describe('LettaDatabase', () => {
  test('is a PostgreSQL 16 that is encrypted, private, in two zones, protected and restorable', () => {
    synth().hasResource('AWS::RDS::DBInstance', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        Engine: 'postgres',
        EngineVersion: Match.stringLikeRegexp('^16\\.\\d+$'),
        DBName: 'letta',
        StorageEncrypted: true,
        PubliclyAccessible: false,
        MultiAZ: true,
        DeletionProtection: true,
        BackupRetentionPeriod: 14,
        DeleteAutomatedBackups: false,
        CopyTagsToSnapshot: true,
        CACertificateIdentifier: 'rds-ca-rsa2048-g1',
        EnableIAMDatabaseAuthentication: true,
        AutoMinorVersionUpgrade: true,
      },
    });
  });

  test('has a master password that RDS makes: none in the template, no secret of the stack', () => {
    const template = synth();
    template.hasResourceProperties('AWS::RDS::DBInstance', {
      ManageMasterUserPassword: true,
      MasterUserPassword: Match.absent(),
    });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    expect(JSON.stringify(template.toJSON())).not.toContain('resolve:secretsmanager');
  });

  test('refuses connections without TLS, and logs no statement that may carry messages', () => {
    synth().hasResourceProperties('AWS::RDS::DBParameterGroup', {
      Family: 'postgres16',
      Parameters: Match.objectLike({
        'rds.force_ssl': '1',
        'rds.restrict_password_commands': '1',
        log_statement: 'none',
        log_min_error_statement: 'panic',
        log_parameter_max_length_on_error: '0',
      }),
    });
  });

  test.each([
    [undefined, 901],
    ['t4g.medium', 450],
    ['r7g.4xlarge', 5000],
  ])('with instance type %s accepts as many connections as RDS would, written down: %d', (type, expected) => {
    const scope = stack();
    const made = database(scope, { instanceType: type ? new ec2.InstanceType(type) : undefined });
    expect(made.maxConnections).toBe(expected);
    Template.fromStack(scope).hasResourceProperties('AWS::RDS::DBParameterGroup', {
      Parameters: Match.objectLike({ max_connections: `${expected}` }),
    });
  });

  test('accepts the number of connections it is given, for an instance type of any kind', () => {
    synth({ instanceType: new ec2.InstanceType('z9q.large'), maxConnections: 77 }).hasResourceProperties(
      'AWS::RDS::DBParameterGroup',
      { Parameters: Match.objectLike({ max_connections: '77' }) },
    );
  });

  test('fails for an instance type of unknown memory, asking for the number', () => {
    expect(() => synth({ instanceType: new ec2.InstanceType('z9q.large') })).toThrow(
      /LettaDatabase Stack\/Database: `maxConnections` has no default for instance type 'z9q.large'.*give `maxConnections`/,
    );
  });

  test('retains with the instance what it stands on', () => {
    const template = synth();
    const kept = Object.entries(
      template.toJSON().Resources as Record<string, { DeletionPolicy?: string; Type: string }>,
    )
      .filter(([, resource]) => resource.DeletionPolicy === 'Retain')
      .map(([, resource]) => resource.Type);
    expect(kept.sort()).toEqual([
      'AWS::EC2::SecurityGroup',
      'AWS::Logs::LogGroup',
      'AWS::Logs::LogGroup',
      'AWS::RDS::DBInstance',
      'AWS::RDS::DBParameterGroup',
      'AWS::RDS::DBSubnetGroup',
    ]);
  });

  test('takes a last snapshot and nothing else along when told so', () => {
    const template = synth({ removalPolicy: RemovalPolicy.SNAPSHOT });
    template.hasResource('AWS::RDS::DBInstance', { DeletionPolicy: 'Snapshot' });
    expect(JSON.stringify(template.toJSON())).not.toContain('"Retain"');
  });

  test.each([
    ['the default', undefined, undefined, true],
    ['RETAIN', RemovalPolicy.RETAIN, undefined, true],
    ['SNAPSHOT', RemovalPolicy.SNAPSHOT, undefined, false],
    ['DESTROY', RemovalPolicy.DESTROY, undefined, false],
    ['DESTROY, and protection asked for', RemovalPolicy.DESTROY, true, true],
    ['RETAIN, and protection declined', RemovalPolicy.RETAIN, false, false],
  ])(
    'is protected from deletion where its removal policy would not delete it: %s',
    (_name, removalPolicy, given, expected) => {
      synth({ removalPolicy, deletionProtection: given }).hasResourceProperties('AWS::RDS::DBInstance', {
        DeletionProtection: expected,
      });
    },
  );

  test('is closed: nothing comes in but the set-up, nothing goes out', () => {
    const template = synth();
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Letta database',
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32' })],
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
  });

  test('lets a client in on its port', () => {
    synth({}, (made) => {
      const vpc = made.node.scope!.node.findChild('Vpc') as ec2.Vpc;
      made.connections.allowDefaultPortFrom(new ec2.SecurityGroup(Stack.of(made), 'Client', { vpc }));
    }).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      FromPort: 5432,
      ToPort: 5432,
      SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Client'), 'GroupId'] },
    });
  });

  test('keeps its logs for a time, in groups that are there before the instance', () => {
    const template = synth();
    const [instance] = Object.values(template.findResources('AWS::RDS::DBInstance'));
    const groups = template.findResources('AWS::Logs::LogGroup', { Properties: { LogGroupName: Match.anyValue() } });
    expect(instance.Properties.EnableCloudwatchLogsExports).toEqual(['postgresql', 'upgrade']);
    expect(instance.DependsOn).toEqual(expect.arrayContaining(Object.keys(groups)));
    expect(Object.values(groups).map(({ Properties }) => Properties)).toEqual(
      ['postgresql', 'upgrade'].map((log) => ({
        RetentionInDays: 90,
        LogGroupName: {
          'Fn::Join': ['', ['/aws/rds/instance/', instance.Properties.DBInstanceIdentifier, `/${log}`]],
        },
      })),
    );
  });

  test('uses the key it is given for storage, master secret, insights and logs', () => {
    const scope = stack();
    database(scope, { encryptionKey: new kms.Key(scope, 'Key') });
    const key = { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] };
    const template = Template.fromStack(scope);
    template.hasResourceProperties('AWS::RDS::DBInstance', {
      KmsKeyId: key,
      MasterUserSecret: { KmsKeyId: key },
      PerformanceInsightsKMSKeyId: key,
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: key });
  });

  describe('grants', () => {
    test('a login by IAM as exactly one role of this instance', () => {
      const template = synth({}, (made) => {
        const role = new iam.Role(Stack.of(made), 'Task', { assumedBy: new iam.AccountRootPrincipal() });
        made.grantConnect(role, DatabaseRole.RUNTIME);
      });
      template.hasResourceProperties('AWS::IAM::Policy', {
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'rds-db:connect',
              Resource: {
                'Fn::Join': [
                  '',
                  [
                    'arn:',
                    { Ref: 'AWS::Partition' },
                    ':rds-db:',
                    { Ref: 'AWS::Region' },
                    ':',
                    { Ref: 'AWS::AccountId' },
                    ':dbuser:',
                    { 'Fn::GetAtt': [Match.stringLikeRegexp('^DatabaseInstance'), 'DbiResourceId'] },
                    '/letta_runtime',
                  ],
                ],
              },
            },
          ],
        },
      });
    });
  });

  describe('set-up', () => {
    const secret = { 'Fn::GetAtt': [Match.stringLikeRegexp('^DatabaseInstance'), 'MasterUserSecret.SecretArn'] };

    test('runs in the VPC, as the only reader of the master secret, with no secret in its environment', () => {
      const template = synth();
      template.hasResourceProperties('AWS::Lambda::Function', {
        Runtime: 'nodejs24.x',
        VpcConfig: Match.anyValue(),
        Environment: {
          Variables: {
            DATABASE_HOST: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DatabaseInstance'), 'Endpoint.Address'] },
            DATABASE_PORT: '5432',
            DATABASE_NAME: 'letta',
            DATABASE_MASTER_SECRET_ARN: secret,
          },
        },
      });
      const readers = template.findResources('AWS::IAM::Policy', {
        Properties: {
          PolicyDocument: {
            Statement: Match.arrayWith([
              { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: secret },
            ]),
          },
        },
      });
      expect(Object.keys(readers)).toHaveLength(1);
    });

    test('may decrypt the master secret through Secrets Manager alone, when it has a key', () => {
      const scope = stack();
      database(scope, { encryptionKey: new kms.Key(scope, 'Key') });
      Template.fromStack(scope).hasResourceProperties('AWS::IAM::Policy', {
        PolicyDocument: {
          Statement: Match.arrayWith([
            {
              Effect: 'Allow',
              Action: 'kms:Decrypt',
              Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
              Condition: { StringEquals: { 'kms:ViaService': Match.anyValue() } },
            },
          ]),
        },
      });
    });

    test('reaches the database and nothing else', () => {
      const egress = Object.values(synth().findResources('AWS::EC2::SecurityGroupEgress'));
      expect(egress.map(({ Properties }) => [Properties.FromPort, Properties.ToPort])).toEqual([[5432, 5432]]);
    });

    test('waits for the instance, for the rules between the two and for its own permissions', () => {
      const dependencies = setupDependencies(synth());
      for (const needed of [
        /^DatabaseInstance/,
        /^DatabaseSecurityGroupfrom/,
        /^DatabaseSetupSecurityGroupto/,
        /^DatabaseSetupStepRoleDefaultPolicy/,
      ]) {
        expect(dependencies).toContainEqual(expect.stringMatching(needed));
      }
    });

    test('waits for the network that leads to Secrets Manager, which makes no cycle', () => {
      const scope = stack();
      const network = new SealedNetwork(scope, 'Network');
      const made = database(scope, { vpc: network.vpc });
      network.serve(made.setupClient);
      made.startsAfter(network);
      // Template.fromStack fails on a cycle.
      expect(setupDependencies(Template.fromStack(scope))).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^NetworkVpcSecretsManager/),
          expect.stringMatching(/^NetworkSecretsManagerSecurityGroupfrom/),
        ]),
      );
    });

    test('makes the schema and the two roles that log in by IAM', () => {
      synth().hasResourceProperties('Custom::LettaDatabaseSetup', {
        schema: 'letta',
        migratorRole: 'letta_migrator',
        runtimeRole: 'letta_runtime',
        revision: Match.stringLikeRegexp('.+'),
      });
    });
  });

  describe('bad input', () => {
    test('fails in one zone with Multi-AZ, naming the prop', () => {
      const scope = stack();
      const vpc = new ec2.Vpc(scope, 'Vpc', { maxAzs: 1, natGateways: 0 });
      expect(() => database(scope, { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } })).toThrow(
        /expected subnets in at least 2 availability zones, got 1: `multiAz`/,
      );
    });

    test('fails in one zone without Multi-AZ too, because RDS would', () => {
      const scope = stack();
      const vpc = isolatedVpc(scope);
      const [subnet] = vpc.isolatedSubnets;
      expect(() => database(scope, { vpc, vpcSubnets: { subnets: [subnet] }, multiAz: false })).toThrow(
        /RDS asks for two zones even without `multiAz`/,
      );
    });

    test('fails without isolated subnets, saying which there are and which prop names others', () => {
      const scope = stack();
      const vpc = new ec2.Vpc(scope, 'Vpc', {
        subnetConfiguration: [{ name: 'Public', subnetType: ec2.SubnetType.PUBLIC }],
      });
      expect(() => database(scope, { vpc })).toThrow(
        /expected isolated subnets, got a VPC with 2 public, 0 private with egress and 0 isolated.*`vpcSubnets`/,
      );
    });

    test.each<[string, Props]>([
      ['allocatedStorage', { allocatedStorage: -1 }],
      ['maxAllocatedStorage', { allocatedStorage: 100, maxAllocatedStorage: 50 }],
      ['backupRetention', { backupRetention: Duration.days(0) }],
      ['backupRetention', { backupRetention: Duration.days(36) }],
      ['maxConnections', { maxConnections: 10.5 }],
      ['port', { port: 0 }],
    ])('fails when `%s` is out of bounds, saying the bounds and what to do', (prop, props) => {
      expect(() => synth(props)).toThrow(
        new RegExp(
          `Database: \`${prop}\` is [-\\d.]+, wanted a whole number from \\d+ to \\d+; give one in that range, or ` +
            `leave \`${prop}\` out for the default`,
        ),
      );
    });

    test.each([
      ['a constant', rds.PostgresEngineVersion.VER_15_13, '15'],
      ['a version of the caller', rds.PostgresEngineVersion.of('15.99', '15'), '15'],
      ['a version that contradicts its major one', rds.PostgresEngineVersion.of('15.99', '16'), '15.99'],
      ['a version of two-part majors', rds.PostgresEngineVersion.of('9.6.24', '9.6'), '9.6'],
      ['no version at all', rds.PostgresEngineVersion.of('newest', 'newest'), 'newest'],
    ])('fails on PostgreSQL before 16, which the set-up cannot prepare: %s', (_name, engineVersion, got) => {
      expect(() => synth({ engineVersion })).toThrow(
        `LettaDatabase Stack/Database: \`engineVersion\` is PostgreSQL ${got}, wanted 16 or later`,
      );
    });

    test.each([
      ['a later one', rds.PostgresEngineVersion.of('17.99', '17'), '17.99'],
      ['one that only the deployment knows', rds.PostgresEngineVersion.of(Fn.ref('Version'), '16'), { Ref: 'Version' }],
    ])('takes %s', (_name, engineVersion, expected) => {
      synth({ engineVersion }).hasResourceProperties('AWS::RDS::DBInstance', { EngineVersion: expected });
    });

    test('passes on what only the deployment decides', () => {
      const scope = stack();
      const limit = new CfnParameter(scope, 'Limit', { type: 'Number' });
      database(scope, { maxConnections: limit.valueAsNumber });
      Template.fromStack(scope).hasResourceProperties('AWS::RDS::DBParameterGroup', {
        Parameters: Match.objectLike({ max_connections: { Ref: 'Limit' } }),
      });
    });
  });

  describe('imported', () => {
    const imported = (scope: Stack, resourceId = 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ') =>
      LettaDatabase.fromLettaDatabaseAttributes(scope, 'Database', {
        host: 'db.example.internal',
        resourceId,
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(scope, 'Group', 'sg-12345678'),
      });

    test('grants on its resource id and opens its security group', () => {
      const scope = stack();
      const made = imported(scope);
      made.grantConnect(new iam.Role(scope, 'Task', { assumedBy: new iam.AccountRootPrincipal() }), 'letta_runtime');
      made.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.1.0.0/16'));
      const template = Template.fromStack(scope);
      expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain(
        ':dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/letta_runtime',
      );
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-12345678', FromPort: 5432 });
      expect([made.host, made.port, made.databaseName]).toEqual(['db.example.internal', 5432, 'letta']);
    });

    test('fails for an identifier where the resource id belongs', () => {
      expect(() => imported(stack(), 'my-database')).toThrow(/`resourceId` must be .* got 'my-database'/);
    });

    test('takes a resource id that only the deployment knows', () => {
      expect(() => imported(stack(), Token.asString({ 'Fn::ImportValue': 'ResourceId' }))).not.toThrow();
    });
  });

  test('has a name of its own in every stack and for every construct', () => {
    const scope = stack();
    const vpc = isolatedVpc(scope);
    new LettaDatabase(scope, 'One', { vpc });
    new LettaDatabase(scope, 'Two', { vpc });
    const names = Object.values(Template.fromStack(scope).findResources('AWS::RDS::DBInstance')).map((instance) =>
      JSON.stringify(instance.Properties.DBInstanceIdentifier),
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toContain('AWS::StackId');
  });

  test('lets the set-up in by rules of their own, so that nothing in them keeps a security group', () => {
    const scope = stack();
    const made = database(scope);
    const rules = made.node.findAll().filter((child) => child instanceof CfnSecurityGroupIngress);
    expect(rules).toHaveLength(1);
    expect((rules[0] as CfnSecurityGroupIngress).cfnOptions.deletionPolicy).toBeUndefined();
  });
});
