import { CfnParameter, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { LettaBedrockStack, LettaChecks, LettaDatabase, LettaDatabaseFromSnapshotProps } from '../../lib';
import { isolatedVpc, Match, Template, testApp } from './support';

const ENV = { region: 'eu-west-1', account: '111122223333' };

type Props = Omit<LettaDatabaseFromSnapshotProps, 'vpc'>;

function restored(props: Props | ((stack: Stack) => Props)): Template {
  const app = testApp({ 'availability-zones:account=111122223333:region=eu-west-1': ['eu-west-1a', 'eu-west-1b'] });
  const stack = new Stack(app, 'Test', { env: ENV });
  const given = typeof props === 'function' ? props(stack) : props;
  LettaDatabase.fromSnapshot(stack, 'Database', { vpc: isolatedVpc(stack), ...given });
  return Template.fromStack(stack);
}

test('is made of the snapshot, without what the snapshot decides and CloudFormation refuses', () => {
  restored((stack) => ({ snapshotIdentifier: 'before-upgrade', encryptionKey: new kms.Key(stack, 'Key') })).hasResource(
    'AWS::RDS::DBInstance',
    {
      DeletionPolicy: 'Retain',
      Properties: {
        DBSnapshotIdentifier: 'before-upgrade',
        Engine: 'postgres',
        DBName: Match.absent(),
        MasterUsername: Match.absent(),
        MasterUserPassword: Match.absent(),
        StorageEncrypted: Match.absent(),
        KmsKeyId: Match.absent(),
        DeletionProtection: true,
        MultiAZ: true,
        EnableIAMDatabaseAuthentication: true,
      },
    },
  );
});

test('has a new password that RDS makes, which the set-up reads, since the old one went with the old instance', () => {
  const template = restored({ snapshotIdentifier: 'before-upgrade' });
  template.hasResourceProperties('AWS::RDS::DBInstance', { ManageMasterUserPassword: true });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: Match.objectLike({
        DATABASE_MASTER_SECRET_ARN: {
          'Fn::GetAtt': [Match.stringLikeRegexp('^DatabaseInstance'), 'MasterUserSecret.SecretArn'],
        },
      }),
    },
  });
});

test('keeps an empty database what it was: with a name, a master and encryption of its own', () => {
  const stack = new Stack(testApp(), 'Test');
  new LettaDatabase(stack, 'Database', { vpc: isolatedVpc(stack) });
  Template.fromStack(stack).hasResourceProperties('AWS::RDS::DBInstance', {
    DBSnapshotIdentifier: Match.absent(),
    DBName: 'letta',
    MasterUsername: 'letta_master',
    StorageEncrypted: true,
  });
});

test.each([
  ['a name', 'before-upgrade'],
  ['one that RDS made', 'rds:letta-12345678-2026-11-01-05-00'],
  ['a recovery point of AWS Backup', 'arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:job-be59cf2a-2343-4402'],
  ['one of another account', 'arn:aws:rds:eu-west-1:444455556666:snapshot:shared'],
])('takes %s', (_name, snapshotIdentifier) => {
  restored({ snapshotIdentifier }).hasResourceProperties('AWS::RDS::DBInstance', {
    DBSnapshotIdentifier: snapshotIdentifier,
  });
});

test('takes one that only the deployment knows', () => {
  restored((stack) => ({
    snapshotIdentifier: new CfnParameter(stack, 'Snapshot', { type: 'String' }).valueAsString,
  })).hasResourceProperties('AWS::RDS::DBInstance', { DBSnapshotIdentifier: { Ref: 'Snapshot' } });
});

test.each([
  ['nothing, which would make an empty database', '', "is '', wanted a snapshot's name or ARN"],
  ['what a program in JavaScript leaves out', undefined, "is '', wanted a snapshot's name or ARN"],
  ['a number, as JavaScript lets through', 5, "is 5, wanted a snapshot's name or ARN"],
  ['a path', 'snapshots/before', "is 'snapshots/before', wanted a snapshot's name or ARN"],
  [
    'a snapshot of Aurora',
    'arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:before',
    'wanted a snapshot of an RDS for PostgreSQL instance, not of a cluster',
  ],
  [
    'a recovery point of something else',
    'arn:aws:backup:eu-west-1:111122223333:recovery-point:1EB3B5E7',
    "wanted a snapshot's ARN",
  ],
  ['an instance', 'arn:aws:rds:eu-west-1:111122223333:db:letta', "wanted a snapshot's ARN"],
  [
    'a snapshot of another region',
    'arn:aws:rds:eu-central-1:111122223333:snapshot:before',
    "wanted a snapshot in the stack's region 'eu-west-1'; copy it there",
  ],
])('fails on %s', (_name, snapshotIdentifier, message) => {
  const attempt = (): unknown => restored({ snapshotIdentifier: snapshotIdentifier as unknown as string });
  expect(attempt).toThrow('LettaDatabase Test/Database: `snapshotIdentifier` is ');
  expect(attempt).toThrow(message);
});

describe('a whole stack', () => {
  const instances = (databaseSnapshotIdentifier?: string): string[] => {
    const stack = new LettaBedrockStack(testApp(), 'Letta', { http: true, databaseSnapshotIdentifier });
    return Object.keys(Template.fromStack(stack).findResources('AWS::RDS::DBInstance'));
  };

  test('makes a database for each snapshot, so that none is ever replaced', () => {
    const ids = [undefined, 'one', 'two'].flatMap(instances);
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toMatch(/^DatabaseInstance/);
    expect(instances('one')).toEqual([ids[1]]);
  });

  test('hands the snapshot on', () => {
    const stack = new LettaBedrockStack(testApp(), 'Letta', {
      http: true,
      databaseSnapshotIdentifier: 'before-upgrade',
    });
    Template.fromStack(stack).hasResource('AWS::RDS::DBInstance', {
      DeletionPolicy: 'Retain',
      Properties: { DBSnapshotIdentifier: 'before-upgrade' },
    });
  });

  test('is not judged unencrypted by LettaChecks, which cannot know what the snapshot is', () => {
    const app = testApp();
    Validations.of(app).addPlugins(new LettaChecks());
    new LettaBedrockStack(app, 'Letta', { http: true, databaseSnapshotIdentifier: 'before-upgrade' });
    const said = (() => {
      try {
        app.synth();
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(said).not.toContain('database-unencrypted');
  });

  test('fails on a snapshot that only the deployment knows', () => {
    const app = testApp();
    const snapshot = new CfnParameter(new Stack(app, 'Other'), 'Snapshot', { type: 'String' }).valueAsString;
    expect(() => new LettaBedrockStack(app, 'Letta', { http: true, databaseSnapshotIdentifier: snapshot })).toThrow(
      'Letta: databaseSnapshotIdentifier is known only at deployment, wanted a string at synth',
    );
  });

  test('fails on a snapshot beside a database of your own', () => {
    const stack = new Stack(testApp(), 'Test');
    const database = LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
      host: 'db.example.com',
      resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-12345678'),
    });
    expect(
      () => new LettaBedrockStack(testApp(), 'Letta', { http: true, database, databaseSnapshotIdentifier: 'one' }),
    ).toThrow('Letta: database and databaseSnapshotIdentifier are both given');
  });
});
