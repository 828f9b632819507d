import { Aws, CfnParameter, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { BedrockAccess, BedrockAccessProps, BedrockGuardrail, BedrockModel } from '../../lib';
import { asList, asText, Statement, statementsOf, Template, testStack } from './support';

const US = { account: '111122223333', region: 'us-east-1' };
const PROFILE = 'arn:${AWS::Partition}:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-sonnet-4-6';
const CHAT_ACTIONS = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];

function grant(stack: Stack, props: Partial<BedrockAccessProps> = {}): Statement[] {
  const access = new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_SONNET_4_6],
    embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    ...props,
  });
  access.grantInvoke(new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }));
  return statementsOf(Template.fromStack(stack), 'Role');
}

const resources = (statement: Statement): string[] => asList(statement.Resource).map(asText);
const conditions = (statement: Statement): Record<string, string> =>
  Object.fromEntries(
    Object.entries(statement.Condition?.StringEquals ?? {}).map(([key, value]) => [key, asText(value)]),
  );
const statementFor = (statements: Statement[], resource: string): Statement =>
  statements.find((statement) => resources(statement).includes(resource))!;

test('a profile is allowed in this account and region', () => {
  const statement = statementFor(grant(testStack(US)), PROFILE);
  expect(statement.Action).toEqual(CHAT_ACTIONS);
  expect(resources(statement)).toEqual([PROFILE]);
  expect(statement.Condition).toBeUndefined();
});

test("a profile's foundation model is allowed in the regions it routes to, and only through the profile", () => {
  const statement = statementFor(
    grant(testStack(US)),
    'arn:${AWS::Partition}:bedrock:us-west-2::foundation-model/anthropic.claude-sonnet-4-6',
  );
  expect(statement.Action).toEqual(CHAT_ACTIONS);
  expect(resources(statement)).toEqual(
    ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'ca-central-1', 'ca-west-1'].map(
      (region) => `arn:\${AWS::Partition}:bedrock:${region}::foundation-model/anthropic.claude-sonnet-4-6`,
    ),
  );
  expect(conditions(statement)).toEqual({ 'bedrock:InferenceProfileArn': PROFILE });
});

test("a global profile's foundation model is allowed here and without a region, and only through the profile", () => {
  const statements = grant(testStack(US), { models: [BedrockModel.GLOBAL_CLAUDE_SONNET_4_6] });
  const model = 'foundation-model/anthropic.claude-sonnet-4-6';
  const statement = statementFor(statements, `arn:\${AWS::Partition}:bedrock:::${model}`);
  expect(resources(statement)).toEqual([
    `arn:\${AWS::Partition}:bedrock:us-east-1::${model}`,
    `arn:\${AWS::Partition}:bedrock:::${model}`,
  ]);
  expect(conditions(statement)['bedrock:InferenceProfileArn']).toMatch(/inference-profile\/global\.anthropic/);
});

test('a foundation model is allowed in this region only', () => {
  const statements = grant(testStack(US), {
    models: [BedrockModel.foundation('anthropic.claude-3-haiku-20240307-v1:0')],
  });
  const model = 'arn:${AWS::Partition}:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0';
  expect(resources(statementFor(statements, model))).toEqual([model]);
});

test('a model that is called by Converse is allowed like any other: IAM has no action of its own for it', () => {
  const statements = grant(testStack(US), { models: [BedrockModel.US_NOVA_PRO, BedrockModel.GPT_OSS_120B] });
  const arn = 'arn:${AWS::Partition}:bedrock:';
  const profile = `${arn}us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0`;
  expect(statementFor(statements, profile).Action).toEqual(CHAT_ACTIONS);
  const routed = statementFor(statements, `${arn}us-east-2::foundation-model/amazon.nova-pro-v1:0`);
  expect([routed.Action, conditions(routed)]).toEqual([CHAT_ACTIONS, { 'bedrock:InferenceProfileArn': profile }]);
  const inRegion = statementFor(statements, `${arn}us-east-1::foundation-model/openai.gpt-oss-120b-1:0`);
  expect([inRegion.Action, resources(inRegion)]).toEqual([
    CHAT_ACTIONS,
    [`${arn}us-east-1::foundation-model/openai.gpt-oss-120b-1:0`],
  ]);
});

test('an embedding model has a statement of its own, without streaming', () => {
  const statement = statementFor(
    grant(testStack(US)),
    'arn:${AWS::Partition}:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0',
  );
  expect(statement.Action).toBe('bedrock:InvokeModel');
});

test('only the actions that AWS cannot scope are allowed on everything', () => {
  const stack = testStack(US);
  const everything = grant(stack).filter((statement) => resources(statement).some((arn) => arn.includes('*')));
  expect(everything.map(({ Action }) => Action)).toEqual(['bedrock:ListInferenceProfiles']);
});

