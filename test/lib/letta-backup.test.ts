import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import { LettaBackup, LettaBedrockStack, LettaBackupProps, LettaDatabase, LettaDatabaseProps } from '../../lib';
import { asText, isolatedVpc, Match, Statement, Template, testApp, warningsOf } from './support';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const OTHER_REGION = 'arn:aws:backup:eu-central-1:111122223333:backup-vault:copies';
const OTHER_ACCOUNT = 'arn:aws:backup:eu-west-1:444455556666:backup-vault:copies';

interface Made {
  readonly app: App;
  readonly stack: Stack;
  readonly template: () => Template;
}

function made(
  props: Partial<LettaBackupProps> | ((stack: Stack) => Partial<LettaBackupProps>) = {},
  database: (stack: Stack) => Partial<LettaDatabaseProps> = () => ({}),
): Made {
  const app = testApp({ 'availability-zones:account=111122223333:region=eu-west-1': ['eu-west-1a', 'eu-west-1b'] });
  const stack = new Stack(app, 'Test', { env: ENV });
  const given = typeof props === 'function' ? props(stack) : props;
  new LettaBackup(stack, 'Backup', {
    database: new LettaDatabase(stack, 'Database', { vpc: isolatedVpc(stack), ...database(stack) }),
    ...given,
  });
  return { app, stack, template: () => Template.fromStack(stack) };
}

/** `Ref` of the only resource of a type. */
function ref(template: Template, type: string): { Ref: string } {
  return { Ref: Object.keys(template.findResources(type))[0] };
}

describe('backups', () => {
  test('of the database and of nothing else are taken every day and kept for five weeks', () => {
    const template = made().template();
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanRule: [
          {
            ScheduleExpression: 'cron(0 5 * * ? *)',
            Lifecycle: { DeleteAfterDays: 35 },
            CopyActions: [],
            EnableContinuousBackup: Match.absent(),
          },
        ],
      },
    });
    const [selection] = Object.values(template.findResources('AWS::Backup::BackupSelection'));
    const { Resources } = selection.Properties.BackupSelection;
    expect(Resources).toHaveLength(1);
    expect(asText(Resources[0])).toBe(
      `arn:\${AWS::Partition}:rds:eu-west-1:111122223333:db:\${${ref(template, 'AWS::RDS::DBInstance').Ref}}`,
    );
  });

  test('stay when the stack goes, with the vault they are in and the role that ages them', () => {
    const template = made().template();
    for (const type of ['AWS::Backup::BackupVault', 'AWS::IAM::Role']) {
      template.hasResource(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    }
    const gone = made({ removalPolicy: RemovalPolicy.DESTROY }).template();
    gone.hasResource('AWS::Backup::BackupVault', { DeletionPolicy: 'Delete' });
    expect(
      Object.entries(gone.findResources('AWS::IAM::Role'))
        .filter(([id]) => id.startsWith('Backup'))
        .map(([, role]) => role.DeletionPolicy)
        .sort(),
    ).toEqual(['Delete', undefined]);
  });

  test("are in a vault whose name is new in each stack, so that one that stayed is in nobody's way", () => {
    const [vault] = Object.values(made().template().findResources('AWS::Backup::BackupVault'));
    expect(JSON.stringify(vault.Properties.BackupVaultName)).toContain('AWS::StackId');
  });

  test('are kept, locked and encrypted as asked', () => {
    const template = made((stack) => ({
      schedule: events.Schedule.cron({ hour: '1', minute: '30', weekDay: 'MON' }),
      retention: Duration.days(400),
      vaultLock: { minRetention: Duration.days(30), maxRetention: Duration.days(400), changeableFor: Duration.days(3) },
      encryptionKey: new kms.Key(stack, 'Key'),
    })).template();
    template.hasResourceProperties('AWS::Backup::BackupVault', {
      LockConfiguration: { MinRetentionDays: 30, MaxRetentionDays: 400, ChangeableForDays: 3 },
      EncryptionKeyArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
    });
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanRule: [
          Match.objectLike({ ScheduleExpression: 'cron(30 1 ? * MON *)', Lifecycle: { DeleteAfterDays: 400 } }),
        ],
      },
    });
  });

  test('go to a vault that is there already', () => {
    const template = made((stack) => ({
      vault: backup.BackupVault.fromBackupVaultName(stack, 'Vault', 'company'),
    })).template();
    template.resourceCountIs('AWS::Backup::BackupVault', 0);
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: { BackupPlanRule: [Match.objectLike({ TargetBackupVault: 'company' })] },
    });
  });

  test('warn where the lock becomes final, and only there', () => {
    const vaultLock = { minRetention: Duration.days(7) };
    const final = made({ vaultLock: { ...vaultLock, changeableFor: Duration.days(5) } });
    expect(warningsOf(final.app).join()).toContain('vaultLock.changeableFor makes the lock final after 5 days');
    expect(warningsOf(made({ vaultLock }).app)).toEqual([]);
  });
});

