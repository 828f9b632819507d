import { setMaxListeners } from 'node:events';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';
import { EmbeddingModel } from '../contract';
import { BedrockSigner } from './bedrock-signer';
import { batches, EMBEDDING_FORMATS, toBase64, vectorsOf } from './embedding-formats';
import { BodyTooLarge, boundedServer, readBody, sendJson } from './http-listener';
import { describeError, Log } from './log';

export interface EmbeddingsFrontOptions {
  readonly models: readonly EmbeddingModel[];
  readonly signer: BedrockSigner;
  readonly bedrock: Dispatcher;
  readonly log: Log;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** OpenAI's own limit (API reference, "Create embeddings"). */
const MAX_TEXTS = 2048;
/** Titan takes one text a call: enough at once to be quick, few enough not to use up the account's rate alone. */
const CALLS_AT_ONCE = 8;

/** An error in the shape of OpenAI's API, which is what Letta's client reads. */
class EmbeddingError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** Bedrock's embedding models in the shape of an Ollama server, the one shape in which Letta takes them. */
export function createEmbeddingsFront(options: EmbeddingsFrontOptions): Server {
  return boundedServer(
    (request, response) => {
      handle(request, response, options).catch((error: unknown) => {
        const failure = asEmbeddingError(error);
        if (failure.status >= 500) options.log.error('embedding-failed', { reason: describeError(error) });
        sendJson(
          response,
          failure.status,
          { error: { message: failure.message, type: failure.type, param: null, code: null } },
          failure.status === 413 ? { connection: 'close', ...failure.headers } : failure.headers,
        );
      });
    },
    { keepAliveSeconds: 75 },
  );
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: EmbeddingsFrontOptions,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  switch (`${request.method} ${path}`) {
    case 'GET /api/tags':
      return sendJson(response, 200, { models: options.models.map(({ id }) => ({ name: id, model: id })) });
    case 'POST /api/show':
      return sendJson(response, 200, describeModel(findModel(await readJson(request), options.models)));
    case 'POST /embeddings':
    case 'POST /v1/embeddings':
      return embed(request, response, options);
    default:
      throw new EmbeddingError(
        404,
        'invalid_request_error',
        'the gateway serves /api/tags, /api/show, /embeddings and /v1/embeddings here',
      );
  }
}

function describeModel({ format, dimensions }: EmbeddingModel) {
  const architecture = format.split('-', 1)[0];
  return {
    capabilities: ['embedding'],
    model_info: { 'general.architecture': architecture, [`${architecture}.embedding_length`]: dimensions },
  };
}

async function embed(
  request: IncomingMessage,
  response: ServerResponse,
  options: EmbeddingsFrontOptions,
): Promise<void> {
  const body = await readJson(request);
  const model = findModel(body, options.models);
  const texts = textsOf(body);
  const encoding = encodingOf(body);
  if (body.dimensions !== undefined && body.dimensions !== null && body.dimensions !== model.dimensions) {
    throw invalid(
      `model ${model.id} is configured with ${model.dimensions} dimensions, got ${JSON.stringify(body.dimensions)}`,
    );
  }
  const startedAt = performance.now();
  const abort = new AbortController();
  // Each call listens to it, some a moment longer than it lasts.
  setMaxListeners(4 * CALLS_AT_ONCE, abort.signal);
  response.once('close', () => abort.abort());
  const { vectors, tokens } = await embedTexts(texts, model, options, abort);
  options.log.info('embedding', {
    model: model.id,
    texts: texts.length,
    tokens,
    milliseconds: Math.round(performance.now() - startedAt),
  });
  sendJson(response, 200, {
    object: 'list',
    model: model.id,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encoding === 'base64' ? toBase64(vector) : vector,
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** All vectors in the order of the texts, or none: the first failure ends the other calls. */
async function embedTexts(
  texts: readonly string[],
  model: EmbeddingModel,
  { signer, bedrock }: EmbeddingsFrontOptions,
  abort: AbortController,
): Promise<{ vectors: number[][]; tokens: number }> {
  const parts = batches(texts, model);
  const vectors: number[][][] = new Array(parts.length);
  let tokens = 0;
  let next = 0;
  const worker = async () => {
    while (next < parts.length) {
      abort.signal.throwIfAborted();
      const at = next++;
      const format = EMBEDDING_FORMATS[model.format];
      const { answer, headerTokens } = await invoke(
        JSON.stringify(format.body(parts[at], model)),
        model,
        signer,
        bedrock,
        abort.signal,
      );
      vectors[at] = vectorsOf(answer, parts[at].length, model);
      tokens += format.tokens(answer) || headerTokens;
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, parts.length) }, worker));
  } catch (error) {
    abort.abort();
    throw error;
  }
  return { vectors: vectors.flat(), tokens };
}

/** No guardrail: embedding calls cannot carry one. */
async function invoke(
  text: string,
  { id }: EmbeddingModel,
  signer: BedrockSigner,
  bedrock: Dispatcher,
  signal: AbortSignal,
) {
  const body = Buffer.from(text);
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const { path, headers: signed } = await signer.sign({ modelId: id, operation: 'invoke', body, headers });
  const response = await bedrock.request({ method: 'POST', path, headers: signed, body, signal });
  const answer: unknown = await response.body.json().catch(() => undefined);
  if (response.statusCode !== 200) throw bedrockError(response.statusCode, response.headers, answer);
  return { answer, headerTokens: Number(response.headers['x-amzn-bedrock-input-token-count'] ?? 0) };
}

function bedrockError(status: number, headers: Record<string, unknown>, answer: unknown): EmbeddingError {
  const code = String(headers['x-amzn-errortype'] ?? 'error').split(':', 1)[0];
  const message = String((answer as { message?: unknown } | undefined)?.message ?? 'no message');
  const retryAfter = headers['retry-after'];
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  return new EmbeddingError(
    status,
    type,
    `Bedrock answered ${code}: ${message}`,
    typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {},
  );
}

interface EmbeddingRequest {
  readonly [name: string]: unknown;
}

async function readJson(request: IncomingMessage): Promise<EmbeddingRequest> {
  const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body is not a JSON object');
  return value as EmbeddingRequest;
}

function findModel(body: EmbeddingRequest, models: readonly EmbeddingModel[]): EmbeddingModel {
  // Ollama's clients say `name` or `model`, and may add the tag they assume.
  const name = body.model ?? body.name;
  const model = models.find(({ id }) => id === name || `${id}:latest` === name);
  if (model) return model;
  throw new EmbeddingError(
    404,
    'invalid_request_error',
    `embedding model ${JSON.stringify(name ?? null).slice(0, 200)} is not allowed: the BedrockAccess prop \`embeddings\` lists those that are`,
  );
}

function textsOf({ input }: EmbeddingRequest): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input];
  if (texts.length === 0 || texts.length > MAX_TEXTS)
    throw invalid(`\`input\` has ${texts.length} texts, wanted 1 to ${MAX_TEXTS}`);
  if (!texts.every((text): text is string => typeof text === 'string')) {
    throw invalid(
      '`input` must be a text or a list of texts: token lists belong to one tokenizer and cannot be embedded by another model',
    );
  }
  return texts;
}

function encodingOf({ encoding_format: encoding }: EmbeddingRequest): 'float' | 'base64' {
  if (encoding === undefined || encoding === null || encoding === 'float') return 'float';
  if (encoding === 'base64') return 'base64';
  throw invalid(`\`encoding_format\` is ${JSON.stringify(encoding).slice(0, 40)}, wanted float or base64`);
}

function invalid(message: string): EmbeddingError {
  return new EmbeddingError(400, 'invalid_request_error', message);
}

function asEmbeddingError(error: unknown): EmbeddingError {
  if (error instanceof EmbeddingError) return error;
  if (error instanceof BodyTooLarge) return new EmbeddingError(413, 'invalid_request_error', error.message);
  return new EmbeddingError(503, 'server_error', `the gateway could not embed this: ${describeError(error)}`);
}
