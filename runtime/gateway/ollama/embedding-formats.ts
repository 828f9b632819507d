import { EmbeddingFormat, EmbeddingModel } from '../../contract';
import { invalid } from './openai-error';

/** How one embedding model is called: Bedrock user guide, "Amazon Titan Embeddings" and "Cohere Embed". */
interface Format {
  /** Texts per call. */
  readonly batch: number;
  /** Characters that one text may have, where there is such a limit; tokens are counted by Bedrock alone. */
  readonly characters?: number;
  readonly body: (texts: readonly string[], model: EmbeddingModel) => unknown;
  /** The vectors in the order of the texts; `undefined` if the answer is not what it should be. */
  readonly vectors: (answer: unknown) => unknown;
  /** Tokens, where the answer's body tells them. */
  readonly tokens: (answer: unknown) => number;
}

const titanTokens = (answer: unknown) => Number((answer as { inputTextTokenCount?: number }).inputTextTokenCount ?? 0);
const titanVectors = (answer: unknown) => [(answer as { embedding?: unknown }).embedding];

/**
 * OpenAI's shape does not tell a stored text from a question, and Letta 0.16.8 calls for both in the same way, often
 * with one text. So every text is embedded as one to be stored: mixing the two would put them in different places.
 */
const INPUT_TYPE = 'search_document';
const COHERE_BATCH = 96;
/** Besides 8,192 tokens. */
const TITAN_CHARACTERS = 50_000;
/** Bedrock refuses a longer one whatever `truncate` says, which is for more than 512 tokens alone. */
const COHERE_V3_CHARACTERS = 2048;

export const EMBEDDING_FORMATS: Readonly<Record<EmbeddingFormat, Format>> = {
  'titan-v1': {
    batch: 1,
    characters: TITAN_CHARACTERS,
    body: ([inputText]) => ({ inputText }),
    vectors: titanVectors,
    tokens: titanTokens,
  },
  'titan-v2': {
    batch: 1,
    characters: TITAN_CHARACTERS,
    body: ([inputText], { dimensions }) => ({ inputText, dimensions, normalize: true }),
    vectors: titanVectors,
    tokens: titanTokens,
  },
  'cohere-v3': {
    batch: COHERE_BATCH,
    characters: COHERE_V3_CHARACTERS,
    body: (texts) => ({ texts, input_type: INPUT_TYPE, truncate: 'END' }),
    vectors: cohereVectors,
    tokens: () => 0,
  },
  'cohere-v4': {
    batch: COHERE_BATCH,
    body: (texts, { dimensions }) => ({
      texts,
      input_type: INPUT_TYPE,
      embedding_types: ['float'],
      output_dimension: dimensions,
      truncate: 'RIGHT',
    }),
    vectors: cohereVectors,
    tokens: () => 0,
  },
};

/** `embeddings` is a list, or an object by type where types were asked for. */
function cohereVectors(answer: unknown): unknown {
  const { embeddings } = answer as { embeddings?: unknown };
  return Array.isArray(embeddings) ? embeddings : (embeddings as { float?: unknown } | undefined)?.float;
}

/** @throws if the answer does not hold exactly one vector of the model's length for each text. */
export function vectorsOf(answer: unknown, count: number, model: EmbeddingModel): number[][] {
  const vectors =
    typeof answer === 'object' && answer !== null ? EMBEDDING_FORMATS[model.format].vectors(answer) : undefined;
  if (!Array.isArray(vectors) || vectors.length !== count) {
    throw new Error(`model ${model.id} did not answer with ${count} vectors: is its format really ${model.format}?`);
  }
  for (const vector of vectors as unknown[]) {
    if (
      !Array.isArray(vector) ||
      vector.length !== model.dimensions ||
      !vector.every((number) => Number.isFinite(number))
    ) {
      throw new Error(`model ${model.id} answered with a vector that does not have ${model.dimensions} numbers`);
    }
  }
  return vectors as number[][];
}

/** @throws OpenAIError naming the first text that Bedrock would refuse */
export function requireEmbeddable(texts: readonly string[], { id, format }: EmbeddingModel): void {
  const most = EMBEDDING_FORMATS[format].characters ?? Infinity;
  texts.forEach((text, at) => {
    if (text === '') throw invalid(`\`input[${at}]\` is empty`, 'input');
    // A character may take two places in the string: only a text that may or may not be too long is counted.
    const characters = text.length > most && text.length <= 2 * most ? [...text].length : text.length;
    if (characters > most) {
      throw invalid(
        `\`input[${at}]\` has ${characters} characters, and model ${id} takes ${most} at most: shorten it, or choose an ` +
          'embedding model that takes more',
        'input',
      );
    }
  });
}

export function batches(texts: readonly string[], model: EmbeddingModel): string[][] {
  const size = EMBEDDING_FORMATS[model.format].batch;
  return Array.from({ length: Math.ceil(texts.length / size) }, (_, at) => texts.slice(at * size, (at + 1) * size));
}

/** OpenAI's `encoding_format: base64`: little-endian 32-bit floats. */
export function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  vector.forEach((number, at) => bytes.writeFloatLE(number, at * 4));
  return bytes.toString('base64');
}
