import { Properties } from '../../../lib/checks/template';
import { Mutant } from '../mutant';
import { InjectedFault } from './fault';

const allow = (Action: string | string[], Resource: unknown, Condition?: Properties): Properties => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});

const model = (id: string): unknown => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:bedrock:us-east-1::foundation-model/${id}`]],
});

/** Replaces a text everywhere in a statement. */
function replace(statements: Properties[], from: string | RegExp, to: string): void {
  statements.forEach((statement, index) => {
    statements[index] = JSON.parse(JSON.stringify(statement).replaceAll(new RegExp(from, 'g'), to));
  });
}

function chat(mutant: Mutant): Properties {
  return mutant.statement('bedrock:InvokeModelWithResponseStream', 'inference-profile/');
}

export const ROLE_FAULTS: InjectedFault[] = [
  {
    rule: 'wildcard-resource',
    name: 'the task role may write every bucket',
    inject: (mutant) => mutant.statements().push(allow('s3:PutObject', '*')),
  },
  {
    rule: 'wildcard-resource',
    name: 'the execution role may fetch every image',
    of: 'enterprise',
    inject: (mutant) => mutant.statements('ExecutionRoleArn').push(allow('ecr:BatchGetImage', '*')),
  },
  {
    rule: 'wildcard-resource',
    name: 'the task role may write every bucket, from its VPC',
    of: 'guarded',
    inject: (mutant) =>
      mutant
        .statements()
        .push(allow('s3:PutObject', '*', { StringEquals: { 'aws:SourceVpc': 'vpc-0123456789abcdef0' } })),
  },
  {
    rule: 'wildcard-action',
    name: 'the task role may do all of SQS on one queue',
    inject: (mutant) => mutant.statements().push(allow('sqs:*', 'arn:aws:sqs:us-east-1:111122223333:queue')),
  },
  {
    rule: 'broad-managed-policy',
    name: "AWS's policy for all of Bedrock",
    inject: (mutant) => {
      const id = mutant.role('TaskRoleArn');
      mutant.properties('AWS::IAM::Role', (_role, each) => each === id).ManagedPolicyArns = [
        'arn:aws:iam::aws:policy/AmazonBedrockFullAccess',
      ];
    },
  },
  {
    rule: 'role-for-everybody',
    name: 'everybody may assume the task role',
    inject: (mutant) => {
      const id = mutant.role('TaskRoleArn');
      const role = mutant.properties('AWS::IAM::Role', (_role, each) => each === id);
      role.AssumeRolePolicyDocument.Statement[0].Principal = { AWS: '*' };
      delete role.AssumeRolePolicyDocument.Statement[0].Condition;
    },
  },
  {
    rule: 'one-role-for-both',
    name: 'one role for the process and for ECS',
    also: ['execution-role-too-wide'],
    inject: (mutant) => {
      const { Properties: task } = mutant.task();
      task.ExecutionRoleArn = task.TaskRoleArn;
    },
  },
  {
    rule: 'execution-role-too-wide',
    name: 'the execution role may call Bedrock',
    inject: (mutant) =>
      mutant.statements('ExecutionRoleArn').push(allow('bedrock:InvokeModel', model('amazon.titan-embed-text-v2:0'))),
  },
  {
    rule: 'task-role-reads-other-secret',
    name: "the task role reads the database's master secret",
    inject: (mutant) => {
      const database = mutant.id(mutant.find('AWS::RDS::DBInstance'));
      mutant
        .statements()
        .push(allow('secretsmanager:GetSecretValue', { 'Fn::GetAtt': [database, 'MasterUserSecret.SecretArn'] }));
    },
  },
  {
    rule: 'password-unreadable',
    name: 'the task role may not read the API password',
    inject: (mutant) => {
      const statements = mutant.statements();
      statements.splice(statements.indexOf(mutant.statement('secretsmanager:GetSecretValue')), 1);
    },
  },
  {
    rule: 'database-login-as-anybody',
    name: 'the task role may log in as any user of the database',
    inject: (mutant) => replace(mutant.statements(), '/letta_runtime', '/*'),
  },
  {
    rule: 'cache-login-incomplete',
    name: 'elasticache:Connect on the cache alone',
    inject: (mutant) => {
      const statement = mutant.statement('elasticache:Connect');
      statement.Resource = statement.Resource.filter((arn: unknown) => !JSON.stringify(arn).includes(':user:'));
    },
  },
  {
    rule: 'public-function',
    name: 'everybody may call the set-up function',
    inject: (mutant) =>
      mutant.add('Everybody', 'AWS::Lambda::Permission', {
        Action: 'lambda:InvokeFunction',
        Principal: '*',
        FunctionName: {
          Ref: mutant.id(mutant.find('AWS::Lambda::Function', ({ Properties }) => Boolean(Properties.VpcConfig))),
        },
      }),
  },
  {
    rule: 'stored-access-key',
    name: 'an access key for a user',
    inject: (mutant) => mutant.add('StaticKey', 'AWS::IAM::AccessKey', { UserName: 'letta' }),
  },
  {
    rule: 'undeclared-model',
    name: 'the task role reaches a model that was not declared',
    inject: (mutant) => mutant.statements().push(allow('bedrock:InvokeModel', model('amazon.nova-pro-v1:0'))),
  },
  {
    rule: 'undeclared-model',
    name: 'the task role reaches every model of one maker',
    inject: (mutant) => mutant.statements().push(allow('bedrock:InvokeModel', model('anthropic.*'))),
  },
  {
    rule: 'model-unreachable',
    name: 'the gateway offers a model that the role may not call',
    inject: (mutant) =>
      mutant.variable(
        'gateway',
        'GATEWAY_EMBEDDING_MODELS',
        `${(mutant.valueOf('gateway', 'GATEWAY_EMBEDDING_MODELS') as string).slice(0, -1)},{"id":"cohere.embed-english-v3","dimensions":1024,"format":"cohere-v3"}]`,
      ),
  },
  {
    rule: 'model-unreachable',
    name: 'a profile without its model',
    inject: (mutant) => {
      const statements = mutant.statements();
      const kept = statements.filter(
        ({ Condition }) => !JSON.stringify(Condition ?? '').includes('InferenceProfileArn'),
      );
      statements.splice(0, statements.length, ...kept);
    },
  },
  {
    rule: 'model-past-profile',
    name: 'a model behind a profile may be called without it',
    inject: (mutant) => {
      const routed = mutant.statement('bedrock:InvokeModelWithResponseStream', 'foundation-model/');
      delete routed.Condition.StringEquals['bedrock:InferenceProfileArn'];
    },
  },
  {
    rule: 'guardrail-not-enforced',
    name: 'a chat model may be called without the guardrail',
    of: 'enterprise',
    inject: (mutant) => delete chat(mutant).Condition.StringEquals['bedrock:GuardrailIdentifier'],
  },
  {
    rule: 'guardrail-not-enforced',
    name: 'the condition lets calls without the key pass',
    of: 'guarded',
    inject: (mutant) => {
      const { Condition } = chat(mutant);
      Condition.StringEqualsIfExists = {
        'bedrock:GuardrailIdentifier': Condition.StringEquals['bedrock:GuardrailIdentifier'],
      };
      delete Condition.StringEquals['bedrock:GuardrailIdentifier'];
    },
  },
  {
    rule: 'guardrail-differs',
    name: 'the policy asks for another version than the gateway sends',
    of: 'enterprise',
    inject: (mutant) => replace(mutant.statements(), 'gr4ab2:3', 'gr4ab2:4'),
  },
  {
    rule: 'guardrail-draft',
    name: 'the gateway sends the draft of the guardrail',
    of: 'enterprise',
    inject: (mutant) => {
      mutant.variable('gateway', 'GATEWAY_GUARDRAIL_VERSION', 'DRAFT');
      replace(mutant.statements(), 'gr4ab2:3', 'gr4ab2');
    },
  },
];
