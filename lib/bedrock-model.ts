import { Token } from 'aws-cdk-lib';
import { ChatFormat } from '../runtime/contract';
import {
  ChatModelOptions,
  EmbeddingOptions,
  FoundationModelOptions,
  InferenceProfileOptions,
} from './bedrock-model-options';
import { GEOGRAPHY_REGIONS } from './private/bedrock-geography';
import { featuresOf, refuseChatOptions, tokens } from './private/chat-model-options';
import { converseTraits } from './private/converse-models';
import { embeddingTraits } from './private/embedding-models';
import { foundationModelRegions } from './private/foundation-model-regions';

interface ModelDetails {
  readonly geography?: string;
  readonly regions?: readonly string[];
  readonly offeredIn?: readonly string[];
  readonly dimensions?: number;
  readonly chat?: ChatModelOptions;
}

/** Every model of Converse that knows tools writes as much. */
const DEFAULT_MAX_OUTPUT_TOKENS = 4096;

const FOUNDATION_MODEL = /^[a-z0-9-]+\.[a-z][a-z0-9.-]*(:[0-9]+)?$/;
const PROFILE = /^([a-z]{2,6}(?:-gov)?)\.([a-z0-9-]+\.[a-z][a-z0-9.-]*(?::[0-9]+)?)$/;

/**
 * A model of Amazon Bedrock: a foundation model called in the stack's own region, or a cross-region inference profile.
 *
 * Letta itself speaks to Anthropic's Claude models; to Nova, Llama, Mistral, DeepSeek and gpt-oss the gateway speaks for
 * it, by Converse. A Claude model is `bedrock/<id>` to Letta's clients, any other one `ollama/<id>`. The constants name
 * the Claude models that Letta 0.16.8 knows, in each geography that has profiles of them, and the main other ones; newer
 * ones are named by `BedrockModel.inferenceProfile(id)` or `BedrockModel.foundation(id)`.
 */
export class BedrockModel {
  /** Claude Haiku 4.5, routed within the United States and Canada. */
  public static readonly US_CLAUDE_HAIKU_4_5 = BedrockModel.claude('us', 'haiku-4-5-20251001-v1:0');
  /** Claude Sonnet 4.5, routed within the United States and Canada. */
  public static readonly US_CLAUDE_SONNET_4_5 = BedrockModel.claude('us', 'sonnet-4-5-20250929-v1:0');
  /** Claude Sonnet 4.6, routed within the United States and Canada. */
  public static readonly US_CLAUDE_SONNET_4_6 = BedrockModel.claude('us', 'sonnet-4-6');
  /** Claude Opus 4.5, routed within the United States and Canada. */
  public static readonly US_CLAUDE_OPUS_4_5 = BedrockModel.claude('us', 'opus-4-5-20251101-v1:0');
  /** Claude Opus 4.6, routed within the United States and Canada. */
  public static readonly US_CLAUDE_OPUS_4_6 = BedrockModel.claude('us', 'opus-4-6-v1');

  /** Claude Haiku 4.5, routed within Europe. */
  public static readonly EU_CLAUDE_HAIKU_4_5 = BedrockModel.claude('eu', 'haiku-4-5-20251001-v1:0');
  /** Claude Sonnet 4.5, routed within Europe. */
  public static readonly EU_CLAUDE_SONNET_4_5 = BedrockModel.claude('eu', 'sonnet-4-5-20250929-v1:0');
  /** Claude Sonnet 4.6, routed within Europe. */
  public static readonly EU_CLAUDE_SONNET_4_6 = BedrockModel.claude('eu', 'sonnet-4-6');
  /** Claude Opus 4.5, routed within Europe. */
  public static readonly EU_CLAUDE_OPUS_4_5 = BedrockModel.claude('eu', 'opus-4-5-20251101-v1:0');
  /** Claude Opus 4.6, routed within Europe. */
  public static readonly EU_CLAUDE_OPUS_4_6 = BedrockModel.claude('eu', 'opus-4-6-v1');

  /** Claude Sonnet 4, routed within Asia-Pacific: the last Claude with an `apac` profile. */
  public static readonly APAC_CLAUDE_SONNET_4 = BedrockModel.claude('apac', 'sonnet-4-20250514-v1:0');

  /** Claude Haiku 4.5, routed within Japan. */
  public static readonly JP_CLAUDE_HAIKU_4_5 = BedrockModel.claude('jp', 'haiku-4-5-20251001-v1:0');
  /** Claude Sonnet 4.5, routed within Japan. */
  public static readonly JP_CLAUDE_SONNET_4_5 = BedrockModel.claude('jp', 'sonnet-4-5-20250929-v1:0');
  /** Claude Sonnet 4.6, routed within Japan. */
  public static readonly JP_CLAUDE_SONNET_4_6 = BedrockModel.claude('jp', 'sonnet-4-6');

