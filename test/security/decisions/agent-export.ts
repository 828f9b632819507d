import { FOREIGN_ADMINISTRATOR, service } from '../access';
import { Names, Path } from './names';
import { Table, type Row } from './table';

const ExportPath = {
  EXPORT: 'Export/ExportTask/Definition/TaskRole',
  RESTORE: 'Export/RestoreTask/Definition/TaskRole',
  SCHEDULE: 'Export/Schedule/Role',
} as const;

const DELETIONS = ['s3:DeleteObject', 's3:DeleteObjectVersion'];
const LOCK_OF_FILES = ['s3:PutObjectRetention', 's3:PutObjectLegalHold', 's3:BypassGovernanceRetention'];
const LOCK_OF_BUCKET = ['s3:PutBucketObjectLockConfiguration', 's3:PutLifecycleConfiguration', 's3:PutBucketPolicy'];

/** The tasks that write agents to a bucket and bring them back, and what starts them. */
export function agentExport(names: Names): Row[] {
  return [...exporting(names), ...restoring(names), ...others(names), ...schedule(names), ...key(names)];
}

function bucketOf({ deployment }: Names): { bucket: string; file: string; report: string; beside: string } {
  const bucket = deployment.attribute('AWS::S3::Bucket', 'Export/Bucket', 'Arn');
  const folder = `${bucket}/exports/2026-11-23T04:00:00.000Z`;
  const report = `${folder}/restores/2026-11-24T09:00:00.000Z.json`;
  return { bucket, file: `${folder}/agents/agent-1.af`, report, beside: `${bucket}/other/file` };
}

function exporting(names: Names): Row[] {
  const { bucket, file, beside } = bucketOf(names);
  return new Table(names.deployment.role(ExportPath.EXPORT), { owner: names.deployment.account })
    .allows('the export writes its files', ['s3:PutObject'], [file])
    .allows('the export reads the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword])
    .denies('the export reads no export', ['s3:GetObject', 's3:GetObjectVersion'], [file])
    .denies('the export deletes nothing', DELETIONS, [file])
    .denies('the export lifts no lock', LOCK_OF_FILES, [file])
    .denies('the export changes no bucket', LOCK_OF_BUCKET, [bucket])
    .denies('the export lists nothing', ['s3:ListBucket'], [bucket])
    .denies('the export writes nothing else', ['s3:PutObject'], [beside, 'arn:aws:s3:::exfiltration/data'])
    .denies('the export writes nothing from the internet', ['s3:PutObject'], [file], { from: 'internet' })
    .denies('the export reads no other secret', ['secretsmanager:GetSecretValue'], [names.masterSecret])
    .denies('the export logs in to no store', ['rds-db:connect'], [names.databaseUser('letta_runtime')])
    .denies('the export calls no model', ['bedrock:InvokeModel'], [names.model('amazon.titan-embed-text-v2:0')]).rows;
}

function restoring(names: Names): Row[] {
  const { bucket, file, report, beside } = bucketOf(names);
  const within = { context: { 's3:prefix': 'exports/2026-11-23T04:00:00Z/' } };
  return new Table(names.deployment.role(ExportPath.RESTORE), { owner: names.deployment.account })
    .allows('the restore reads exports', ['s3:GetObject'], [file])
    .allows('the restore writes its report', ['s3:PutObject'], [report])
    .denies('the restore writes over no export', ['s3:PutObject'], [file, `${bucket}/exports/latest`])
    .allows('the restore lists exports', ['s3:ListBucket'], [bucket], within)
    .denies('the restore lists nothing else', ['s3:ListBucket'], [bucket], { context: { 's3:prefix': 'other/' } })
    .denies('the restore deletes nothing', DELETIONS, [file])
    .denies('the restore lifts no lock', LOCK_OF_FILES, [file])
    .denies('the restore changes no bucket', LOCK_OF_BUCKET, [bucket])
    .denies('the restore reads nothing else', ['s3:GetObject'], [beside, 'arn:aws:s3:::exfiltration/data'])
    .denies('the restore reads nothing from the internet', ['s3:GetObject'], [file], { from: 'internet' })
    .denies('the restore lists nothing from the internet', ['s3:ListBucket'], [bucket], { ...within, from: 'internet' })
    .denies('the restore reads no other secret', ['secretsmanager:GetSecretValue'], [names.masterSecret]).rows;
}

/** Roles of the service have no way to the exports, and another account's keys take nothing through the endpoint. */
function others(names: Names): Row[] {
  const { bucket, file } = bucketOf(names);
  const tasks = [Path.TASK, Path.MIGRATION].flatMap(
    (path) =>
      new Table(names.deployment.role(path), { owner: names.deployment.account })
        .denies(`${path} has no way to the exports`, ['s3:GetObject', 's3:PutObject', ...DELETIONS], [file])
        .denies(`${path} does not list the exports`, ['s3:ListBucket'], [bucket]).rows,
  );
  const foreign = new Table(FOREIGN_ADMINISTRATOR, { owner: '999988887777' }).denies(
    'nobody writes to another account through the endpoint',
    ['s3:PutObject'],
    ['arn:aws:s3:::exfiltration/exports/data'],
  );
  return [...tasks, ...foreign.rows];
}

function schedule({ deployment }: Names): Row[] {
  const definition = (name: string): string => deployment.ref('AWS::ECS::TaskDefinition', `Export/${name}/Definition`);
  const cluster = { context: { 'ecs:cluster': deployment.attribute('AWS::ECS::Cluster', 'Service/Cluster', 'Arn') } };
  const toTasks = { context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } };
  const passed = ['Export/ExportTask/Definition/TaskRole', 'Export/ExecutionRole'].map(
    (path) => deployment.role(path).arn,
  );
  return new Table(deployment.role(ExportPath.SCHEDULE), { from: 'internet' })
    .allows('the schedule starts the export', ['ecs:RunTask'], [definition('ExportTask')], cluster)
    .allows('the schedule passes its two roles on', ['iam:PassRole'], passed, toTasks)
    .denies('the schedule starts no restore', ['ecs:RunTask'], [definition('RestoreTask')], cluster)
    .denies('the schedule starts nothing on another cluster', ['ecs:RunTask'], [definition('ExportTask')], {
      context: { 'ecs:cluster': deployment.arn('ecs', 'cluster/other') },
    })
    .denies('the schedule passes its roles to ECS alone', ['iam:PassRole'], passed, {
      context: { 'iam:PassedToService': 'lambda.amazonaws.com' },
    })
    .denies(
      'the schedule passes no other role',
      ['iam:PassRole'],
      [deployment.role(ExportPath.RESTORE).arn, deployment.role(Path.TASK).arn],
      toTasks,
    ).rows;
}