describe('roles', () => {
  test("are AWS Backup's alone, by its own policies, and can do nothing but backups, nor delete or change the database", () => {
    const template = made().template();
    const roles = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) => id.startsWith('Backup'));
    const arn = `arn:\${AWS::Partition}:rds:eu-west-1:111122223333:db:\${${ref(template, 'AWS::RDS::DBInstance').Ref}}`;
    expect(roles.map(([, { Properties }]) => asText(Properties.ManagedPolicyArns[0])).sort()).toEqual([
      'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup',
      'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores',
    ]);
    for (const [, { Properties }] of roles) {
      expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' } },
      ]);
      const denied: (Statement & { NotAction?: string[] })[] = Properties.Policies[0].PolicyDocument.Statement;
      expect(denied.map((each) => [each.Effect, each.NotAction, each.Action, asText(each.Resource)])).toEqual([
        ['Deny', ['backup:*', 'ec2:Describe*', 'kms:*', 'rds:*', 'tag:GetResources'], undefined, '*'],
        ['Deny', undefined, ['rds:DeleteDBInstance', 'rds:ModifyDBInstance'], arn],
      ]);
    }
  });
});

describe('restore test', () => {
  test("restores the latest backup of the vault into the database's own subnets, where nobody reaches it", () => {
    const template = made().template();
    template.hasResourceProperties('AWS::Backup::RestoreTestingPlan', {
      ScheduleExpression: 'cron(0 12 ? * SUN *)',
      RecoveryPointSelection: {
        Algorithm: 'LATEST_WITHIN_WINDOW',
        IncludeVaults: [{ 'Fn::GetAtt': [ref(template, 'AWS::Backup::BackupVault').Ref, 'BackupVaultArn'] }],
        RecoveryPointTypes: ['SNAPSHOT'],
      },
    });
    const [selection] = Object.values(template.findResources('AWS::Backup::RestoreTestingSelection'));
    const { RestoreMetadataOverrides: overrides, ProtectedResourceType } = selection.Properties;
    expect(ProtectedResourceType).toBe('RDS');
    expect(overrides.dbSubnetGroupName).toEqual(ref(template, 'AWS::RDS::DBSubnetGroup'));
    const groups = template.findResources('AWS::EC2::SecurityGroup', {
      Properties: { GroupDescription: Match.stringLikeRegexp('^Restored copies') },
    });
    const [group] = Object.keys(groups);
    expect(asText(overrides.vpcSecurityGroupIds)).toBe(`["\${${group}.GroupId}"]`);
    expect(groups[group].Properties.SecurityGroupIngress).toBeUndefined();
    expect(groups[group].Properties.SecurityGroupEgress).toEqual([
      expect.objectContaining({ CidrIp: '255.255.255.255/32' }),
    ]);
  });

  test('has names that AWS Backup takes, new in each stack', () => {
    const template = made().template();
    const [plan] = Object.values(template.findResources('AWS::Backup::RestoreTestingPlan'));
    const name = asText(plan.Properties.RestoreTestingPlanName);
    expect(name).toMatch(/^letta_[0-9a-f]{8}_/);
    expect(name).toContain('AWS::StackId');
  });

  test('has a schedule of its own, or is left out', () => {
    made({ restoreTestSchedule: events.Schedule.cron({ day: '1', hour: '4', minute: '0' }) })
      .template()
      .hasResourceProperties('AWS::Backup::RestoreTestingPlan', { ScheduleExpression: 'cron(0 4 1 * ? *)' });
    const without = made({ restoreTest: false }).template();
    without.resourceCountIs('AWS::Backup::RestoreTestingPlan', 0);
    without.resourceCountIs('AWS::Backup::RestoreTestingSelection', 0);
  });
});