  /** Claude Haiku 4.5, routed within Australia. */
  public static readonly AU_CLAUDE_HAIKU_4_5 = BedrockModel.claude('au', 'haiku-4-5-20251001-v1:0');
  /** Claude Sonnet 4.5, routed within Australia. */
  public static readonly AU_CLAUDE_SONNET_4_5 = BedrockModel.claude('au', 'sonnet-4-5-20250929-v1:0');
  /** Claude Sonnet 4.6, routed within Australia. */
  public static readonly AU_CLAUDE_SONNET_4_6 = BedrockModel.claude('au', 'sonnet-4-6');

  /** Claude Haiku 4.5, routed to any commercial region. */
  public static readonly GLOBAL_CLAUDE_HAIKU_4_5 = BedrockModel.claude('global', 'haiku-4-5-20251001-v1:0');
  /** Claude Sonnet 4.5, routed to any commercial region. */
  public static readonly GLOBAL_CLAUDE_SONNET_4_5 = BedrockModel.claude('global', 'sonnet-4-5-20250929-v1:0');
  /** Claude Sonnet 4.6, routed to any commercial region. */
  public static readonly GLOBAL_CLAUDE_SONNET_4_6 = BedrockModel.claude('global', 'sonnet-4-6');
  /** Claude Opus 4.5, routed to any commercial region. */
  public static readonly GLOBAL_CLAUDE_OPUS_4_5 = BedrockModel.claude('global', 'opus-4-5-20251101-v1:0');
  /** Claude Opus 4.6, routed to any commercial region. */
  public static readonly GLOBAL_CLAUDE_OPUS_4_6 = BedrockModel.claude('global', 'opus-4-6-v1');

  /** Amazon Nova Micro, text only, routed within the United States and Canada. */
  public static readonly US_NOVA_MICRO = BedrockModel.inferenceProfile('us.amazon.nova-micro-v1:0');
  /** Amazon Nova Lite, routed within the United States and Canada. */
  public static readonly US_NOVA_LITE = BedrockModel.inferenceProfile('us.amazon.nova-lite-v1:0');
  /** Amazon Nova Pro, routed within the United States and Canada. */
  public static readonly US_NOVA_PRO = BedrockModel.inferenceProfile('us.amazon.nova-pro-v1:0');
  /** Amazon Nova Premier, routed within the United States and Canada. */
  public static readonly US_NOVA_PREMIER = BedrockModel.inferenceProfile('us.amazon.nova-premier-v1:0');
  /** Amazon Nova Micro, text only, routed within Europe. */
  public static readonly EU_NOVA_MICRO = BedrockModel.inferenceProfile('eu.amazon.nova-micro-v1:0');
  /** Amazon Nova Lite, routed within Europe. */
  public static readonly EU_NOVA_LITE = BedrockModel.inferenceProfile('eu.amazon.nova-lite-v1:0');
  /** Amazon Nova Pro, routed within Europe. */
  public static readonly EU_NOVA_PRO = BedrockModel.inferenceProfile('eu.amazon.nova-pro-v1:0');
  /** Amazon Nova Micro, text only, routed within Asia-Pacific. */
  public static readonly APAC_NOVA_MICRO = BedrockModel.inferenceProfile('apac.amazon.nova-micro-v1:0');
  /** Amazon Nova Lite, routed within Asia-Pacific. */
  public static readonly APAC_NOVA_LITE = BedrockModel.inferenceProfile('apac.amazon.nova-lite-v1:0');
  /** Amazon Nova Pro, routed within Asia-Pacific. */
  public static readonly APAC_NOVA_PRO = BedrockModel.inferenceProfile('apac.amazon.nova-pro-v1:0');
  /** Meta Llama 3.3 70B Instruct, routed within the United States and Canada. */
  public static readonly US_LLAMA_3_3_70B = BedrockModel.inferenceProfile('us.meta.llama3-3-70b-instruct-v1:0');
  /** Meta Llama 4 Maverick 17B Instruct, routed within the United States and Canada. */
  public static readonly US_LLAMA_4_MAVERICK = BedrockModel.inferenceProfile(
    'us.meta.llama4-maverick-17b-instruct-v1:0',
  );
  /** Meta Llama 4 Scout 17B Instruct, routed within the United States and Canada. */
  public static readonly US_LLAMA_4_SCOUT = BedrockModel.inferenceProfile('us.meta.llama4-scout-17b-instruct-v1:0');
  /** Mistral Pixtral Large (25.02), routed within the United States and Canada. */
  public static readonly US_PIXTRAL_LARGE = BedrockModel.inferenceProfile('us.mistral.pixtral-large-2502-v1:0');
  /** Mistral Pixtral Large (25.02), routed within Europe. */
  public static readonly EU_PIXTRAL_LARGE = BedrockModel.inferenceProfile('eu.mistral.pixtral-large-2502-v1:0');
  /** Mistral Large 2 (24.07), in the regions that have it. */
  public static readonly MISTRAL_LARGE_2407 = BedrockModel.foundation('mistral.mistral-large-2407-v1:0');
  /** DeepSeek V3.1, in the regions that have it. */
  public static readonly DEEPSEEK_V3_1 = BedrockModel.foundation('deepseek.v3-v1:0');
  /** OpenAI gpt-oss 120B, in the regions that have it. */
  public static readonly GPT_OSS_120B = BedrockModel.foundation('openai.gpt-oss-120b-1:0');
  /** OpenAI gpt-oss 20B, in the regions that have it. */
  public static readonly GPT_OSS_20B = BedrockModel.foundation('openai.gpt-oss-20b-1:0');

