import { Lazy } from 'aws-cdk-lib';
import * as bedrock from 'aws-cdk-lib/aws-bedrock';
import { BedrockModel } from '../../lib';

const constants = Object.entries(BedrockModel).filter(([, value]) => value instanceof BedrockModel) as [
  string,
  BedrockModel,
][];
const knownToAws = new Set(
  Object.values(bedrock.FoundationModelIdentifier)
    .filter((value): value is bedrock.FoundationModelIdentifier => value instanceof bedrock.FoundationModelIdentifier)
    .map((value) => value.modelId),
);

test.each(constants)('%s names a model that aws-cdk-lib knows too', (_name, model) => {
  expect(knownToAws).toContain(model.foundationModelId);
});

test.each(constants.filter(([, model]) => model.geography))('%s carries its geography in its name', (name, model) => {
  expect(name.startsWith(`${model.geography!.toUpperCase()}_`)).toBe(true);
  expect(model.id).toBe(`${model.geography}.${model.foundationModelId}`);
});

test('every geography with Claude profiles has constants', () => {
  const claude = constants.filter(([name]) => name.includes('_CLAUDE_'));
  expect(new Set(claude.map(([, model]) => model.geography))).toEqual(
    new Set(['us', 'eu', 'apac', 'jp', 'au', 'global']),
  );
});

test.each(constants.filter(([, model]) => model.chatFormat === 'converse'))(
  '%s, which the gateway speaks to, says how much it holds and writes',
  (_name, model) => {
    expect(model.handle).toBe(`ollama/${model.id}`);
    expect(model.contextLength).toBeGreaterThanOrEqual(128_000);
    expect(model.maxOutputTokens).toBeLessThan(model.contextLength!);
    expect(model.features).toBeDefined();
  },
);

test('Claude is what Letta speaks to itself, so nothing of it is said to the gateway', () => {
  const { handle, chatFormat, contextLength, features } = BedrockModel.US_CLAUDE_SONNET_4_6;
  expect({ handle, chatFormat, contextLength, features }).toEqual({
    handle: 'bedrock/us.anthropic.claude-sonnet-4-6',
    chatFormat: 'anthropic',
  });
  expect(BedrockModel.TITAN_EMBED_TEXT_V2.handle).toBe('ollama/amazon.titan-embed-text-v2:0');
  expect(BedrockModel.TITAN_EMBED_TEXT_V2.chatFormat).toBeUndefined();
});

test('a chat model that this release does not know can do what is said of it, and nothing else', () => {
  const said = { contextLength: 200_000, streamsTools: true, toolChoiceAny: true };
  expect(BedrockModel.foundation('acme.thinker-v1:0', said)).toMatchObject({
    contextLength: 200_000,
    maxOutputTokens: 4096,
    features: ['streamedTools', 'anyTool'],
  });
});

test('what is said of a known chat model goes before what is known', () => {
  const id = 'us.meta.llama4-scout-17b-instruct-v1:0';
  const model = BedrockModel.inferenceProfile(id, { contextLength: 1_000_000, images: false, streamsTools: true });
  expect(model).toMatchObject({ contextLength: 1_000_000, maxOutputTokens: 4096, features: ['streamedTools'] });
});

test.each([
  [
    'a size that is none',
    () => BedrockModel.foundation('acme.x-v1', { contextLength: 0 }),
    'wanted a number of tokens',
  ],
  [
    'the size of a Claude model',
    () => BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6', { contextLength: 1 }),
    "BedrockModel: contextLength of 'us.anthropic.claude-sonnet-4-6' is given, wanted only for chat models other than Claude",
  ],
  [
    'images of an embedding model',
    () => BedrockModel.foundation('amazon.titan-embed-text-v2:0', { images: true }),
    "BedrockModel: images of 'amazon.titan-embed-text-v2:0' is given",
  ],
])('fails on %s', (_what, make, message) => {
  expect(make).toThrow(message);
});

test('an inference profile knows its foundation model and the regions of its geography', () => {
  const model = BedrockModel.inferenceProfile('jp.anthropic.claude-sonnet-4-6');
  expect(model.foundationModelId).toBe('anthropic.claude-sonnet-4-6');
  expect(model.regions).toEqual(['ap-northeast-1', 'ap-northeast-3']);
  expect(model.isEmbedding).toBe(false);
});

