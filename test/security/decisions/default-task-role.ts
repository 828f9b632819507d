import { Names, Path } from './names';
import { Table, type Row } from './table';

const CHAT = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];
const SONNET = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const HAIKU = 'anthropic.claude-haiku-4-5-20251001-v1:0';
const TITAN = 'amazon.titan-embed-text-v2:0';
const GEOGRAPHY = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'ca-central-1', 'ca-west-1'];

/** The running task of the default stack: two chat models by their profiles, one embedding model, no guardrail. */
export function defaultTaskRole(names: Names): Row[] {
  const { deployment } = names;
  const through = (id: string): { context: Record<string, string> } => ({
    context: { 'bedrock:InferenceProfileArn': names.profile(id) },
  });
  const everywhere = (id: string): string[] => GEOGRAPHY.map((region) => names.model(id, region));
  const table = new Table(deployment.role(Path.TASK))
    .allows('the chat models by their profiles', CHAT, [names.profile(`us.${SONNET}`), names.profile(`us.${HAIKU}`)])
    .allows('what the profile routes to', CHAT, everywhere(SONNET), through(`us.${SONNET}`))
    .allows('what the other profile routes to', CHAT, everywhere(HAIKU), through(`us.${HAIKU}`))
    .denies('a chat model without its profile', CHAT, [...everywhere(SONNET), ...everywhere(HAIKU)])
    .denies('a chat model by the profile of another', CHAT, everywhere(SONNET), through(`us.${HAIKU}`))
    .denies('a chat model by a profile that was not declared', CHAT, everywhere(SONNET), through(`global.${SONNET}`))
    .denies('a chat model by a profile of another account', CHAT, [names.model(SONNET)], {
      context: { 'bedrock:InferenceProfileArn': names.profile(`us.${SONNET}`, undefined, '999988887777') },
    })
    .denies(
      'a region outside the geography, even by the profile',
      CHAT,
      [names.model(SONNET, 'eu-central-1'), names.model(SONNET, 'ap-southeast-2'), names.model(SONNET, '')],
      through(`us.${SONNET}`),
    )
    .denies('other profiles of the declared models', CHAT, [
      names.profile(`global.${SONNET}`),
      names.profile(`eu.${SONNET}`),
      names.profile(`us.${SONNET}`, 'us-west-2'),
      names.profile(`us.${SONNET}`, 'us-east-1', '999988887777'),
    ])
    .denies('other models by their profiles', CHAT, [
      names.profile('us.anthropic.claude-opus-4-5-20251101-v1:0'),
      names.profile('us.amazon.nova-pro-v1:0'),
      names.profile('us.meta.llama3-3-70b-instruct-v1:0'),
    ])
    .denies('other models', CHAT, [
      names.model('amazon.nova-pro-v1:0'),
      names.model('anthropic.claude-3-haiku-20240307-v1:0'),
      names.model(`${SONNET}x`),
    ])
    .denies(
      'models of an account: tuned, bought, imported, behind a router',
      ['bedrock:InvokeModel'],
      [
        deployment.arn('bedrock', 'provisioned-model/abc123'),
        deployment.arn('bedrock', 'imported-model/abc123'),
        deployment.arn('bedrock', 'custom-model-deployment/abc123'),
        deployment.arn('bedrock', 'prompt-router/abc123'),
        deployment.arn('bedrock', 'application-inference-profile/abc123'),
      ],
    )
    .allows('the embedding model', ['bedrock:InvokeModel'], [names.model(TITAN)])
    .denies('the embedding model as a stream', ['bedrock:InvokeModelWithResponseStream'], [names.model(TITAN)])
    .denies('the embedding model elsewhere', ['bedrock:InvokeModel'], [names.model(TITAN, 'us-west-2')])
    .denies(
      'other embedding models',
      ['bedrock:InvokeModel'],
      [names.model('amazon.titan-embed-text-v1'), names.model('cohere.embed-english-v3')],
    )
    .allows('the list of profiles', ['bedrock:ListInferenceProfiles'], ['*'])
    .denies('other lists of Bedrock', ['bedrock:ListFoundationModels', 'bedrock:ListGuardrails'], ['*'])
    .denies(
      'a guardrail where none was declared',
      ['bedrock:ApplyGuardrail'],
      [deployment.arn('bedrock', 'guardrail/gr4ab2')],
    );
  return [...table.rows, ...taskStores(names)];
}

/** What the tasks of every stack may ask of secrets, database and cache. */
export function taskStores(names: Names): Row[] {
  const { deployment } = names;
  return new Table(deployment.role(Path.TASK))
    .allows('the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword])
    .denies(
      'anything else about the API password',
      [
        'secretsmanager:DescribeSecret',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecret',
        'secretsmanager:DeleteSecret',
        'secretsmanager:RotateSecret',
        'secretsmanager:PutResourcePolicy',
      ],
      [names.apiPassword],
    )
    .denies(
      "the database master's secret",
      ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
      [names.masterSecret],
    )
    .denies(
      'secrets of others',
      ['secretsmanager:GetSecretValue'],
      [
        deployment.arn('secretsmanager', 'secret:payroll-AbCdEf'),
        `${names.apiPassword}2`,
        names.apiPassword.replace(deployment.account, '999988887777'),
      ],
    )
    .denies('what secrets there are', ['secretsmanager:ListSecrets'], ['*'])
    .allows('the database as its runtime role', ['rds-db:connect'], [names.databaseUser('letta_runtime')])
    .denies(
      'the database as anybody else',
      ['rds-db:connect'],
      [
        names.databaseUser('letta_migrator'),
        names.databaseUser('letta_admin'),
        names.databaseUser('postgres'),
        names.databaseUser('letta_runtime', 'db-ZYXWVUTSRQPONMLKJIHGFEDCBA'),
      ],
    )
    .allows('the cache and its user', ['elasticache:Connect'], [names.cacheGroup, names.cacheUser('User')])
    .denies(
      'other caches and users',
      ['elasticache:Connect'],
      [
        names.cacheUser('DefaultUser'),
        `${names.cacheGroup}2`,
        deployment.arn('elasticache', 'user:admin'),
        deployment.arn('elasticache', 'serverlesscache:other'),
      ],
    )
    .denies(
      'the data behind the database and the cache',
      ['rds:CreateDBSnapshot', 'rds:DeleteDBInstance', 'rds:ModifyDBInstance'],
      [deployment.attribute('AWS::RDS::DBInstance', 'Database/Instance', 'DBInstanceArn')],
    )
    .denies(
      'what the execution role does: log and pull',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [names.stream('Service/Task/Logs')],
    )
    .denies('images', ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer', 'ecr:PutImage'], [names.imageRepository])
    .denies('any object in S3', ['s3:GetObject', 's3:PutObject'], [names.layers, 'arn:aws:s3:::exfiltration/data'])
    .denies(
      'other roles',
      ['sts:AssumeRole', 'iam:PassRole'],
      [names.role(Path.MIGRATION), names.role(Path.SETUP), `arn:aws:iam::${deployment.account}:role/Administrator`],
    )
    .denies('tasks', ['ecs:RunTask'], [deployment.ref('AWS::ECS::TaskDefinition', 'Service/Migration/Task/Definition')])
    .denies(
      'functions',
      ['lambda:InvokeFunction'],
      [deployment.attribute('AWS::Lambda::Function', 'Database/Setup/Step/Function', 'Arn')],
    ).rows;
}
