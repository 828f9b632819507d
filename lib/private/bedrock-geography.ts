import type { BedrockModel } from '../bedrock-model';

/**
 * Where the cross-region inference profiles of a geography may be called from and where they route to.
 *
 * Each list names every region of the geography that Bedrock serves, not what one model's profile happens to use: the
 * policies that are built from it also demand the profile itself (`bedrock:InferenceProfileArn`), so a region too many
 * allows nothing, while a region too few would refuse calls at random. Only a region that AWS opens later is missing;
 * `BedrockModel.inferenceProfile(id, { regions })` names it until this table does.
 *
 * Source: "Supported Regions and models for inference profiles", Amazon Bedrock user guide. State: 2026-11.
 */
const US = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2'];
const CANADA = ['ca-central-1', 'ca-west-1'];
const EUROPE = [
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
];
const JAPAN = ['ap-northeast-1', 'ap-northeast-3'];
const AUSTRALIA = ['ap-southeast-2', 'ap-southeast-4'];
const INDIA = ['ap-south-1', 'ap-south-2'];
const ASIA_PACIFIC = [
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
  'ap-southeast-6',
  'ap-southeast-7',
  'me-central-1',
];
const ELSEWHERE = ['af-south-1', 'il-central-1', 'me-south-1', 'mx-central-1', 'sa-east-1'];

/** Regions by the prefix of a profile's id. */
export const GEOGRAPHY_REGIONS: { readonly [prefix: string]: readonly string[] } = {
  us: [...US, ...CANADA],
  'us-gov': ['us-gov-east-1', 'us-gov-west-1'],
  ca: CANADA,
  eu: EUROPE,
  apac: ASIA_PACIFIC,
  jp: JAPAN,
  au: AUSTRALIA,
  in: INDIA,
  global: [...US, ...CANADA, ...EUROPE, ...ASIA_PACIFIC, ...ELSEWHERE],
};

/** A profile that routes everywhere: its foundation model is authorized under an ARN without a region. */
export const GLOBAL = 'global';

/** Whether a profile has the regions of its geography, and not regions of its own. */
export function hasRegionsOfItsGeography({ geography, regions }: BedrockModel): boolean {
  return geography !== undefined && regions?.join() === GEOGRAPHY_REGIONS[geography]?.join();
}