test.each(['us-gov', 'ca', 'in'])('the geography %s is known', (geography) => {
  expect(BedrockModel.inferenceProfile(`${geography}.anthropic.claude-sonnet-4-6`).geography).toBe(geography);
});

test('a profile of a geography that this release does not know is taken with its regions', () => {
  const model = BedrockModel.inferenceProfile('mars.anthropic.claude-sonnet-9', { regions: ['mars-north-1'] });
  expect(model.geography).toBe('mars');
  expect(model.regions).toEqual(['mars-north-1']);
});

test('an embedding model knows the format and the length of its vectors', () => {
  const { format, dimensions, isEmbedding } = BedrockModel.embedding('cohere.embed-v4:0', { dimensions: 512 });
  expect({ format, dimensions, isEmbedding }).toEqual({ format: 'cohere-v4', dimensions: 512, isEmbedding: true });
  expect(BedrockModel.TITAN_EMBED_TEXT_V1).toMatchObject({ format: 'titan-v1', dimensions: 1536 });
  expect(BedrockModel.TITAN_EMBED_TEXT_V2).toMatchObject({ format: 'titan-v2', dimensions: 1024 });
  expect(BedrockModel.COHERE_EMBED_MULTILINGUAL_V3).toMatchObject({ format: 'cohere-v3', dimensions: 1024 });
});

test('an embedding model can be an inference profile', () => {
  expect(BedrockModel.embedding('us.cohere.embed-v4:0')).toMatchObject({
    id: 'us.cohere.embed-v4:0',
    geography: 'us',
    format: 'cohere-v4',
    dimensions: 1536,
  });
});

test.each(['', 'claude', 'Claude Sonnet 4', 'anthropic.', 'arn:aws:bedrock:us-east-1::foundation-model/x'])(
  "fails on '%s', which is no foundation model's id",
  (id) => {
    expect(() => BedrockModel.foundation(id)).toThrow(
      `BedrockModel: '${id}' is not a model id, wanted a foundation model id such as anthropic.claude-3-haiku-20240307-v1:0: ` +
        '`aws bedrock list-inference-profiles` and `aws bedrock list-foundation-models` list them',
    );
  },
);

test('fails on a malformed profile id', () => {
  expect(() => BedrockModel.inferenceProfile('us/claude')).toThrow(
    "BedrockModel: 'us/claude' is not a model id, wanted an inference profile id such as us.anthropic.claude-sonnet-4-6",
  );
});

test('fails on a profile where a foundation model is wanted, and the other way round', () => {
  expect(() => BedrockModel.foundation('us.anthropic.claude-sonnet-4-6')).toThrow(
    "BedrockModel: 'us.anthropic.claude-sonnet-4-6' is a cross-region inference profile, got it where a foundation " +
      "model was wanted: use BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6')",
  );
  expect(() => BedrockModel.inferenceProfile('anthropic.claude-sonnet-4-6')).toThrow(
    "BedrockModel: 'anthropic.claude-sonnet-4-6' names no known geography",
  );
  expect(() => BedrockModel.inferenceProfile('anthropic.claude-sonnet-4-6')).toThrow(
    "give 'us.anthropic.claude-sonnet-4-6' or that of your geography",
  );
});

test('fails on an empty list of regions', () => {
  expect(() => BedrockModel.inferenceProfile('us.anthropic.claude-sonnet-4-6', { regions: [] })).toThrow(
    "BedrockModel: the regions of 'us.anthropic.claude-sonnet-4-6' are an empty list, wanted at least one region",
  );
});

test('fails on an embedding of a chat model and on vectors the model does not offer', () => {
  expect(() => BedrockModel.embedding('anthropic.claude-3-haiku-20240307-v1:0')).toThrow(
    "BedrockModel: 'anthropic.claude-3-haiku-20240307-v1:0' is not an embedding model",
  );
  expect(() => BedrockModel.embedding('amazon.titan-embed-text-v2:0', { dimensions: 300 })).toThrow(
    "BedrockModel: 'amazon.titan-embed-text-v2:0' has no vectors of 300 dimensions, wanted one of 1024, 512, 256: change dimensions",
  );
});

test('fails on a token, because permissions are decided from the id', () => {
  const id = Lazy.string({ produce: () => 'us.anthropic.claude-sonnet-4-6' });
  expect(() => BedrockModel.inferenceProfile(id)).toThrow(
    'BedrockModel: a model id is a token, wanted a literal string',
  );
});
