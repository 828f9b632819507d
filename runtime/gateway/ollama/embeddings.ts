import { setMaxListeners } from 'node:events';
import { ServerResponse } from 'node:http';
import { EmbeddingModel } from '../../contract';
import { BedrockClient, callBedrock, readJson } from './bedrock-json';
import { Fields, show } from '../foreign-json';
import { batches, EMBEDDING_FORMATS, requireEmbeddable, toBase64, vectorsOf } from './embedding-formats';
import { sendJson } from '../http-listener';
import { Metrics } from '../metrics';
import { asOpenAIError, invalid, OpenAIError } from './openai-error';
import { recordModelCall } from '../bedrock/usage';

export interface EmbeddingOptions extends BedrockClient {
  readonly metrics: Metrics;
}

/** OpenAI's own limit (API reference, "Create embeddings"). */
const MAX_TEXTS = 2048;
/** Titan takes one text a call: enough at once to be quick, few enough not to use up the account's rate alone. */
const CALLS_AT_ONCE = 8;

/** Answers one `POST /v1/embeddings`: all vectors in the order of the texts, or none. @throws OpenAIError */
export async function embed(
  body: Fields,
  model: EmbeddingModel,
  response: ServerResponse,
  options: EmbeddingOptions,
): Promise<void> {
  const texts = textsOf(body);
  const encoding = encodingOf(body);
  requireDimensions(body, model);
  requireEmbeddable(texts, model);
  const startedAt = performance.now();
  const abort = new AbortController();
  // Each call listens to it, some a moment longer than it lasts.
  setMaxListeners(4 * CALLS_AT_ONCE, abort.signal);
  let gone = false;
  response.once('close', () => {
    gone = !response.writableEnded;
    abort.abort();
  });
  const job = new EmbeddingJob(texts, model, options, abort);
  let failure: OpenAIError | undefined;
  try {
    const vectors = await job.run();
    sendJson(response, 200, {
      object: 'list',
      model: model.id,
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: encoding === 'base64' ? toBase64(vector) : vector,
      })),
      usage: { prompt_tokens: job.tokens, total_tokens: job.tokens },
    });
  } catch (error) {
    failure = asOpenAIError(error, 'embed this');
    throw failure;
  } finally {
    recordModelCall(options.metrics, {
      model: model.id,
      operation: 'invoke',
      status: gone ? 200 : (failure?.status ?? 200),
      bedrockRequestId: job.bedrockRequestId,
      failure: gone ? undefined : (failure?.code ?? failure?.message),
      usage: { inputTokens: job.tokens, outputTokens: 0, cacheReadInputTokens: 0, cacheWriteInputTokens: 0 },
      complete: failure === undefined && !gone,
      milliseconds: performance.now() - startedAt,
    });
  }
}

/** The calls that one request takes. */
class EmbeddingJob {
  tokens = 0;
  /** Of the call that failed, else of the first one. */
  bedrockRequestId?: string;

  constructor(
    private readonly texts: readonly string[],
    private readonly model: EmbeddingModel,
    private readonly client: BedrockClient,
    private readonly abort: AbortController,
  ) {}

  /** The first failure ends the other calls. */
  async run(): Promise<number[][]> {
    const parts = batches(this.texts, this.model);
    const vectors: number[][][] = new Array(parts.length);
    let next = 0;
    const worker = async () => {
      while (next < parts.length) {
        this.abort.signal.throwIfAborted();
        const at = next++;
        vectors[at] = await this.embedPart(parts[at], at * parts[0].length);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, parts.length) }, worker));
    } catch (error) {
      this.abort.abort();
      throw error;
    }
    return vectors.flat();
  }

  /** No guardrail: embedding calls cannot carry one. */
  private async embedPart(texts: readonly string[], first: number): Promise<number[][]> {
    const { model, abort } = this;
    const format = EMBEDDING_FORMATS[model.format];
    let id: string | undefined;
    try {
      const { headers, body } = await callBedrock(this.client, {
        modelId: model.id,
        operation: 'invoke',
        body: format.body(texts, model),
        accept: 'application/json',
        signal: abort.signal,
        answered: (given) => (id = given),
      });
      if (first === 0) this.bedrockRequestId ??= id;
      const answer = await readJson(body);
      const vectors = vectorsOf(answer, texts.length, model);
      this.tokens += format.tokens(answer) || Number(headers['x-amzn-bedrock-input-token-count'] ?? 0);
      return vectors;
    } catch (error) {
      if (!abort.signal.aborted) this.bedrockRequestId = id;
      if (!(error instanceof OpenAIError) || this.texts.length === 1) throw error;
      const last = first + texts.length - 1;
      const which = first === last ? `input[${first}]` : `input[${first}] to input[${last}]`;
      throw new OpenAIError(error.status, `${which}: ${error.message}`, error.code, error.headers, 'input');
    }
  }
}

function textsOf({ input }: Fields): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input];
  if (texts.length === 0 || texts.length > MAX_TEXTS)
    throw invalid(`\`input\` has ${texts.length} texts, wanted 1 to ${MAX_TEXTS}`, 'input');
  if (!texts.every((text): text is string => typeof text === 'string')) {
    throw invalid(
      '`input` must be a text or a list of texts: token lists belong to one tokenizer and cannot be embedded by another model',
      'input',
    );
  }
  return texts;
}

function encodingOf({ encoding_format: encoding }: Fields): 'float' | 'base64' {
  if (encoding === undefined || encoding === null || encoding === 'float') return 'float';
  if (encoding === 'base64') return 'base64';
  throw invalid(`\`encoding_format\` is ${show(encoding)}, wanted float or base64`, 'encoding_format');
}

function requireDimensions({ dimensions }: Fields, model: EmbeddingModel): void {
  if (dimensions === undefined || dimensions === null || dimensions === model.dimensions) return;
  throw invalid(
    `model ${model.id} is configured with ${model.dimensions} dimensions, got ${show(dimensions)}`,
    'dimensions',
  );
}
