import { EmbeddingFormat } from '../../runtime/contract';

/** Vector lengths each embedding format offers, the default first. Source: model parameters, Bedrock user guide. */
const EMBEDDING_FORMATS: readonly { pattern: RegExp; format: EmbeddingFormat; dimensions: number[] }[] = [
  { pattern: /^amazon\.titan-embed-text-v1/, format: 'titan-v1', dimensions: [1536] },
  { pattern: /^amazon\.titan-embed-text-v2/, format: 'titan-v2', dimensions: [1024, 512, 256] },
  { pattern: /^cohere\.embed-(english|multilingual)-v3/, format: 'cohere-v3', dimensions: [1024] },
  { pattern: /^cohere\.embed-v4/, format: 'cohere-v4', dimensions: [1536, 1024, 512, 256] },
];

/** How a foundation model's embeddings are asked for, and which lengths they can have; none for another model. */
export function embeddingTraits(
  foundationModelId: string,
): { readonly format: EmbeddingFormat; readonly dimensions: readonly number[] } | undefined {
  return EMBEDDING_FORMATS.find(({ pattern }) => pattern.test(foundationModelId));
}