describe('copies', () => {
  const withKey = (stack: Stack): Partial<LettaDatabaseProps> => ({ encryptionKey: new kms.Key(stack, 'Key') });

  test('go to another region, kept as long as the backups or as long as is said', () => {
    const copies = (props: Partial<LettaBackupProps>): unknown => {
      const [plan] = Object.values(
        made({ copyToVaultArns: [OTHER_REGION], ...props })
          .template()
          .findResources('AWS::Backup::BackupPlan'),
      );
      return plan.Properties.BackupPlan.BackupPlanRule[0].CopyActions;
    };
    expect(copies({})).toEqual([{ DestinationBackupVaultArn: OTHER_REGION, Lifecycle: { DeleteAfterDays: 35 } }]);
    expect(copies({ copyRetention: Duration.days(365) })).toEqual([
      { DestinationBackupVaultArn: OTHER_REGION, Lifecycle: { DeleteAfterDays: 365 } },
    ]);
  });

  test("go to another account, which is let use the database's key", () => {
    const template = made({ copyToVaultArns: [OTHER_ACCOUNT] }, withKey).template();
    const [key] = Object.values(template.findResources('AWS::KMS::Key'));
    const statements = (key.Properties.KeyPolicy.Statement as Record<string, never>[]).filter((each) =>
      JSON.stringify(each).includes('444455556666'),
    );
    expect(statements.map(({ Action, Condition }) => [Action, Condition])).toEqual([
      [['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'], undefined],
      ['kms:CreateGrant', { Bool: { 'kms:GrantIsForAWSResource': 'true' } }],
    ]);
  });

  test('to another account warn with the statements that an imported key needs', () => {
    const { app } = made({ copyToVaultArns: [OTHER_ACCOUNT] }, (stack) => ({
      encryptionKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/1'),
      encryptionKeyAllowsUse: true,
    }));
    expect(warningsOf(app).join()).toContain(
      "the database's key was imported, so account 444455556666 cannot be let use it here",
    );
  });

  test('to a vault that only the deployment knows pass', () => {
    expect(() =>
      made((stack) => ({
        copyToVaultArns: [new backup.BackupVault(stack, 'Other').backupVaultArn],
      })).template(),
    ).not.toThrow();
  });
});

test('backs up the database of a whole stack', () => {
  const stack = new LettaBedrockStack(testApp(), 'Whole', { http: true });
  new LettaBackup(stack, 'Backup', { database: stack.ownDatabase! });
  Template.fromStack(stack).resourceCountIs('AWS::Backup::BackupSelection', 1);
});