  /** Amazon Titan Text Embeddings v1, 1,536 dimensions. */
  public static readonly TITAN_EMBED_TEXT_V1 = BedrockModel.foundation('amazon.titan-embed-text-v1');
  /** Amazon Titan Text Embeddings v2, 1,024 dimensions. */
  public static readonly TITAN_EMBED_TEXT_V2 = BedrockModel.foundation('amazon.titan-embed-text-v2:0');
  /** Cohere Embed v3 for English, 1,024 dimensions. */
  public static readonly COHERE_EMBED_ENGLISH_V3 = BedrockModel.foundation('cohere.embed-english-v3');
  /** Cohere Embed v3 for more than 100 languages, 1,024 dimensions. */
  public static readonly COHERE_EMBED_MULTILINGUAL_V3 = BedrockModel.foundation('cohere.embed-multilingual-v3');
  /** Cohere Embed v4, 1,536 dimensions. */
  public static readonly COHERE_EMBED_V4 = BedrockModel.foundation('cohere.embed-v4:0');

  /**
   * A model called in the stack's own region, for chat or, by its id, for embeddings.
   *
   * @param id e.g. `anthropic.claude-3-haiku-20240307-v1:0`
   * @param options regions that have it, and traits of a chat model that is called by Converse and that this release does
   *   not know
   */
  public static foundation(id: string, options: FoundationModelOptions = {}): BedrockModel {
    requireLiteral(id);
    const profile = profileParts(id);
    if (profile) {
      throw new Error(
        `BedrockModel: '${id}' is a cross-region inference profile, got it where a foundation model was wanted: ` +
          `use BedrockModel.inferenceProfile('${id}')`,
      );
    }
    if (!FOUNDATION_MODEL.test(id)) {
      throw new Error(malformed(id, 'a foundation model id such as anthropic.claude-3-haiku-20240307-v1:0'));
    }
    requireRegions(id, options.regions);
    return new BedrockModel(id, id, { offeredIn: options.regions, chat: options });
  }

  /**
   * A cross-region inference profile of AWS, for chat or, by its id, for embeddings.
   *
   * @param id geography and model, e.g. `eu.anthropic.claude-sonnet-4-6`
   */
  public static inferenceProfile(id: string, options: InferenceProfileOptions = {}): BedrockModel {
    requireLiteral(id);
    const parts = profileParts(id, options.regions !== undefined);
    if (!parts) {
      if (FOUNDATION_MODEL.test(id)) {
        throw new Error(
          `BedrockModel: '${id}' names no known geography, wanted a profile id that begins with one of ` +
            `${Object.keys(GEOGRAPHY_REGIONS).join(', ')}: give 'us.${id}' or that of your geography, ` +
            `BedrockModel.foundation('${id}') if AWS offers the model without a profile, or the regions of a profile ` +
            'this release does not know',
        );
      }
      throw new Error(malformed(id, 'an inference profile id such as us.anthropic.claude-sonnet-4-6'));
    }
    requireRegions(id, options.regions);
    return new BedrockModel(id, parts.foundationModelId, {
      geography: parts.geography,
      regions: options.regions ?? GEOGRAPHY_REGIONS[parts.geography],
      chat: options,
    });
  }

