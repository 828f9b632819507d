import { CfnParameter, Duration, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { LettaDatabase, LettaDatabaseProps } from '../../lib';
import { isolatedVpc, Match, Template, testApp, testStack, warningsOf } from './support';

type Props = Omit<LettaDatabaseProps, 'vpc'>;

function synth(props: Props | ((stack: Stack) => Props) = {}): Template {
  const stack = testStack();
  const given = typeof props === 'function' ? props(stack) : props;
  new LettaDatabase(stack, 'Database', { vpc: isolatedVpc(stack), ...given });
  return Template.fromStack(stack);
}

function parameters(props: Props = {}): Record<string, string> {
  const [group] = Object.values(synth(props).findResources('AWS::RDS::DBParameterGroup'));
  return group.Properties.Parameters;
}

const of = (name: string): ec2.InstanceType => new ec2.InstanceType(name);

describe('memory', () => {
  test.each([
    ['t4g.micro', '4096', '65536'],
    ['t4g.medium', '8192', '262144'],
    ['m7g.large', '16384', '524288'],
    ['r7g.xlarge', '65536', '2097152'],
    ['r8g.48xlarge', '65536', '2097152'],
  ])('of %s gives a sort %s KiB and a VACUUM %s KiB', (type, work, maintenance) => {
    expect(parameters({ instanceType: of(type) })).toMatchObject({ work_mem: work, maintenance_work_mem: maintenance });
  });

  test("of a class that isn't known leaves PostgreSQL's and RDS's own figures", () => {
    const names = Object.keys(parameters({ instanceType: of('z9q.large'), maxConnections: 100 }));
    expect(names).toContain('max_connections');
    expect(names.filter((name) => name.endsWith('work_mem'))).toEqual([]);
  });

  test('is what the props say, in the unit of PostgreSQL', () => {
    expect(parameters({ workMemory: Size.mebibytes(32), maintenanceMemory: Size.gibibytes(1) })).toMatchObject({
      work_mem: '32768',
      maintenance_work_mem: '1048576',
    });
  });

  test.each<[string, Props, string]>([
    ['workMemory', { workMemory: Size.kibibytes(63) }, '63 KiB, wanted 64 to 524288 KiB for this instance type'],
    ['workMemory', { workMemory: Size.mebibytes(513) }, '525312 KiB, wanted 64 to 524288 KiB for this instance type'],
    ['maintenanceMemory', { maintenanceMemory: Size.gibibytes(3) }, '3145728 KiB, wanted 1024 to 2097152 KiB'],
    [
      'maintenanceMemory',
      { maintenanceMemory: Size.kibibytes(1), instanceType: of('z9q.large'), maxConnections: 100 },
      '1 KiB, wanted at least 1024 KiB',
    ],
  ])('fails when `%s` is what the instance cannot give: %j', (prop, props, message) => {
    expect(() => synth(props)).toThrow(`LettaDatabase Test/Database: \`${prop}\` is ${message}`);
  });
});

test.each([
  ['workMemory', { workMemory: 64 }, '`workMemory` is 64, wanted a Size: give for example Size.mebibytes(64)'],
  ['maintenanceMemory', { maintenanceMemory: '1GB' }, "`maintenanceMemory` is '1GB', wanted a Size"],
  ['backupRetention', { backupRetention: 7 }, 'backupRetention is 7, wanted a Duration'],
  [
    'backupRetention',
    { backupRetention: Duration.hours(36) },
    '`backupRetention` is 1.5, wanted a whole number from 1 to 35',
  ],
])('fails on a `%s` of another kind: %j', (_prop, props, message) => {
  expect(() => synth(props as unknown as Props)).toThrow(message);
});

describe('parameters', () => {
  test('are added to those that are there', () => {
    expect(parameters({ parameters: { max_parallel_workers_per_gather: '4' } })).toMatchObject({
      max_parallel_workers_per_gather: '4',
      'rds.force_ssl': '1',
    });
  });

  test.each([
    ['log_min_duration_statement', 'stay out of the log'],
    ['LOG_STATEMENT', 'stay out of the log'],
    ['auto_explain.log_min_duration', 'stay out of the log'],
    ['rds.force_ssl', 'every connection is TLS'],
    ['ssl_min_protocol_version', 'every connection is TLS'],
    ['rds.restrict_password_commands', 'by IAM alone'],
    ['max_connections', '`maxConnections` decides it'],
    ['work_mem', '`workMemory` decides it'],
    ['maintenance_work_mem', '`maintenanceMemory` decides it'],
  ])('fail where they are decided already: %s', (name, reason) => {
    const attempt = (): unknown => synth({ parameters: { [name]: '0' } });
    expect(attempt).toThrow(`\`parameters\` has '${name}' = '0', wanted a parameter that is not decided already`);
    expect(attempt).toThrow(reason);
  });
});

describe('storage', () => {
  test('grows to five times its size', () => {
    synth({ allocatedStorage: 200 }).hasResourceProperties('AWS::RDS::DBInstance', {
      AllocatedStorage: '200',
      MaxAllocatedStorage: 1000,
      Iops: Match.absent(),
      StorageThroughput: Match.absent(),
    });
  });

  test('takes figures of its own from 400 GiB on', () => {
    synth({ allocatedStorage: 400, iops: 20000, storageThroughput: 1000 }).hasResourceProperties(
      'AWS::RDS::DBInstance',
      {
        Iops: 20000,
        StorageThroughput: 1000,
      },
    );
  });

  test.each<[string, Props, string]>([
    [
      'iops',
      { allocatedStorage: 399, iops: 12000 },
      'is 12000 with 399 GiB of `allocatedStorage`, wanted at least 400 GiB',
    ],
    ['storageThroughput', { storageThroughput: 500 }, 'is 500 with 100 GiB of `allocatedStorage`, wanted at least 400'],
    ['iops', { allocatedStorage: 400, iops: 3000 }, 'is 3000, wanted a whole number from 12000'],
    ['maxAllocatedStorage', { maxAllocatedStorage: 109 }, 'is 109, wanted at least 110, 10 % more than the 100 GiB'],
  ])('fails on what RDS refuses: %s %j', (prop, props, message) => {
    expect(() => synth(props)).toThrow(`LettaDatabase Test/Database: \`${prop}\` ${message}`);
  });

  test('that may not grow, or that only the deployment knows, passes', () => {
    synth({ maxAllocatedStorage: 100 }).hasResourceProperties('AWS::RDS::DBInstance', { MaxAllocatedStorage: 100 });
    synth((stack) => ({
      allocatedStorage: new CfnParameter(stack, 'Size', { type: 'Number' }).valueAsNumber,
      maxAllocatedStorage: 101,
      iops: 12000,
    })).hasResourceProperties('AWS::RDS::DBInstance', { Iops: 12000 });
  });
});

test('more connections than the memory is for give a warning, and the deployment goes on', () => {
  const warnings = (maxConnections: number): string[] => {
    const app = testApp();
    const stack = new Stack(app, 'Test');
    new LettaDatabase(stack, 'Database', { vpc: isolatedVpc(stack), maxConnections });
    return warningsOf(app);
  };
  expect(warnings(901)).toEqual([]);
  expect(warnings(902).join()).toContain(
    "Test/Database: maxConnections is 902, more than the 901 that RDS gives the memory of 'm7g.large'",
  );
});

test('Database Insights keep a week, or 15 months when they are asked to be advanced', () => {
  synth().hasResourceProperties('AWS::RDS::DBInstance', {
    DatabaseInsightsMode: 'standard',
    PerformanceInsightsRetentionPeriod: 7,
  });
  synth({ databaseInsightsMode: rds.DatabaseInsightsMode.ADVANCED }).hasResourceProperties('AWS::RDS::DBInstance', {
    DatabaseInsightsMode: 'advanced',
    PerformanceInsightsRetentionPeriod: 465,
  });
});

test('windows and major versions are handed on', () => {
  synth({
    preferredBackupWindow: '02:00-02:30',
    preferredMaintenanceWindow: 'sun:04:00-sun:05:00',
    allowMajorVersionUpgrade: true,
  }).hasResourceProperties('AWS::RDS::DBInstance', {
    PreferredBackupWindow: '02:00-02:30',
    PreferredMaintenanceWindow: 'sun:04:00-sun:05:00',
    AllowMajorVersionUpgrade: true,
  });
  synth().hasResourceProperties('AWS::RDS::DBInstance', { AllowMajorVersionUpgrade: Match.absent() });
});
