import { Token } from 'aws-cdk-lib';
import { EmbeddingFormat } from '../runtime/contract';
import { GEOGRAPHY_REGIONS } from './private/bedrock-geography';

/** How a cross-region inference profile differs from what this library knows of its geography. */
export interface InferenceProfileOptions {
  /**
   * Regions the profile may be called from and routes to.
   *
   * Needed for a geography or a region that AWS opened after this release; `aws bedrock get-inference-profile` lists them.
   *
   * @default - the regions of the geography that the id's prefix names
   */
  readonly regions?: string[];
}

/** How an embedding model is asked. */
export interface EmbeddingOptions extends InferenceProfileOptions {
  /**
   * Length of the vectors. Letta stores at most 4,096 numbers.
   *
   * @default - the model's own: Titan v1 1536, Titan v2 1024, Cohere v3 1024, Cohere v4 1536
   */
  readonly dimensions?: number;
}

interface ModelDetails {
  readonly geography?: string;
  readonly regions?: readonly string[];
  readonly embedding?: { readonly dimensions: number; readonly format: EmbeddingFormat };
}

/** Vector lengths each embedding format offers, the default first. Source: model parameters, Bedrock user guide. */
const EMBEDDING_FORMATS: { pattern: RegExp; format: EmbeddingFormat; dimensions: number[] }[] = [
  { pattern: /^amazon\.titan-embed-text-v1/, format: 'titan-v1', dimensions: [1536] },
  { pattern: /^amazon\.titan-embed-text-v2/, format: 'titan-v2', dimensions: [1024, 512, 256] },
  { pattern: /^cohere\.embed-(english|multilingual)-v3/, format: 'cohere-v3', dimensions: [1024] },
  { pattern: /^cohere\.embed-v4/, format: 'cohere-v4', dimensions: [1536, 1024, 512, 256] },
];

const FOUNDATION_MODEL = /^[a-z0-9-]+\.[a-z][a-z0-9.-]*(:[0-9]+)?$/;
const PROFILE = /^([a-z]{2,6}(?:-gov)?)\.([a-z0-9-]+\.[a-z][a-z0-9.-]*(?::[0-9]+)?)$/;

/**
 * A model of Amazon Bedrock: a foundation model called in the stack's own region, or a cross-region inference profile.
 *
 * Chat models are Anthropic's Claude models, the only ones whose format Letta speaks to Bedrock. The constants name the
 * profiles of the Claude models that Letta 0.16.8 knows, in each geography that has them; newer ones are named by
 * `BedrockModel.inferenceProfile(id)`.
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
   */
  public static foundation(id: string): BedrockModel {
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
    return new BedrockModel(id, id, { embedding: embeddingOf(id) });
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
    if (options.regions?.length === 0) {
      throw new Error(
        `BedrockModel: the regions of '${id}' are an empty list, wanted at least one region: leave the option out`,
      );
    }
    return new BedrockModel(id, parts.foundationModelId, {
      geography: parts.geography,
      regions: options.regions ?? GEOGRAPHY_REGIONS[parts.geography],
      embedding: embeddingOf(parts.foundationModelId),
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
      : BedrockModel.foundation(id);
    if (!model.format) {
      throw new Error(
        `BedrockModel: '${id}' is not an embedding model this library speaks to, wanted Titan Text Embeddings v1 or v2 or ` +
          'Cohere Embed v3 or v4: use for example BedrockModel.TITAN_EMBED_TEXT_V2',
      );
    }
    const offered = EMBEDDING_FORMATS.find((entry) => entry.format === model.format)!.dimensions;
    const dimensions = options.dimensions ?? offered[0];
    if (!offered.includes(dimensions)) {
      throw new Error(
        `BedrockModel: '${id}' has no vectors of ${dimensions} dimensions, wanted one of ${offered.join(', ')}: change dimensions`,
      );
    }
    return new BedrockModel(model.id, model.foundationModelId, {
      geography: model.geography,
      regions: model.regions,
      embedding: { dimensions, format: model.format as EmbeddingFormat },
    });
  }

  private static claude(geography: string, name: string): BedrockModel {
    return BedrockModel.inferenceProfile(`${geography}.anthropic.claude-${name}`);
  }

  /** Prefix of a cross-region profile (`us`, `eu`, `global` …); none for a model called in its own region. */
  public readonly geography?: string;
  /** Regions a cross-region profile may be called from and routes to. */
  public readonly regions?: string[];
  /** Length of an embedding model's vectors; none for a chat model. */
  public readonly dimensions?: number;
  /** Request format of an embedding model; none for a chat model. */
  public readonly format?: string;

  private constructor(
    /** What callers send as the model id: a profile's id or a foundation model's. */
    public readonly id: string,
    /** The model behind it. */
    public readonly foundationModelId: string,
    details: ModelDetails,
  ) {
    this.geography = details.geography;
    this.regions = details.regions ? [...details.regions] : undefined;
    this.dimensions = details.embedding?.dimensions;
    this.format = details.embedding?.format;
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

function embeddingOf(id: string): ModelDetails['embedding'] {
  const entry = EMBEDDING_FORMATS.find(({ pattern }) => pattern.test(id));
  return entry && { format: entry.format, dimensions: entry.dimensions[0] };
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
