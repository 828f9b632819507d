/**
 * Regions that have the models with constants that are called without a profile.
 *
 * Source: "Model support by AWS Region in Amazon Bedrock", Amazon Bedrock User Guide. State: 2026-02. AWS adds regions to
 * models: `regions` of `BedrockModel.foundation` and `BedrockModel.embedding` names one that this table does not know yet.
 */
const FOUNDATION_MODEL_REGIONS: { readonly [id: string]: readonly string[] } = {
  'amazon.titan-embed-text-v1': ['us-east-1', 'us-west-2', 'ap-northeast-1', 'eu-central-1'],
  'amazon.titan-embed-text-v2:0': [
    'us-east-1',
    'us-east-2',
    'us-west-2',
    'us-gov-east-1',
    'us-gov-west-1',
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ap-south-1',
    'ap-south-2',
    'ap-southeast-2',
    'ca-central-1',
    'eu-central-1',
    'eu-central-2',
    'eu-north-1',
    'eu-south-1',
    'eu-south-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'sa-east-1',
  ],
  'cohere.embed-english-v3': [
    'us-east-1',
    'us-west-2',
    'ap-northeast-1',
    'ap-south-1',
    'ap-southeast-1',
    'ap-southeast-2',
    'ca-central-1',
    'eu-central-1',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'sa-east-1',
  ],
  'cohere.embed-multilingual-v3': [
    'us-east-1',
    'us-west-2',
    'ap-northeast-1',
    'ap-south-1',
    'ap-southeast-1',
    'ap-southeast-2',
    'ca-central-1',
    'eu-central-1',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'sa-east-1',
  ],
  'cohere.embed-v4:0': ['us-east-1', 'ap-northeast-1', 'eu-west-1'],
  'mistral.mistral-large-2407-v1:0': ['us-west-2'],
  'deepseek.v3-v1:0': [
    'us-east-2',
    'us-west-2',
    'ap-northeast-1',
    'ap-south-1',
    'ap-southeast-3',
    'eu-north-1',
    'eu-west-2',
  ],
  'openai.gpt-oss-120b-1:0': [
    'us-east-1',
    'us-east-2',
    'us-west-2',
    'ap-northeast-1',
    'ap-south-1',
    'ap-southeast-3',
    'eu-central-1',
    'eu-north-1',
    'eu-south-1',
    'eu-west-1',
    'eu-west-2',
    'sa-east-1',
  ],
  'openai.gpt-oss-20b-1:0': [
    'us-east-1',
    'us-east-2',
    'us-west-2',
    'ap-northeast-1',
    'ap-south-1',
    'ap-southeast-3',
    'eu-central-1',
    'eu-north-1',
    'eu-south-1',
    'eu-west-1',
    'eu-west-2',
    'sa-east-1',
  ],
};

/** Regions that the source's table has a column for: of others it says nothing. */
const JUDGED_REGIONS: readonly string[] = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'af-south-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
];

/** Partitions without Bedrock ("Amazon Bedrock endpoints and quotas", AWS General Reference; state 2026-11). */
const WITHOUT_BEDROCK = /^cn-/;

/** Regions that have a model, for those with constants. */
export function foundationModelRegions(id: string): readonly string[] | undefined {
  return Object.hasOwn(FOUNDATION_MODEL_REGIONS, id) ? FOUNDATION_MODEL_REGIONS[id] : undefined;
}

/** Whether a region is known to have no model at all. */
export function lacksBedrock(region: string): boolean {
  return WITHOUT_BEDROCK.test(region);
}

/** Whether the table speaks of a region, so that a model it does not list there was not there. */
export function isJudged(region: string): boolean {
  return JUDGED_REGIONS.includes(region);
}