test('no action is a pattern', () => {
  const actions = grant(testStack(US)).flatMap(({ Action }) => Action);
  expect(actions.filter((action) => action.includes('*'))).toEqual([]);
});

describe('with a guardrail', () => {
  const guardrailArn = 'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr4ab2';
  const withGuardrail = (version = '3'): Statement[] => {
    const stack = testStack(US);
    const guardrail = BedrockGuardrail.fromGuardrailAttributes(stack, 'Guardrail', {
      guardrailArn,
      guardrailVersion: version,
    });
    return grant(stack, { guardrail });
  };

  test('every chat statement demands this version of it', () => {
    const chat = withGuardrail().filter(({ Action }) => Action.includes('bedrock:InvokeModelWithResponseStream'));
    expect(chat).toHaveLength(2);
    for (const statement of chat) {
      expect(conditions(statement)['bedrock:GuardrailIdentifier']).toBe(`${guardrailArn}:3`);
    }
  });

  test('its draft is demanded without a version', () => {
    expect(conditions(statementFor(withGuardrail('DRAFT'), PROFILE))['bedrock:GuardrailIdentifier']).toBe(guardrailArn);
  });

  test('the foundation model still demands the profile', () => {
    const statement = withGuardrail().find((candidate) =>
      resources(candidate)[0].includes('foundation-model/anthropic'),
    );
    expect(Object.keys(conditions(statement!)).sort()).toEqual([
      'bedrock:GuardrailIdentifier',
      'bedrock:InferenceProfileArn',
    ]);
  });

  test('embedding calls, which cannot carry one, demand none', () => {
    const embedding = 'arn:${AWS::Partition}:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0';
    expect(statementFor(withGuardrail(), embedding).Condition).toBeUndefined();
  });

  test('applying it is allowed', () => {
    expect(statementFor(withGuardrail(), guardrailArn)).toMatchObject({ Action: 'bedrock:ApplyGuardrail' });
  });
});

test('a guardrail of the same template passes as tokens', () => {
  const stack = testStack(US);
  const arn = new CfnParameter(stack, 'Arn').valueAsString;
  const version = new CfnParameter(stack, 'Version').valueAsString;
  const guardrail = BedrockGuardrail.fromGuardrailAttributes(stack, 'Guardrail', {
    guardrailArn: arn,
    guardrailVersion: version,
  });
  expect(conditions(statementFor(grant(stack, { guardrail }), PROFILE))['bedrock:GuardrailIdentifier']).toBe(
    '${Arn}:${Version}',
  );
  expect(stack.resolve(guardrail.guardrailId)).toEqual({
    'Fn::Select': [1, { 'Fn::Split': [':guardrail/', { Ref: 'Arn' }] }],
  });
});

test.each([
  ['guardrailArn', 'gr4ab2', '1', "guardrailArn 'gr4ab2' is not a guardrail's ARN"],
  [
    'guardrailVersion',
    'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr4ab2',
    'latest',
    "'latest' is not a version",
  ],
])('fails on a malformed %s', (_name, guardrailArn, guardrailVersion, message) => {
  expect(() =>
    BedrockGuardrail.fromGuardrailAttributes(testStack(), 'Guardrail', { guardrailArn, guardrailVersion }),
  ).toThrow(message);
});

test("an EC2 instance's role can be granted the models", () => {
  const stack = testStack(US);
  const vpc = new ec2.Vpc(stack, 'Vpc', { availabilityZones: ['us-east-1a'] });
  const instance = new ec2.Instance(stack, 'Instance', {
    vpc,
    instanceType: new ec2.InstanceType('t4g.small'),
    machineImage: ec2.MachineImage.genericLinux({ 'us-east-1': 'ami-0123456789abcdef0' }),
  });
  const access = new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_SONNET_4_6],
    embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
  });
  expect(access.grantInvoke(instance).success).toBe(true);
  expect(resources(statementFor(statementsOf(Template.fromStack(stack), 'InstanceRole'), PROFILE))).toEqual([PROFILE]);
});