/** S3 uses the key for whoever writes or reads, outside the VPC. */
function key(names: Names): Row[] {
  const { deployment } = names;
  const { bucket } = bucketOf(names);
  const own = deployment.attribute('AWS::KMS::Key', 'Key', 'Arn');
  const where = { from: 'internet' as const, resourcePolicy: deployment.resourcePolicy('key', 'Key') };
  const via = (name: string, of: string) => ({
    context: {
      'kms:ViaService': `${name}.${deployment.region}.amazonaws.com`,
      'kms:EncryptionContext:aws:s3:arn': of,
    },
  });
  const [write, read] = ['kms:GenerateDataKey', 'kms:Decrypt'];
  const uses = [write, read];
  const exporter = new Table(deployment.role(ExportPath.EXPORT), where).denies(
    'the export, to read',
    [read],
    [own],
    via('s3', bucket),
  );
  const tasks = [[ExportPath.EXPORT, [write]] as const, [ExportPath.RESTORE, [write, read]] as const].flatMap(
    ([path, allowed]) =>
      new Table(deployment.role(path), where)
        .allows(`${path}, when S3 uses the key for the exports`, [...allowed], [own], via('s3', bucket))
        .denies(`${path}, for another bucket`, uses, [own], via('s3', 'arn:aws:s3:::other'))
        .denies(`${path}, directly`, uses, [own])
        .denies(`${path}, to change the key`, ['kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion'], [own]).rows,
  );
  const stranger = new Table(service('s3.amazonaws.com'), where).denies('S3 by itself', uses, [own]);
  return [...exporter.rows, ...tasks, ...stranger.rows];
}
