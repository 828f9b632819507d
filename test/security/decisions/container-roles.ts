import { Names, Path } from './names';
import { Table, type Row } from './table';

const PULL = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const WRITE = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** What Fargate uses to start the containers, for the server and for the migration. */
export function executionRole(names: Names, role: string, ownLogs: string, otherLogs: string): Row[] {
  const { deployment } = names;
  return new Table(deployment.role(role))
    .allows('the images of this deployment', PULL, [names.imageRepository])
    .allows('a token of the registry', ['ecr:GetAuthorizationToken'], ['*'])
    .denies('images of others', PULL, [
      names.repository('payroll'),
      `${names.imageRepository}2`,
      names.imageRepository.replace(`:${deployment.account}:`, ':999988887777:'),
    ])
    .denies(
      'changes of the images',
      ['ecr:PutImage', 'ecr:InitiateLayerUpload', 'ecr:BatchDeleteImage', 'ecr:SetRepositoryPolicy'],
      [names.imageRepository],
    )
    .allows("the containers' log streams", WRITE, [names.stream(ownLogs)])
    .denies('logs of others', WRITE, [
      names.stream(otherLogs),
      deployment.arn('logs', 'log-group:/payroll:log-stream:x'),
      names.stream(ownLogs).replace(`:${deployment.account}:`, ':999988887777:'),
    ])
    .denies('reading or deleting its logs', ['logs:GetLogEvents', 'logs:DeleteLogStream'], [names.stream(ownLogs)])
    .denies(
      'models',
      ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
      [
        names.profile('us.anthropic.claude-sonnet-4-5-20250929-v1:0'),
        names.profile('eu.anthropic.claude-sonnet-4-6'),
        names.model('amazon.titan-embed-text-v2:0'),
      ],
    )
    .denies('the list of profiles', ['bedrock:ListInferenceProfiles'], ['*'])
    .denies(
      'secrets: no container is given one',
      ['secretsmanager:GetSecretValue'],
      [names.apiPassword, names.masterSecret],
    )
    .denies(
      'the database',
      ['rds-db:connect'],
      [names.databaseUser('letta_runtime'), names.databaseUser('letta_migrator')],
    )
    .denies('the cache', ['elasticache:Connect'], [names.cacheGroup, names.cacheUser('User')])
    .denies('objects in S3 by itself: ECR signs the addresses of layers', ['s3:GetObject'], [names.layers])
    .denies('roles', ['sts:AssumeRole', 'iam:PassRole'], [names.role(Path.TASK), names.role(Path.SETUP)]).rows;
}

/** The task that migrates the database: its migrator role and nothing else. */
export function migrationRole(names: Names): Row[] {
  const { deployment } = names;
  return new Table(deployment.role(Path.MIGRATION))
    .allows('the database as its migrator', ['rds-db:connect'], [names.databaseUser('letta_migrator')])
    .denies(
      'the database as anybody else',
      ['rds-db:connect'],
      [
        names.databaseUser('letta_runtime'),
        names.databaseUser('postgres'),
        names.databaseUser('letta_migrator', 'db-ZYXWVUTSRQPONMLKJIHGFEDCBA'),
      ],
    )
    .denies(
      'models',
      ['bedrock:InvokeModel'],
      [names.profile('us.anthropic.claude-sonnet-4-5-20250929-v1:0'), names.model('amazon.titan-embed-text-v2:0')],
    )
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
    .denies('the cache', ['elasticache:Connect'], [names.cacheGroup, names.cacheUser('User')])
    .denies('the list of profiles', ['bedrock:ListInferenceProfiles'], ['*']).rows;
}
