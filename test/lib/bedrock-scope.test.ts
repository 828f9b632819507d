import { CfnParameter, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import fc from 'fast-check';
import { BedrockAccess, BedrockAccessProps, BedrockGuardrail, BedrockModel, IBedrockGuardrail } from '../../lib';
import { GEOGRAPHY_REGIONS } from '../../lib/private/bedrock-geography';
import { asList, asText, Statement, statementsOf, Template, testStack } from './support';

const US = { account: '111122223333', region: 'us-east-1' };
const EVERY_US = GEOGRAPHY_REGIONS.us as string[];

function access(stack: Stack, props: Partial<BedrockAccessProps> = {}): BedrockAccess {
  return new BedrockAccess(stack, 'Bedrock', {
    models: [BedrockModel.US_CLAUDE_SONNET_4_6],
    embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    ...props,
  });
}

function granted(stack: Stack, props: Partial<BedrockAccessProps> = {}): Statement[] {
  access(stack, props).grantInvoke(
    new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }),
  );
  return statementsOf(Template.fromStack(stack), 'Role');
}

const on = (statements: Statement[], part: string): Statement =>
  statements.find(({ Resource }) =>
    asList(Resource)
      .map(asText)
      .some((arn) => arn.includes(part)),
  )!;
const conditionsOf = ({ Condition }: Statement): Record<string, unknown> => Condition?.StringEquals ?? {};

function guardrail(stack: Stack, guardrailVersion = '4', encryptionKey?: kms.IKey): IBedrockGuardrail {
  return BedrockGuardrail.fromGuardrailAttributes(stack, 'Guardrail', {
    guardrailArn: 'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr4ab2',
    guardrailVersion,
    encryptionKey,
  });
}

describe('sourceVpc', () => {
  const bound = (props: Partial<BedrockAccessProps> = {}): Statement[] => {
    const stack = testStack(US);
    return granted(stack, {
      ...props,
      sourceVpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['us-east-1a'] }),
    });
  };

  test.each(['inference-profile/us.anthropic.claude-sonnet-4-6', 'foundation-model/amazon.titan', '*'])(
    'binds calls to %s to it',
    (part) => {
      expect(conditionsOf(on(bound(), part))).toEqual({ 'aws:SourceVpc': 'vpc-1' });
    },
  );

  test('binds a chat model without a profile to it', () => {
    const statements = bound({ models: [BedrockModel.GPT_OSS_120B] });
    expect(conditionsOf(on(statements, 'openai.gpt-oss-120b'))).toEqual({ 'aws:SourceVpc': 'vpc-1' });
  });

  test('does not bind what a profile routes to: in the other regions Bedrock calls, from no VPC', () => {
    const routed = on(bound(), 'us-west-2::foundation-model/anthropic.claude-sonnet-4-6');
    expect(Object.keys(conditionsOf(routed))).toEqual(['bedrock:InferenceProfileArn']);
  });

  test('binds nothing when it is not given', () => {
    for (const statement of granted(testStack(US))) {
      expect(Object.keys(conditionsOf(statement))).not.toContain('aws:SourceVpc');
    }
  });

  test('stands beside the guardrail', () => {
    const stack = testStack(US);
    const sourceVpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['us-east-1a'] });
    const statements = granted(stack, { sourceVpc, guardrail: guardrail(stack) });
    expect(Object.keys(conditionsOf(on(statements, 'inference-profile/'))).sort()).toEqual([
      'aws:SourceVpc',
      'bedrock:GuardrailIdentifier',
    ]);
  });
});

