import {
  administrator,
  AWS_ACCOUNT,
  FOREIGN_ADMINISTRATOR,
  OWN_ADMINISTRATOR,
  SISTER_ADMINISTRATOR,
  type Caller,
} from '../access';
import { Names } from './names';
import { Table, type Row } from './table';

const CHAT = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];
const PULL = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** What a deployment declared, where an endpoint's policy names it. */
export interface Declared {
  readonly profiles: string[];
  readonly embedding: string;
  readonly guardrail?: string;
}

/**
 * The endpoints' policies on their own: callers are administrators, whose other policies refuse nothing, as if somebody
 * had brought keys of their own into the VPC.
 */
export function endpoints(names: Names, declared: Declared): Row[] {
  return [
    ...own(names, declared),
    ...foreign(names, declared, FOREIGN_ADMINISTRATOR, 'of another account'),
    ...foreign(names, declared, SISTER_ADMINISTRATOR, 'of another account of the organization'),
    ...layers(names),
  ];
}

function own(names: Names, declared: Declared): Row[] {
  const { deployment } = names;
  const table = new Table(OWN_ADMINISTRATOR)
    .allows('the declared profiles', CHAT, declared.profiles)
    .allows('the declared embedding model', ['bedrock:InvokeModel'], [declared.embedding])
    .allows('the list of profiles', ['bedrock:ListInferenceProfiles'], ['*'])
    .denies('other models', CHAT, [
      names.profile('us.amazon.nova-pro-v1:0'),
      names.profile('us.anthropic.claude-opus-4-5-20251101-v1:0'),
      names.model('amazon.nova-pro-v1:0'),
    ])
    .denies(
      'training, jobs and agents of Bedrock',
      ['bedrock:CreateModelInvocationJob', 'bedrock:CreateModelCustomizationJob'],
      [declared.embedding],
    )
    .denies('logging of model calls elsewhere', ['bedrock:PutModelInvocationLoggingConfiguration'], ['*'])
    .allows('the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword])
    .allows("the master's secret, for the set-up function", ['secretsmanager:GetSecretValue'], [names.masterSecret])
    .denies(
      'other secrets',
      ['secretsmanager:GetSecretValue'],
      [deployment.arn('secretsmanager', 'secret:payroll-AbCdEf')],
    )
    .denies('changes of secrets', ['secretsmanager:PutSecretValue', 'secretsmanager:DeleteSecret'], [names.apiPassword])
    .allows('the images', PULL, [names.imageRepository])
    .denies('other images', PULL, [names.repository('payroll')])
    .denies(
      'pushing images, which could carry anything out',
      ['ecr:PutImage', 'ecr:InitiateLayerUpload', 'ecr:UploadLayerPart'],
      [names.imageRepository],
    )
    .allows(
      'the log streams of the tasks',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [names.stream('Service/Task/Logs'), names.stream('Service/Migration/Task/Logs')],
    )
    .denies('other logs', ['logs:PutLogEvents'], [deployment.arn('logs', 'log-group:/payroll:log-stream:x')])
    .denies('reading logs', ['logs:GetLogEvents'], [names.stream('Service/Task/Logs')])
    .denies('buckets of the own account', ['s3:GetObject', 's3:PutObject'], ['arn:aws:s3:::payroll/data'], {
      owner: deployment.account,
    })
    .denies('services without an endpoint', ['kms:Decrypt'], [deployment.arn('kms', 'key/1')])
    .denies(
      'roles, by a service without an endpoint',
      ['sts:AssumeRole'],
      [`arn:aws:iam::${deployment.account}:role/Administrator`],
    )
    .denies(
      'queues and topics, by services without an endpoint',
      ['sqs:SendMessage'],
      [deployment.arn('sqs', 'exfiltration')],
    );
  const guardrails = deployment.arn('bedrock', 'guardrail/weak');
  table.denies('other guardrails', ['bedrock:ApplyGuardrail'], [guardrails]);
  if (declared.guardrail) table.allows('the guardrail', ['bedrock:ApplyGuardrail'], [declared.guardrail]);
  return table.rows;
}

/** Keys of another account, brought into the VPC, lead nowhere: that is how data would be carried out. */
function foreign(names: Names, declared: Declared, caller: Caller, who: string): Row[] {
  const { deployment } = names;
  const account = caller.arn.split(':')[4];
  const there = (arn: string): string => arn.replace(`:${deployment.account}:`, `:${account}:`);
  const everybody = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: '*' as const, Action: '*', Resource: '*' }],
  };
  return new Table(caller)
    .denies(`models, by which a prompt would reach its own account, ${who}`, CHAT, [
      ...declared.profiles.map(there),
      declared.embedding,
    ])
    .denies(
      `its own secrets, ${who}`,
      ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue', 'secretsmanager:CreateSecret'],
      [there(names.apiPassword)],
    )
    .denies(
      `secrets of this account that were opened to everybody, ${who}`,
      ['secretsmanager:GetSecretValue'],
      [names.apiPassword],
      {
        resourcePolicy: everybody,
      },
    )
    .denies(
      `its own images, ${who}`,
      ['ecr:PutImage', 'ecr:BatchGetImage', 'ecr:UploadLayerPart'],
      [there(names.imageRepository)],
    )
    .denies(`a token of the registry, ${who}`, ['ecr:GetAuthorizationToken'], ['*'])
    .denies(
      `its own logs, ${who}`,
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [there(names.stream('Service/Task/Logs'))],
    )
    .denies(
      `its own bucket, ${who}`,
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      ['arn:aws:s3:::exfiltration/data'],
      {
        owner: account,
      },
    )
    .denies(
      `a bucket of this account that was opened to everybody, ${who}`,
      ['s3:PutObject'],
      ['arn:aws:s3:::open/data'],
      {
        owner: deployment.account,
        resourcePolicy: everybody,
      },
    )
    .denies(`the list of profiles, ${who}`, ['bedrock:ListInferenceProfiles'], ['*']).rows;
}

/** ECR signs the addresses of layers itself, in AWS's own account. */
function layers(names: Names): Row[] {
  const { region } = names.deployment;
  return new Table(administrator(AWS_ACCOUNT), { owner: AWS_ACCOUNT })
    .allows("layers in ECR's bucket", ['s3:GetObject'], [names.layers])
    .denies("changes of ECR's bucket", ['s3:PutObject', 's3:DeleteObject'], [names.layers])
    .denies(
      "ECR's bucket of another region",
      ['s3:GetObject'],
      ['arn:aws:s3:::prod-sa-east-1-starport-layer-bucket/sha256'],
    )
    .denies(
      'buckets whose names only look alike',
      ['s3:GetObject'],
      [`arn:aws:s3:::prod-${region}-starport-layer-bucket2/sha256`],
    ).rows;
}
