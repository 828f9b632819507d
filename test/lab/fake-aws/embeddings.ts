import { createHash } from 'node:crypto';
import { AwsError } from './service';

/** Answers an embedding call as Titan or Cohere do (Bedrock user guide, "Inference request parameters"). */
export function embed(model: string, body: Record<string, unknown>): unknown {
  if (model.includes('titan-embed-text')) {
    const text = requireText(body.inputText, 'inputText');
    const dimensions = model.includes('v1') ? 1536 : ((body.dimensions as number | undefined) ?? 1024);
    const embedding = vector(text, dimensions);
    return { embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: text.split(/\s+/).length };
  }
  const texts = body.texts as string[] | undefined;
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > 96) {
    throw new AwsError('ValidationException', 'texts: wanted 1 to 96 texts');
  }
  if (!body.input_type) throw new AwsError('ValidationException', 'input_type: field required');
  const dimensions = (body.output_dimension as number | undefined) ?? (model.includes('v4') ? 1536 : 1024);
  const floats = texts.map((text) => vector(text, dimensions));
  const byType = Array.isArray(body.embedding_types);
  return {
    id: 'lab',
    response_type: byType ? 'embeddings_by_type' : 'embeddings_floats',
    embeddings: byType ? { float: floats } : floats,
    texts,
  };
}

/**
 * A unit vector in which texts that share words, or parts of words, lie near each other: every word and every three
 * letters of a word are hashed to one direction each.
 */
export function vector(text: string, dimensions: number): number[] {
  const sums = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    if (commonWords.has(word)) continue;
    add(sums, word, 2);
    const padded = `^${word}$`;
    for (let start = 0; start + 3 <= padded.length; start++) add(sums, padded.slice(start, start + 3), 1);
  }
  const length = Math.hypot(...sums);
  if (length === 0) sums[0] = 1;
  return sums.map((value) => value / (length || 1));
}

const commonWords = new Set(
  'a an and are as at by did do does for from has have i in is it my of on or that the to was what where which who with'.split(
    ' ',
  ),
);

function add(sums: number[], feature: string, weight: number): void {
  const hash = createHash('sha256').update(feature).digest();
  const index = hash.readUInt32BE(0) % sums.length;
  sums[index] += hash[4] % 2 === 0 ? weight : -weight;
}

function requireText(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new AwsError('ValidationException', `${name}: wanted a text`);
  return value;
}
