import { Stack } from 'aws-cdk-lib';
import fc from 'fast-check';
import { BedrockAccess, BedrockModel } from '../../lib';
import { testStack } from './support';

const CLAUDE = BedrockModel.GLOBAL_CLAUDE_SONNET_4_5;
const TITAN = BedrockModel.TITAN_EMBED_TEXT_V2;

const access = (stack: Stack, chat: BedrockModel, embedding: BedrockModel): BedrockAccess =>
  new BedrockAccess(stack, 'Bedrock', { models: [chat], embeddings: [embedding] });
const inRegion = (region: string): Stack => testStack({ account: '111122223333', region });

const CONSTANTS = Object.entries(BedrockModel).filter(
  (entry): entry is [string, BedrockModel] => entry[1] instanceof BedrockModel && !entry[1].geography,
);

describe('a model that the stack region does not have', () => {
  test.each(['mx-central-1', 'ap-southeast-5', 'il-central-1', 'us-west-1'])(
    'fails at synth in %s, by name',
    (region) => {
      expect(() => access(inRegion(region), CLAUDE, TITAN)).toThrow(
        `Test/Bedrock: the stack's region '${region}' does not have the model 'amazon.titan-embed-text-v2:0', wanted one of ` +
          'us-east-1, us-east-2, us-west-2, ',
      );
    },
  );

  test('fails for chat models as well', () => {
    expect(() => access(inRegion('ca-central-1'), BedrockModel.GPT_OSS_120B, TITAN)).toThrow(
      "the stack's region 'ca-central-1' does not have the model 'openai.gpt-oss-120b-1:0'",
    );
  });

  test('names the option that says otherwise, and that option is heeded, for chat and for embeddings', () => {
    const regions = ['il-central-1'];
    expect(() => access(inRegion('il-central-1'), CLAUDE, TITAN)).toThrow(
      "{ regions: ['il-central-1'] } of BedrockModel.foundation('amazon.titan-embed-text-v2:0', …) or BedrockModel.embedding",
    );
    const chat = BedrockModel.foundation('openai.gpt-oss-120b-1:0', { regions });
    const embedding = BedrockModel.embedding('amazon.titan-embed-text-v2:0', { regions, dimensions: 512 });
    expect(() => access(inRegion('il-central-1'), chat, embedding)).not.toThrow();
    expect(() => access(inRegion('us-east-1'), chat, TITAN)).toThrow('wanted one of il-central-1');
  });

  test.each(['cn-north-1', 'cn-northwest-1'])('fails in %s for every model: there is no Bedrock', (region) => {
    const unknown = BedrockModel.foundation('acme.model-v1:0', { contextLength: 1000 });
    expect(() => access(inRegion(region), unknown, TITAN)).toThrow(
      `'acme.model-v1:0' is called in the stack's region '${region}', which has no Amazon Bedrock`,
    );
  });
});

describe('passes', () => {
  test('every constant in each of its regions', () => {
    for (const [, model] of CONSTANTS) {
      for (const region of model.offeredIn!) {
        const make = model.isEmbedding
          ? () => access(inRegion(region), BedrockModel.foundation('acme.model-v1:0', { contextLength: 1000 }), model)
          : () => access(inRegion(region), model, BedrockModel.embedding(TITAN.id, { regions: [region] }));
        expect(make).not.toThrow();
      }
    }
  });

  test('a region that is not in the table, where nothing is known, or that only the deployment knows', () => {
    const somewhere = fc.constantFrom('ap-southeast-6', 'ap-east-1', 'eu-central-9', undefined);
    fc.assert(
      fc.property(somewhere, (region) => {
        access(region ? inRegion(region) : testStack(), BedrockModel.GPT_OSS_20B, TITAN);
      }),
      { numRuns: 8, seed: 5 },
    );
  });

  test('a model that the table does not know', () => {
    const unknown = BedrockModel.foundation('acme.model-v1:0', { contextLength: 1000 });
    expect(() => access(inRegion('eu-south-1'), unknown, TITAN)).not.toThrow();
  });
});

test('every constant without a profile has its regions', () => {
  expect(CONSTANTS.length).toBeGreaterThan(8);
  expect(CONSTANTS.filter(([, { offeredIn }]) => !offeredIn?.length).map(([name]) => name)).toEqual([]);
});

test('an empty list of regions fails', () => {
  expect(() => BedrockModel.foundation('acme.model-v1:0', { regions: [] })).toThrow('are an empty list');
});