  /**
   * An embedding model with vectors of a length of your choice.
   *
   * @param id foundation model or inference profile, e.g. `amazon.titan-embed-text-v2:0`
   */
  public static embedding(id: string, options: EmbeddingOptions = {}): BedrockModel {
    requireLiteral(id);
    const model = profileParts(id, options.regions !== undefined)
      ? BedrockModel.inferenceProfile(id, { regions: options.regions })
      : BedrockModel.foundation(id, { regions: options.regions });
    const offered = embeddingTraits(model.foundationModelId)?.dimensions;
    if (!offered) {
      throw new Error(
        `BedrockModel: '${id}' is not an embedding model this library speaks to, wanted Titan Text Embeddings v1 or v2 or ` +
          'Cohere Embed v3 or v4: use for example BedrockModel.TITAN_EMBED_TEXT_V2',
      );
    }
    const dimensions = options.dimensions ?? offered[0];
    if (!offered.includes(dimensions)) {
      throw new Error(
        `BedrockModel: '${id}' has no vectors of ${dimensions} dimensions, wanted one of ${offered.join(', ')}: change dimensions`,
      );
    }
    return new BedrockModel(model.id, model.foundationModelId, { ...model, dimensions });
  }

  private static claude(geography: string, name: string): BedrockModel {
    return BedrockModel.inferenceProfile(`${geography}.anthropic.claude-${name}`);
  }

  /** Prefix of a cross-region profile (`us`, `eu`, `global` …); none for a model called in its own region. */
  public readonly geography?: string;
  /** Regions a cross-region profile may be called from and routes to. */
  public readonly regions?: string[];
  /** Regions that have a model called in its own region, as far as it is known. */
  public readonly offeredIn?: string[];
  /** Length of an embedding model's vectors; none for a chat model. */
  public readonly dimensions?: number;
  /** Request format of an embedding model; none for a chat model. */
  public readonly format?: string;
  /** `anthropic` if Letta speaks to it, `converse` if the gateway does; none for an embedding model. */
  public readonly chatFormat?: string;
  /** Tokens that the context holds, as far as it is known; none for Claude, which Letta knows, and for embeddings. */
  public readonly contextLength?: number;
  /** Most tokens that the gateway asks this model for; none for Claude and for embeddings. */
  public readonly maxOutputTokens?: number;
  /** What the model can do beside tools; none for Claude and for embeddings. */
  public readonly features?: string[];

  private constructor(
    /** What callers send as the model id: a profile's id or a foundation model's. */
    public readonly id: string,
    /** The model behind it. */
    public readonly foundationModelId: string,
    details: ModelDetails,
  ) {
    this.geography = details.geography;
    this.regions = details.regions ? [...details.regions] : undefined;
    const offeredIn = this.geography ? undefined : (details.offeredIn ?? foundationModelRegions(id));
    this.offeredIn = offeredIn ? [...offeredIn] : undefined;
    const embedding = embeddingTraits(foundationModelId);
    this.dimensions = details.dimensions ?? embedding?.dimensions[0];
    this.format = embedding?.format;
    this.chatFormat = this.isEmbedding ? undefined : chatFormat(foundationModelId);
    const { chat = {} } = details;
    if (this.chatFormat === 'converse') {
      const known = converseTraits(foundationModelId);
      this.contextLength = tokens(id, 'contextLength', chat.contextLength) ?? known?.contextLength;
      this.maxOutputTokens =
        tokens(id, 'maxOutputTokens', chat.maxOutputTokens) ?? known?.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS;
      this.features = featuresOf(chat, known?.features ?? []);
    } else refuseChatOptions(id, chat);
  }

  /** How Letta's clients name this model: `bedrock/<id>` for Claude, `ollama/<id>` for what the gateway speaks to. */
  public get handle(): string {
    return `${this.chatFormat === 'anthropic' ? 'bedrock' : 'ollama'}/${this.id}`;
  }

  /** Whether this model makes embeddings rather than chat. */
  public get isEmbedding(): boolean {
    return /(^|[.-])embed(-|$)/.test(this.foundationModelId);
  }
}

function profileParts(id: string, anyGeography = false): { geography: string; foundationModelId: string } | undefined {
  const match = PROFILE.exec(id);
  if (!match || !(anyGeography || match[1] in GEOGRAPHY_REGIONS)) return undefined;
  return { geography: match[1], foundationModelId: match[2] };
}

function requireRegions(id: string, regions?: string[]): void {
  if (regions?.length !== 0) return;
  throw new Error(
    `BedrockModel: the regions of '${id}' are an empty list, wanted at least one region: leave the option out`,
  );
}

function chatFormat(foundationModelId: string): ChatFormat {
  return foundationModelId.startsWith('anthropic.claude') ? 'anthropic' : 'converse';
}

function malformed(id: string, wanted: string): string {
  return `BedrockModel: '${id}' is not a model id, wanted ${wanted}: \`aws bedrock list-inference-profiles\` and \`aws bedrock list-foundation-models\` list them`;
}

function requireLiteral(id: string): void {
  if (Token.isUnresolved(id)) {
    throw new Error(
      'BedrockModel: a model id is a token, wanted a literal string, from which permissions, geography and format are ' +
        'decided at synth: write the id out',
    );
  }
}
