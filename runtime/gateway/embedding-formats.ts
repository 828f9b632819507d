import { EmbeddingFormat, EmbeddingModel } from '../contract';

/** How one embedding model is called: Bedrock user guide, "Amazon Titan Embeddings" and "Cohere Embed". */
interface Format {
  /** Texts per call. */
  readonly batch: number;
  readonly body: (texts: readonly string[], model: EmbeddingModel) => unknown;
  /** The vectors in the order of the texts; `undefined` if the answer is not what it should be. */
  readonly vectors: (answer: unknown) => unknown;
  /** Tokens, where the answer's body tells them. */
  readonly tokens: (answer: unknown) => number;
}

const titanTokens = (answer: unknown) => Number((answer as { inputTextTokenCount?: number }).inputTextTokenCount ?? 0);
const titanVectors = (answer: unknown) => [(answer as { embedding?: unknown }).embedding];

/** OpenAI's shape does not tell a stored text from a question, so every text is embedded as one to be stored. */
const INPUT_TYPE = 'search_document';
const COHERE_BATCH = 96;

export const EMBEDDING_FORMATS: Readonly<Record<EmbeddingFormat, Format>> = {
  'titan-v1': {
    batch: 1,
    body: ([inputText]) => ({ inputText }),
    vectors: titanVectors,
    tokens: titanTokens,
  },
  'titan-v2': {
    batch: 1,
    body: ([inputText], { dimensions }) => ({ inputText, dimensions, normalize: true }),
    vectors: titanVectors,
    tokens: titanTokens,
  },
  'cohere-v3': {
    batch: COHERE_BATCH,
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
