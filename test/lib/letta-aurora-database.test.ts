import { CfnParameter, Duration, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import {
  BedrockAccess,
  BedrockModel,
  LettaAuroraDatabase,
  LettaAuroraDatabaseProps,
  LettaBackup,
  LettaBedrockStack,
  LettaCache,
  LettaRetention,
  LettaService,
} from '../../lib';
import { DatabaseRole } from '../../runtime/contract';
import { isolatedVpc, testApp, testStack } from './support';

type Props = Partial<LettaAuroraDatabaseProps>;

function database(scope: Stack, props: Props = {}): LettaAuroraDatabase {
  return new LettaAuroraDatabase(scope, 'Database', { vpc: isolatedVpc(scope), ...props });
}

function synth(props: Props = {}, use?: (made: LettaAuroraDatabase) => void): Template {
  const scope = testStack();
  const made = database(scope, props);
  use?.(made);
  return Template.fromStack(scope);
}

function serviceOn(scope: Stack, made: LettaAuroraDatabase, desiredCount?: number): LettaService {
  const arn = 'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';
  return new LettaService(scope, 'Service', {
    vpc: made.vpc,
    certificate: acm.Certificate.fromCertificateArn(scope, 'Certificate', arn),
    database: made,
    cache: new LettaCache(scope, 'Cache', { vpc: made.vpc }),
    bedrock: new BedrockAccess(scope, 'Bedrock', {
      models: [BedrockModel.EU_CLAUDE_SONNET_4_6],
      embeddings: [BedrockModel.COHERE_EMBED_MULTILINGUAL_V3],
    }),
    desiredCount,
  });
}

describe('LettaAuroraDatabase', () => {
  test('is an Aurora PostgreSQL 16 that is encrypted, protected, restorable and logs its members in by IAM', () => {
    synth().hasResource('AWS::RDS::DBCluster', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        Engine: 'aurora-postgresql',
        EngineVersion: Match.stringLikeRegexp('^16\\.\\d+$'),
        DatabaseName: 'letta',
        StorageEncrypted: true,
        DeletionProtection: true,
        BackupRetentionPeriod: 14,
        DeleteAutomatedBackups: false,
        CopyTagsToSnapshot: true,
        EnableIAMDatabaseAuthentication: true,
        EnableCloudwatchLogsExports: ['postgresql'],
        ServerlessV2ScalingConfiguration: { MinCapacity: 2, MaxCapacity: 8 },
      },
    });
  });

  test('has a writer, and a reader that is as large and takes over first, neither of them public', () => {
    const template = synth();
    const instances = Object.values(template.findResources('AWS::RDS::DBInstance')).map(({ Properties }) => Properties);
    expect(instances.map(({ PromotionTier }) => PromotionTier)).toEqual([0, 1]);
    for (const instance of instances) {
      expect(instance).toMatchObject({
        DBInstanceClass: 'db.serverless',
        PubliclyAccessible: false,
        CACertificateIdentifier: 'rds-ca-rsa2048-g1',
        AutoMinorVersionUpgrade: true,
      });
    }
    synth({ reader: false }).resourceCountIs('AWS::RDS::DBInstance', 1);
  });

  test('has a master password that RDS makes: none in the template, no secret of the stack', () => {
    const template = synth();
    template.hasResourceProperties('AWS::RDS::DBCluster', {
      ManageMasterUserPassword: true,
      MasterUserPassword: Match.absent(),
    });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    expect(JSON.stringify(template.toJSON())).not.toContain('resolve:secretsmanager');
  });

  test('refuses connections without TLS, and logs no statement that may carry messages', () => {
    synth({
      parameters: { max_parallel_workers_per_gather: '4' },
      workMemory: Size.mebibytes(8),
    }).hasResourceProperties('AWS::RDS::DBClusterParameterGroup', {
      Family: 'aurora-postgresql16',
      Parameters: Match.objectLike({
        'rds.force_ssl': '1',
        'rds.restrict_password_commands': '1',
        log_statement: 'none',
        log_min_error_statement: 'panic',
        max_parallel_workers_per_gather: '4',
        work_mem: '8192',
      }),
    });
    expect(() => synth({ parameters: { log_statement: 'all' } })).toThrow(/log_statement.*stay out of the log/);
  });

  // The rows of Aurora's own table, and its cap for small minima.
  test.each([
    [0.5, 1, 189],
    [0.5, 4, 823],
    [0, 8, 1669],
    [0.5, 16, 2000],
    [1, 16, 3360],
    [1, 32, 5000],
    [2, 256, 5000],
  ])('with %d to %d capacity units accepts as many connections as Aurora would: %d', (least, most, expected) => {
    const scope = testStack();
    const made = database(scope, { serverlessV2MinCapacity: least, serverlessV2MaxCapacity: most });
    expect(made.maxConnections).toBe(expected);
    Template.fromStack(scope).hasResourceProperties('AWS::RDS::DBClusterParameterGroup', {
      Parameters: Match.objectLike({ max_connections: `${expected}` }),
    });
  });

  test('writes the number of connections it is given', () => {
    expect(database(testStack(), { maxConnections: 300 }).maxConnections).toBe(300);
    expect(() => database(testStack(), { maxConnections: 15 })).toThrow(
      /`maxConnections` is 15, wanted a whole number/,
    );
  });

  test('asks for the number when only the deployment knows the capacity', () => {
    const most = (scope: Stack) => new CfnParameter(scope, 'Most', { type: 'Number' }).valueAsNumber;
    const scope = testStack();
    expect(() => database(scope, { serverlessV2MaxCapacity: most(scope) })).toThrow(/`maxConnections` has no default/);
  });

  test('pauses after five minutes, or as long as it is told, when it may shrink to nothing', () => {
    const pause = (props: Props) => {
      const [cluster] = Object.values(synth(props).findResources('AWS::RDS::DBCluster'));
      return cluster.Properties.ServerlessV2ScalingConfiguration.SecondsUntilAutoPause;
    };
    expect(pause({ serverlessV2MinCapacity: 0 })).toBe(300);
    expect(pause({ serverlessV2MinCapacity: 0, serverlessV2AutoPauseDuration: Duration.hours(1) })).toBe(3600);
    expect(pause({})).toBeUndefined();
  });

  test('has Performance Insights only with the capacity that AWS recommends for it', () => {
    const insights = (serverlessV2MinCapacity: number) => {
      const instances = synth({ serverlessV2MinCapacity, reader: false }).findResources('AWS::RDS::DBInstance');
      return Object.values(instances)[0].Properties.EnablePerformanceInsights;
    };
    expect([insights(2), insights(1), insights(0)]).toEqual([true, undefined, undefined]);
  });

  test.each<[Props, RegExp]>([
    [{ serverlessV2MinCapacity: 0.7 }, /`serverlessV2MinCapacity` is 0.7, wanted 0 to 256 .* in steps of a half/],
    [{ serverlessV2MaxCapacity: 0.5 }, /`serverlessV2MaxCapacity` is 0.5, wanted 1 to 256/],
    [{ serverlessV2MaxCapacity: 512 }, /`serverlessV2MaxCapacity` is 512, wanted 1 to 256/],
    [{ serverlessV2MinCapacity: 4, serverlessV2MaxCapacity: 2 }, /is 4, wanted at most the 2 of/],
    [{ serverlessV2AutoPauseDuration: Duration.minutes(10) }, /`serverlessV2MinCapacity` of 2, wanted 0/],
    [
      { serverlessV2MinCapacity: 0, serverlessV2AutoPauseDuration: Duration.minutes(1) },
      /is 60 seconds, wanted a whole number from 300 to 86400/,
    ],
    [{ backupRetention: Duration.days(36) }, /`backupRetention` is 36, wanted a whole number from 1 to 35/],
    [
      { engineVersion: rds.AuroraPostgresEngineVersion.VER_15_10 },
      /`engineVersion` is Aurora PostgreSQL 15, wanted 16 or later/,
    ],
  ])('fails for %j, saying what it wants', (props, message) => {
    expect(() => synth(props)).toThrow(message);
  });

  test('fails in one zone, naming the prop', () => {
    const scope = testStack();
    const vpc = isolatedVpc(scope);
    const vpcSubnets = { availabilityZones: [vpc.availabilityZones[0]] };
    expect(() => new LettaAuroraDatabase(scope, 'Database', { vpc, vpcSubnets })).toThrow(/Aurora asks for two zones/);
  });

  test('retains with the cluster what it stands on, and lets it go with the stack when told so', () => {
    const types = [
      'AWS::RDS::DBInstance',
      'AWS::RDS::DBSubnetGroup',
      'AWS::RDS::DBClusterParameterGroup',
      'AWS::Logs::LogGroup',
    ];
    const policies = (template: Template) =>
      types.flatMap((type) =>
        Object.entries(template.findResources(type))
          .filter(([id]) => !id.includes('Setup'))
          .map(([, { DeletionPolicy }]) => DeletionPolicy),
      );
    expect(new Set(policies(synth()))).toEqual(new Set(['Retain']));
    const temporary = synth({ removalPolicy: RemovalPolicy.DESTROY });
    expect(policies(temporary)).not.toContain('Retain');
    temporary.hasResourceProperties('AWS::RDS::DBCluster', { DeletionProtection: false });
  });

  test('is closed: nothing comes in but the set-up, nothing goes out', () => {
    const template = synth();
    const group = Object.keys(template.findResources('AWS::EC2::SecurityGroup')).find((id) =>
      id.startsWith('DatabaseSecurityGroup'),
    );
    const to = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
      .map(({ Properties }) => Properties)
      .filter(({ GroupId }) => GroupId['Fn::GetAtt'][0] === group);
    expect(to).toEqual([expect.objectContaining({ Description: 'set-up of the Letta database', ToPort: 5432 })]);
  });

  test('uses the key it is given for storage, master secret, insights and log', () => {
    const scope = testStack();
    database(scope, { encryptionKey: new kms.Key(scope, 'Key') });
    const template = Template.fromStack(scope);
    const [key] = Object.keys(template.findResources('AWS::KMS::Key'));
    const arn = { 'Fn::GetAtt': [key, 'Arn'] };
    template.hasResourceProperties('AWS::RDS::DBCluster', {
      KmsKeyId: arn,
      MasterUserSecret: { KmsKeyId: arn },
    });
    template.allResourcesProperties('AWS::RDS::DBInstance', { PerformanceInsightsKMSKeyId: arn });
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: { 'Fn::Join': ['', Match.arrayWith(['/postgresql'])] },
      KmsKeyId: arn,
    });
  });

  test('grants a login by IAM as exactly one role of this cluster', () => {
    const template = synth({}, (made) => {
      const role = new iam.Role(Stack.of(made), 'Caller', { assumedBy: new iam.AccountRootPrincipal() });
      made.grantConnect(role, DatabaseRole.RUNTIME);
    });
    const [cluster] = Object.keys(template.findResources('AWS::RDS::DBCluster'));
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    const login = policies.find(({ Action }) => Action === 'rds-db:connect');
    expect(JSON.stringify(login.Resource)).toContain(
      JSON.stringify({ 'Fn::GetAtt': [cluster, 'DBClusterResourceId'] }),
    );
    expect(JSON.stringify(login.Resource)).toContain('/letta_runtime');
  });

  test('is set up once its writer is there', () => {
    const template = synth();
    const [setup] = Object.values(template.findResources('Custom::LettaDatabaseSetup'));
    const [writer] = Object.entries(template.findResources('AWS::RDS::DBInstance'))
      .filter(([, { Properties }]) => Properties.PromotionTier === 0)
      .map(([id]) => id);
    expect(setup.DependsOn).toContain(writer);
  });

  describe('made from a snapshot', () => {
    const restore = (snapshotIdentifier: string, region = 'eu-central-1', withKey = true) => {
      const scope = testStack({ region, account: '111122223333' });
      const vpc = isolatedVpc(scope);
      const encryptionKey = withKey ? new kms.Key(scope, 'Key') : undefined;
      LettaAuroraDatabase.fromSnapshot(scope, 'Database', { vpc, snapshotIdentifier, encryptionKey });
      return Template.fromStack(scope);
    };

    test('leaves to it what it decides, and is encrypted with the key given, whatever the snapshot is', () => {
      restore('before-upgrade').hasResourceProperties('AWS::RDS::DBCluster', {
        SnapshotIdentifier: 'before-upgrade',
        DatabaseName: Match.absent(),
        MasterUsername: Match.absent(),
        ManageMasterUserPassword: true,
        StorageEncrypted: true,
        KmsKeyId: Match.anyValue(),
      });
    });

    test('fails without a key, because an unencrypted snapshot would make an unencrypted cluster', () => {
      expect(() => restore('before-upgrade', undefined, false)).toThrow(/`encryptionKey` is not given/);
    });

    test('takes a snapshot of an instance by its ARN', () => {
      const arn = 'arn:aws:rds:eu-central-1:111122223333:snapshot:letta';
      restore(arn).hasResourceProperties('AWS::RDS::DBCluster', { SnapshotIdentifier: arn });
    });

    test.each([
      ['', /`snapshotIdentifier` is '', wanted a cluster snapshot's name or ARN/],
      ['arn:aws:rds:eu-central-1:111122223333:cluster:letta', /wanted a snapshot's ARN/],
      [
        'arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:letta',
        /wanted a snapshot in the stack's region 'eu-central-1'/,
      ],
    ])('fails for %j', (identifier, message) => {
      expect(() => restore(identifier)).toThrow(message);
    });

    test('takes one that only the deployment knows', () => {
      expect(() => restore(Token.asString({ Ref: 'Snapshot' }))).not.toThrow();
    });
  });

  describe('behind a service', () => {
    test('counts its connections at synth', () => {
      const scope = testStack();
      const made = database(scope, { serverlessV2MinCapacity: 0.5, serverlessV2MaxCapacity: 1 });
      expect(() => serviceOn(scope, made, 9)).toThrow(/wanted at most the database's 189/);
    });

    test('that keeps tasks warns when it could pause, since it never would', () => {
      const warned = (props: Props, desiredCount?: number) => {
        const scope = testStack();
        serviceOn(scope, database(scope, props), desiredCount);
        return Annotations.fromStack(scope).findWarning('*', Match.stringLikeRegexp('never pauses while a task runs'));
      };
      expect(warned({ serverlessV2MinCapacity: 0 }, 1)).toHaveLength(1);
      expect(warned({ serverlessV2MinCapacity: 0 }, 0)).toEqual([]);
      expect(warned({ serverlessV2MinCapacity: 0.5 }, 1)).toEqual([]);
    });

    test('is taken by the whole stack', () => {
      const app = testApp();
      const data = new Stack(app, 'Data');
      const vpc = new ec2.Vpc(data, 'Vpc', {
        natGateways: 0,
        subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      });
      const made = new LettaAuroraDatabase(data, 'Database', { vpc });
      const stack = new LettaBedrockStack(app, 'Letta', { http: true, vpc, database: made });
      expect(stack.database).toBe(made);
      Template.fromStack(stack).resourceCountIs('AWS::RDS::DBInstance', 0);
    });

    test('loses old messages by the retention', () => {
      const scope = testStack();
      const made = database(scope);
      new LettaRetention(scope, 'Retention', {
        database: made,
        service: serviceOn(scope, made),
        messages: Duration.days(90),
      });
      Template.fromStack(scope).resourceCountIs('Custom::LettaRetentionRole', 1);
    });
  });

  test('is backed up as a cluster, and restored as one for a test', () => {
    const template = synth({}, (made) => new LettaBackup(Stack.of(made), 'Backup', { database: made }));
    const [cluster] = Object.keys(template.findResources('AWS::RDS::DBCluster'));
    const arn = { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp(':cluster:'), { Ref: cluster }])] };
    template.hasResourceProperties('AWS::Backup::BackupSelection', { BackupSelection: { Resources: [arn] } });
    template.hasResourceProperties('AWS::Backup::RestoreTestingSelection', {
      ProtectedResourceType: 'Aurora',
      ProtectedResourceArns: [arn],
    });
    const denied = Object.values(template.findResources('AWS::IAM::Role')).flatMap(
      ({ Properties }) =>
        Properties.Policies?.flatMap(
          (each: { PolicyDocument: { Statement: { Action: unknown }[] } }) => each.PolicyDocument.Statement,
        ) ?? [],
    );
    expect(denied.map(({ Action }) => Action)).toContainEqual(['rds:DeleteDBCluster', 'rds:ModifyDBCluster']);
  });
});
