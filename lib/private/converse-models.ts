import { ConverseFeature } from '../../runtime/contract';

/** What is known of a model that the gateway speaks to by Converse. */
export interface ConverseTraits {
  /** Tokens that its context holds. */
  readonly contextLength: number;
  /** Tokens that one answer may have: Bedrock refuses a call that asks for more. */
  readonly maxOutputTokens: number;
  readonly features: readonly ConverseFeature[];
}

const { IMAGES, STREAMED_TOOLS, ANY_TOOL, NAMED_TOOL } = ConverseFeature;
const NOVA = [STREAMED_TOOLS, ANY_TOOL, NAMED_TOOL];

/**
 * By the beginning of a foundation model's id; the first that fits counts.
 *
 * Sources: "Supported models and model features" of Converse (Bedrock user guide: tools, streamed tools, vision),
 * `ToolChoice` (API reference), and for the sizes LiteLLM's `model_prices_and_context_window.json`, as Letta 0.16.8
 * carries it; where they differ the smaller number, and a feature only where it is said to be there: what is missing
 * costs comfort, what is too much is refused by AWS. State: 2026-11.
 */
const TRAITS: readonly (readonly [RegExp, ConverseTraits])[] = [
  [/^amazon\.nova-micro-v1/, { contextLength: 128_000, maxOutputTokens: 10_000, features: NOVA }],
  [/^amazon\.nova-(lite|pro)-v1/, { contextLength: 300_000, maxOutputTokens: 10_000, features: [IMAGES, ...NOVA] }],
  [/^amazon\.nova-premier-v1/, { contextLength: 1_000_000, maxOutputTokens: 10_000, features: [IMAGES, ...NOVA] }],
  [/^amazon\.nova-2-lite-v1/, { contextLength: 1_000_000, maxOutputTokens: 64_000, features: [IMAGES, ...NOVA] }],
  [/^meta\.llama3-1-(8|70|405)b-/, { contextLength: 128_000, maxOutputTokens: 2_048, features: [] }],
  [/^meta\.llama3-2-(11|90)b-/, { contextLength: 128_000, maxOutputTokens: 2_048, features: [IMAGES] }],
  [/^meta\.llama3-3-70b-/, { contextLength: 128_000, maxOutputTokens: 4_096, features: [] }],
  [/^meta\.llama4-(maverick|scout)-/, { contextLength: 128_000, maxOutputTokens: 4_096, features: [IMAGES] }],
  [/^mistral\.mistral-large-2402-/, { contextLength: 32_000, maxOutputTokens: 8_191, features: [ANY_TOOL] }],
  [/^mistral\.mistral-large-2407-/, { contextLength: 128_000, maxOutputTokens: 8_191, features: [ANY_TOOL] }],
  [/^mistral\.mistral-small-2402-/, { contextLength: 32_000, maxOutputTokens: 8_191, features: [] }],
  [/^mistral\.pixtral-large-2502-/, { contextLength: 128_000, maxOutputTokens: 4_096, features: [IMAGES] }],
  [/^deepseek\.v3-v1/, { contextLength: 128_000, maxOutputTokens: 8_192, features: [ANY_TOOL] }],
  [/^openai\.gpt-oss-(20|120)b-/, { contextLength: 128_000, maxOutputTokens: 16_384, features: [] }],
];

/** Models that Converse speaks to, but that know no tools. Source and state as above. */
const WITHOUT_TOOLS =
  /^(deepseek\.r1|meta\.llama2|meta\.llama3-(8|70)b|meta\.llama3-2-[13]b|mistral\.(mistral-7b|mixtral)|amazon\.titan-(text|tg1)|ai21\.(jamba-instruct|j2)|cohere\.command-(text|light))/;

export function converseTraits(foundationModelId: string): ConverseTraits | undefined {
  return TRAITS.find(([pattern]) => pattern.test(foundationModelId))?.[1];
}

export function lacksTools(foundationModelId: string): boolean {
  return WITHOUT_TOOLS.test(foundationModelId);
}