describe('the region', () => {
  const jp = { models: [BedrockModel.JP_CLAUDE_SONNET_4_6] };

  test('fails at synth when it is known and the profile cannot be called from it', () => {
    expect(() => grant(testStack(US), jp)).toThrow(
      "Test/Bedrock: the inference profile 'jp.anthropic.claude-sonnet-4-6' cannot be called from the stack's region " +
        "'us-east-1', wanted one of ap-northeast-1, ap-northeast-3: give models (or embeddings) of another " +
        "geography, or the profile's regions if AWS has added this one",
    );
  });

  test('is looked up in a mapping of only the right ones when it is not known', () => {
    const stack = testStack();
    const statements = grant(stack, jp);
    const mappings = Template.fromStack(stack).toJSON().Mappings;
    const [[name, mapping]] = Object.entries(mappings);
    expect(mapping).toEqual({
      'ap-northeast-1': { region: 'ap-northeast-1' },
      'ap-northeast-3': { region: 'ap-northeast-3' },
    });
    const lookUp = JSON.stringify({ 'Fn::FindInMap': [name, { Ref: 'AWS::Region' }, 'region'] });
    const profile = `arn:\${AWS::Partition}:bedrock:${lookUp}:\${AWS::AccountId}:inference-profile/jp.anthropic.claude-sonnet-4-6`;
    expect(resources(statementFor(statements, profile))).toEqual([profile]);
  });

  test('has one mapping for all profiles of a geography', () => {
    const stack = testStack();
    grant(stack, { models: [BedrockModel.US_CLAUDE_SONNET_4_6, BedrockModel.US_CLAUDE_HAIKU_4_5] });
    expect(Object.keys(Template.fromStack(stack).toJSON().Mappings)).toHaveLength(1);
  });

  test('has a mapping of its own for a profile with regions of its own', () => {
    const stack = testStack();
    const model = BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-9', {
      regions: ['us-east-1', 'us-south-1'],
    });
    grant(stack, { models: [BedrockModel.US_CLAUDE_SONNET_4_6, model] });
    expect(Object.values(Template.fromStack(stack).toJSON().Mappings)).toContainEqual({
      'us-east-1': { region: 'us-east-1' },
      'us-south-1': { region: 'us-south-1' },
    });
  });

  test('does not matter to a foundation model', () => {
    const stack = testStack();
    grant(stack, { models: [BedrockModel.foundation('anthropic.claude-3-haiku-20240307-v1:0')] });
    expect(Template.fromStack(stack).toJSON().Mappings).toBeUndefined();
  });
});

describe('bad input', () => {
  test.each<[string, Partial<BedrockAccessProps>, string]>([
    [
      'a model by its id alone, as JavaScript lets pass',
      { models: ['us.amazon.nova-pro-v1:0' as unknown as BedrockModel] },
      "Test/Bedrock: models holds the text 'us.amazon.nova-pro-v1:0', wanted models",
    ],
    [
      'a constant that there is none of',
      { models: [undefined as unknown as BedrockModel] },
      'Test/Bedrock: models holds undefined, wanted models',
    ],
    ['no chat model', { models: [] }, 'Test/Bedrock: models is an empty list, wanted at least one model'],
    ['no embedding model', { embeddings: [] }, 'Test/Bedrock: embeddings is an empty list, wanted at least one model'],
    [
      'a model twice',
      { models: [BedrockModel.US_CLAUDE_SONNET_4_6, BedrockModel.US_CLAUDE_SONNET_4_6] },
      "models names 'us.anthropic.claude-sonnet-4-6' twice",
    ],
    [
      'an embedding model for chat',
      { models: [BedrockModel.TITAN_EMBED_TEXT_V2] },
      "models holds the embedding model 'amazon.titan-embed-text-v2:0', wanted chat models: put it in embeddings instead",
    ],
    [
      'a chat model for embeddings',
      { embeddings: [BedrockModel.US_CLAUDE_SONNET_4_6] },
      "embeddings holds the chat model 'us.anthropic.claude-sonnet-4-6', wanted embedding models",
    ],
    [
      'an embedding model of another format',
      { embeddings: [BedrockModel.foundation('amazon.titan-embed-image-v1')] },
      "embeddings holds 'amazon.titan-embed-image-v1', wanted Titan Text Embeddings v1 or v2 or Cohere Embed v3 or v4",
    ],
    ...['us.deepseek.r1-v1:0', 'us.meta.llama3-2-1b-instruct-v1:0'].map(
      (id): [string, Partial<BedrockAccessProps>, string] => [
        `${id}, a model without tools`,
        { models: [BedrockModel.inferenceProfile(id)] },
        `models holds '${id}', which knows no tools, wanted models that do, because Letta's agents`,
      ],
    ),
    [
      'a chat model without tools, in the region',
      { models: [BedrockModel.foundation('meta.llama3-8b-instruct-v1:0', { contextLength: 8192 })] },
      "models holds 'meta.llama3-8b-instruct-v1:0', which knows no tools",
    ],
    [
      'a chat model that this release does not know',
      { models: [BedrockModel.inferenceProfile('us.acme.thinker-v1:0')] },
      "this release does not know: mend the id, or say how many tokens its context holds by BedrockModel.inferenceProfile('us.acme.thinker-v1:0', { contextLength })",
    ],
  ])('fails on %s', (_name, props, message) => {
    expect(() => grant(testStack(US), props)).toThrow(message);
  });
});

test('a principal whose policy cannot be changed is reported', () => {
  const stack = testStack(US);
  const access = new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_SONNET_4_6],
    embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
  });
  const principal = new iam.AccountPrincipal(Aws.ACCOUNT_ID);
  expect(access.grantInvoke({ grantPrincipal: principal }).success).toBe(false);
});