describe('regions', () => {
  test('fails for a profile that may route elsewhere, naming it, the regions and the ways out', () => {
    expect(() => access(testStack(US), { regions: ['us-east-1', 'us-east-2', 'us-west-2'] })).toThrow(
      "Test/Bedrock: the inference profile 'us.anthropic.claude-sonnet-4-6' may route to us-west-1, ca-central-1, " +
        'ca-west-1, wanted only us-east-1, us-east-2, us-west-2, because AWS refuses its calls where one of its regions is ' +
        'denied: take the profile of another geography, or say where this one routes, as `aws bedrock ' +
        "get-inference-profile` lists it, by BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6', " +
        '{ regions }), or add them to regions',
    );
  });

  test('fails for a global profile, which may route anywhere, and asks for a geographic one', () => {
    expect(() => access(testStack(US), { models: [BedrockModel.GLOBAL_CLAUDE_SONNET_4_6], regions: EVERY_US })).toThrow(
      /'global\.anthropic\.claude-sonnet-4-6' may route to eu-central-1, .*: take the profile of a geography, or/,
    );
  });

  test('fails for a model of the stack region when that is not allowed', () => {
    const models = [BedrockModel.GPT_OSS_120B];
    expect(() => access(testStack(US), { models, regions: ['us-west-2'] })).toThrow(
      "Test/Bedrock: 'openai.gpt-oss-120b-1:0' is called in the stack's region 'us-east-1', which regions does not name, " +
        'wanted one of us-west-2',
    );
  });

  test('fails for an embedding model as well', () => {
    const models = [BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6', { regions: ['us-east-1'] })];
    const embeddings = [BedrockModel.inferenceProfile('us.cohere.embed-v4:0')];
    expect(() => access(testStack(US), { models, embeddings, regions: ['us-east-1'] })).toThrow(
      "'us.cohere.embed-v4:0'",
    );
  });

  test('takes a profile whose own regions are all allowed, and then allows its model in these only', () => {
    const regions = ['us-east-1', 'us-west-2'];
    const models = [BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6', { regions })];
    const statement = on(granted(testStack(US), { models, regions }), '::foundation-model/anthropic');
    expect(
      asList(statement.Resource).map((arn) => asText(arn).replace('${AWS::Partition}', 'aws').split(':')[3]),
    ).toEqual(regions);
  });

  test('a list passes exactly when it has every region of every profile', () => {
    const models = [BedrockModel.US_CLAUDE_SONNET_4_6, BedrockModel.US_NOVA_PRO];
    fc.assert(
      fc.property(fc.subarray(EVERY_US, { minLength: 1 }), (regions) => {
        const make = (): BedrockAccess => access(testStack(US), { models, regions: [...regions, 'eu-west-1'] });
        if (regions.length === EVERY_US.length) make();
        else expect(make).toThrow("'us.anthropic.claude-sonnet-4-6' may route to");
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  describe('knows where some profiles route from a source region', () => {
    const THREE = ['us-east-1', 'us-east-2', 'us-west-2'];
    const models = [BedrockModel.US_CLAUDE_SONNET_4_5, BedrockModel.US_CLAUDE_HAIKU_4_5];
    const env = (region: string): Stack => testStack({ ...US, region });

    test('and asks for these regions only', () => {
      expect(() => access(env('us-east-1'), { models, regions: THREE })).not.toThrow();
      for (const missing of THREE) {
        const regions = THREE.filter((region) => region !== missing);
        expect(() => access(env('us-east-1'), { models, regions })).toThrow(`may route to ${missing}, wanted only`);
      }
    });

    test('and takes the whole geography from any other region, or one known only at deployment', () => {
      const embeddings = [
        BedrockModel.inferenceProfile('us.cohere.embed-v4:0', { regions: THREE.concat('us-west-1') }),
      ];
      for (const stack of [env('us-west-1'), env('us-west-2'), testStack()]) {
        const regions = [...THREE, 'us-west-1'];
        expect(() => access(stack, { models, embeddings, regions })).toThrow('may route to ca-central-1, ca-west-1');
      }
    });

    test('and lets regions that come with the profile go before', () => {
      const own = [BedrockModel.inferenceProfile(models[0].id, { regions: ['us-east-1', 'us-west-1'] })];
      expect(() => access(env('us-east-1'), { models: own, regions: THREE })).toThrow('may route to us-west-1, wanted');
    });

    test('and still allows the model in the whole geography, so that a new route refuses nobody', () => {
      const statement = on(granted(env('us-east-1'), { models, regions: THREE }), '::foundation-model/anthropic');
      expect(asList(statement.Resource)).toHaveLength(EVERY_US.length);
    });
  });

  test('fails when it is empty, or known only at deployment', () => {
    expect(() => access(testStack(US), { regions: [] })).toThrow('regions is an empty list');
    const stack = testStack(US);
    expect(() => access(stack, { regions: [new CfnParameter(stack, 'Region').valueAsString] })).toThrow(
      'regions holds a region known only at deployment',
    );
  });

  test('passes a model called where the stack is, when only the deployment knows where', () => {
    const models = [BedrockModel.GPT_OSS_120B];
    expect(() => access(testStack(), { models, regions: ['us-west-2'] })).not.toThrow();
  });
});

describe('versions of the guardrail', () => {
  test('in use by running tasks may be carried beside its own, so that a deployment interrupts nobody', () => {
    const stack = testStack(US);
    const statements = granted(stack, { guardrail: guardrail(stack), guardrailVersionsInUse: ['3', '4'] });
    for (const part of ['inference-profile/', 'us-west-2::foundation-model/anthropic']) {
      expect(conditionsOf(on(statements, part))['bedrock:GuardrailIdentifier']).toEqual([
        'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr4ab2:4',
        'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr4ab2:3',
      ]);
    }
  });

  test('fail when malformed, or without a guardrail', () => {
    const stack = testStack(US);
    expect(() => access(stack, { guardrail: guardrail(stack), guardrailVersionsInUse: ['v3'] })).toThrow(
      "guardrailVersionsInUse holds 'v3', wanted numbers from 1 or DRAFT",
    );
    expect(() => access(testStack(US), { guardrailVersionsInUse: ['3'] })).toThrow(
      'guardrailVersionsInUse has no effect without a guardrail',
    );
  });
});

test("a guardrail's key may be used for decryption, and for nothing else", () => {
  const stack = testStack(US);
  const statements = granted(stack, { guardrail: guardrail(stack, '4', new kms.Key(stack, 'Key')) });
  expect(on(statements, '${Key').Action).toBe('kms:Decrypt');
});

test.each([
  'anthropic.claude-sonnet-4-20250514-v1:0',
  'anthropic.claude-opus-4-1-20250805-v1:0',
  'amazon.nova-premier-v1:0',
  'meta.llama4-scout-17b-instruct-v1:0',
])('fails for %s without a profile, by which alone AWS calls it', (id) => {
  expect(() => access(testStack(US), { models: [BedrockModel.foundation(id)] })).toThrow(
    `Test/Bedrock: models holds '${id}', which AWS calls by inference profiles only, wanted one of them: use ` +
      `BedrockModel.inferenceProfile('us.${id}') or that of your geography`,
  );
});
