import * as fs from 'fs';
import * as path from 'path';
import { parseReleases, releases } from './changelog';
import { GoldenTemplate, StatefulChange, statefulChanges } from './stateful-changes';
import { templatesNow } from './stacks';

const versions = fs
  .readdirSync(__dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

function golden(version: string, stack: string): GoldenTemplate {
  return JSON.parse(fs.readFileSync(path.join(__dirname, version, `${stack}.json`), 'utf8'));
}

/** Logical ids that later versions than this one say they replace. */
function announced(version: string): string[] {
  const all = releases();
  return all
    .slice(
      0,
      all.findIndex((release) => release.version === version),
    )
    .flatMap(({ replaces }) => replaces);
}

const now = templatesNow();

test('there are templates of every version in the change log', () => {
  expect(versions.sort()).toEqual(
    releases()
      .map(({ version }) => version)
      .sort(),
  );
});

test.each(versions.flatMap((version) => fs.readdirSync(path.join(__dirname, version)).map((file) => [version, file])))(
  'whoever deployed %s (%s) keeps everything in an update, but what CHANGELOG.md says is replaced',
  (version, file) => {
    const stack = path.basename(file, '.json');
    const unannounced = statefulChanges(golden(version, stack), now[stack]).filter(
      ({ logicalId }) => !announced(version).includes(logicalId),
    );
    expect(unannounced).toEqual([]);
  },
);

describe('the comparison', () => {
  const stack = now['stack-of-all-props'];

  function idOf(type: string, pattern = /./): string {
    return Object.keys(stack.Resources).find((id) => stack.Resources[id].Type === type && pattern.test(id))!;
  }

  /** What an update to a changed template would do, of one resource. */
  function afterwards(logicalId: string, change: (template: GoldenTemplate) => void): string[] {
    const changed = structuredClone(stack);
    change(changed);
    return statefulChanges(stack, changed)
      .filter((each: StatefulChange) => each.logicalId === logicalId)
      .map((each) => each.change);
  }

  const set =
    (logicalId: string, property: string, value: unknown) =>
    (template: GoldenTemplate): void => {
      (template.Resources[logicalId].Properties as Record<string, unknown>)[property] = value;
    };
  const rename = (logicalId: string) => (template: GoldenTemplate) => {
    template.Resources[`${logicalId}2`] = template.Resources[logicalId];
    delete template.Resources[logicalId];
  };

  test.each([
    ['AWS::RDS::DBInstance', 'DBName', 'other'],
    ['AWS::RDS::DBInstance', 'DBInstanceIdentifier', 'other'],
    ['AWS::RDS::DBInstance', 'KmsKeyId', 'arn:aws:kms:eu-west-1:111122223333:key/1'],
    ['AWS::RDS::DBInstance', 'MasterUsername', 'other'],
    ['AWS::RDS::DBInstance', 'StorageEncrypted', false],
    ['AWS::RDS::DBInstance', 'DBSnapshotIdentifier', 'another'],
    ['AWS::RDS::DBParameterGroup', 'Description', 'other'],
    ['AWS::ElastiCache::ReplicationGroup', 'AtRestEncryptionEnabled', false],
    ['AWS::ElasticLoadBalancingV2::LoadBalancer', 'Scheme', 'internet-facing'],
    ['AWS::EC2::VPC', 'CidrBlock', '10.9.0.0/16'],
    ['AWS::Backup::BackupVault', 'BackupVaultName', 'other'],
    ['AWS::S3::Bucket', 'BucketName', 'other'],
    ['AWS::Logs::LogGroup', 'LogGroupName', 'other'],
  ])('finds %s with another %s', (type, property, value) => {
    const id = idOf(type, type === 'AWS::Logs::LogGroup' ? /^Database/ : /./);
    expect(afterwards(id, set(id, property, value)).join()).toMatch(/^(is|may be) replaced$/);
  });

  test('finds what a replaced resource takes along: the subnets of another VPC', () => {
    const vpc = set(idOf('AWS::EC2::VPC'), 'CidrBlock', '10.9.0.0/16');
    expect(afterwards(idOf('AWS::EC2::Subnet'), vpc).join()).toBe('is replaced');
  });

  test.each([
    ['AWS::RDS::DBInstance', 'leaves the stack'],
    ['AWS::KMS::Key', 'leaves the stack'],
    ['AWS::Backup::BackupVault', 'leaves the stack'],
    ['AWS::SecretsManager::Secret', 'is deleted'],
    ['AWS::ElastiCache::ReplicationGroup', 'is deleted'],
  ])('finds %s under another logical id, which is a new and empty one', (type, change) => {
    const id = idOf(type);
    expect(afterwards(id, rename(id))).toEqual([change]);
  });

  test('finds a policy that no longer keeps the database', () => {
    const id = idOf('AWS::RDS::DBInstance');
    const weaken = (template: GoldenTemplate): void => {
      template.Resources[id] = { ...template.Resources[id], DeletionPolicy: 'Snapshot' };
    };
    expect(afterwards(id, weaken)).toEqual(['is no longer kept: DeletionPolicy was Retain and is Snapshot']);
  });

  test.each([
    ['AWS::RDS::DBInstance', 'DBInstanceClass', 'db.r7g.large'],
    ['AWS::RDS::DBInstance', 'AllocatedStorage', '200'],
    ['AWS::RDS::DBInstance', 'MaxAllocatedStorage', 1000],
    ['AWS::RDS::DBParameterGroup', 'Parameters', { work_mem: '1' }],
    ['AWS::Logs::LogGroup', 'RetentionInDays', 7],
    ['AWS::ECS::TaskDefinition', 'Cpu', '2048'],
  ])('finds nothing in %s with another %s', (type, property, value) => {
    const changed = structuredClone(stack);
    set(idOf(type), property, value)(changed);
    expect(statefulChanges(stack, changed)).toEqual([]);
  });

  test('takes the change log at its word: what a later version says it replaces', () => {
    const [later, earlier] = parseReleases(
      '# Changelog\n\n## 0.2.0 (unreleased)\n\n- New.\n\n**Replaces** `CacheResourceABC` in every stack.\n\n## 0.1.0 (2026-12-01)\n\n- First `Thing`.\n',
    );
    expect(later).toEqual({ version: '0.2.0', released: false, replaces: ['CacheResourceABC'] });
    expect(earlier).toEqual({ version: '0.1.0', released: true, replaces: [] });
  });
});