describe('bad input', () => {
  test.each<[string, Partial<LettaBackupProps>, string]>([
    [
      'a retention shorter than the lock',
      { retention: Duration.days(6), vaultLock: { minRetention: Duration.days(7) } },
      'Test/Backup: retention is 6 days, wanted at least 7 days, because a locked vault refuses every other backup',
    ],
    [
      'a retention longer than the lock',
      { vaultLock: { minRetention: Duration.days(7), maxRetention: Duration.days(30) } },
      'Test/Backup: retention is 35 days, wanted 7 to 30 days',
    ],
    ['no retention', { retention: Duration.days(0) }, 'retention is 0 days, wanted a whole number from 1 to 36500'],
    ['half a day', { copyRetention: Duration.hours(36) }, 'copyRetention is 1.5 days, wanted a whole number'],
    [
      'a rate',
      { schedule: events.Schedule.rate(Duration.hours(12)) },
      'schedule is rate(12 hours), wanted a cron expression',
    ],
    [
      'a rate of restore tests',
      { restoreTestSchedule: events.Schedule.rate(Duration.days(7)) },
      'restoreTestSchedule is rate(7 days), wanted a cron expression',
    ],
    [
      'the name of a vault',
      { copyToVaultArns: ['copies'] },
      "copyToVaultArns has 'copies', wanted a vault's ARN such as arn:aws:backup:",
    ],
    [
      'another region and another account at once',
      { copyToVaultArns: ['arn:aws:backup:eu-central-1:444455556666:backup-vault:copies'] },
      "of another region and another account than the stack's (eu-west-1, 111122223333), wanted one of the two",
    ],
    [
      'another account without a key',
      { copyToVaultArns: [OTHER_ACCOUNT] },
      'of another account, and the database is under the account',
    ],
  ])('fails on %s', (_name, props, message) => {
    expect(() => made(props)).toThrow(message);
  });

  test.each([
    ['a number for a duration', { retention: 35 }, 'retention is 35, wanted a Duration: give Duration.'],
    [
      'a text for a schedule',
      { schedule: 'cron(0 5 * * ? *)' },
      "schedule is 'cron(0 5 * * ? *)', wanted a cron expression",
    ],
    ['nothing for a schedule', { restoreTestSchedule: null }, 'restoreTestSchedule is null, wanted a cron expression'],
    ['one ARN for a list', { copyToVaultArns: OTHER_REGION }, "wanted a list of vaults' ARNs: give it in brackets"],
    ['a number for an ARN', { copyToVaultArns: [5] }, "copyToVaultArns has '5', wanted a vault's ARN"],
  ])('fails on what only JavaScript lets through: %s', (_name, props, message) => {
    expect(() => made(props as unknown as Partial<LettaBackupProps>)).toThrow(message);
  });

  test.each(['vaultLock', 'encryptionKey', 'removalPolicy'])('fails on `vault` together with `%s`', (prop) => {
    const values: Record<string, (stack: Stack) => unknown> = {
      vaultLock: () => ({ minRetention: Duration.days(7) }),
      encryptionKey: (stack) => new kms.Key(stack, 'Key'),
      removalPolicy: () => RemovalPolicy.DESTROY,
    };
    expect(() =>
      made((stack) => ({
        vault: backup.BackupVault.fromBackupVaultName(stack, 'Vault', 'company'),
        [prop]: values[prop](stack),
      })),
    ).toThrow(`Test/Backup: vault and ${prop} are both given, wanted one of them`);
  });

  test.each([
    ['no database', undefined, 'database is not given'],
    [
      'an imported database, as a program in JavaScript may give it',
      (stack: Stack) =>
        LettaDatabase.fromLettaDatabaseAttributes(stack, 'Imported', {
          host: 'db.example.internal',
          resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
          securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-12345678'),
        }) as LettaDatabase,
      'database is one that was imported',
    ],
  ])('fails on %s', (_name, database, message) => {
    expect(() => made((stack) => ({ database: database?.(stack) as LettaDatabase }))).toThrow(
      `Test/Backup: ${message}, wanted a LettaDatabase or LettaAuroraDatabase that the app makes`,
    );
  });

  test('fails on a database of another region', () => {
    const app = testApp();
    const there = new Stack(app, 'There', { env: { region: 'eu-central-1', account: ENV.account } });
    const vpc = isolatedVpc(there);
    const database = new LettaDatabase(there, 'Database', { vpc });
    const here = new Stack(app, 'Here', { env: ENV });
    expect(() => new LettaBackup(here, 'Backup', { database })).toThrow(
      "Here/Backup: database is of region 'eu-central-1', wanted one of the stack's region 'eu-west-1'",
    );
  });
});
