import fc from 'fast-check';
import { IncomingHttpHeaders } from 'node:http';
import { Pool } from 'undici';
import { EmbeddingModel } from '../../../../runtime/contract';
import { BedrockSigner } from '../../../../runtime/gateway/bedrock/bedrock-signer';
import { toBase64 } from '../../../../runtime/gateway/ollama/embedding-formats';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { createOllamaFront } from '../../../../runtime/gateway/ollama/ollama-front';
import { isSignedBy } from '../bedrock/signature-by-the-book';
import { bodyOf, close, listening, recordingLog, upstream } from '../support';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const MODELS: Record<string, EmbeddingModel> = {
  titan1: { id: 'amazon.titan-embed-text-v1', dimensions: 1536, format: 'titan-v1' },
  titan2: { id: 'amazon.titan-embed-text-v2:0', dimensions: 256, format: 'titan-v2' },
  cohere3: { id: 'cohere.embed-multilingual-v3', dimensions: 1024, format: 'cohere-v3' },
  cohere4: { id: 'eu.cohere.embed-v4:0', dimensions: 512, format: 'cohere-v4' },
};

/** A vector that tells which text it is of. */
const vectorOf = (text: string, dimensions: number) => [
  Number(text) || 0,
  ...new Array<number>(dimensions - 1).fill(0.5),
];

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;
type Answer = (
  body: Json,
  model: EmbeddingModel,
) => { status?: number; headers?: Record<string, string>; body: unknown };

const bedrockAnswers: Answer = (body, { dimensions, format }) => {
  if (format.startsWith('titan'))
    return { body: { embedding: vectorOf(body.inputText, dimensions), inputTextTokenCount: 2 } };
  const embeddings = body.texts.map((text: string) => vectorOf(text, dimensions));
  return {
    headers: { 'x-amzn-bedrock-input-token-count': '9' },
    body: { embeddings: format === 'cohere-v4' ? { float: embeddings } : embeddings },
  };
};

async function start(answer: Answer = bedrockAnswers) {
  const seen: { method: string; target: string; headers: IncomingHttpHeaders; body: Buffer; json: Json }[] = [];
  const state = { active: 0, most: 0 };
  const behind = await upstream(async (request, response) => {
    state.most = Math.max(state.most, ++state.active);
    const body = await bodyOf(request);
    const json = JSON.parse(body.toString());
    seen.push({ method: request.method!, target: request.url!, headers: request.headers, body, json });
    const id = decodeURIComponent(request.url!.split('/')[2]);
    const {
      status = 200,
      headers = {},
      body: result,
    } = answer(
      json,
      Object.values(MODELS).find((model) => model.id === id)!,
    );
    // Later calls come back first.
    setTimeout(
      () => {
        state.active -= 1;
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(result));
      },
      1 + (seen.length % 3) * 4,
    );
  });
  const pool = new Pool(behind.origin);
  const log = recordingLog();
  const front = await listening(
    createOllamaFront({
      embeddingModels: Object.values(MODELS),
      chatModels: [],
      offered: async () => [],
      metrics: embeddedMetrics('AgentsService', log),
      signer: new BedrockSigner(new URL(behind.origin).host, 'eu-central-1', async () => keys),
      bedrock: pool,
      log,
    }),
  );
  toStop.push(
    () => close(front.server),
    () => pool.destroy(),
    () => close(behind.server),
  );
  const post = async (path: string, body: unknown) => {
    const response = await fetch(front.origin + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, json: (await response.json()) as Json };
  };
  return { ...front, seen, state, post, log };
}

test('lists and describes the allowed models as Ollama does', async () => {
  const { origin, post } = await start();
  expect(await (await fetch(`${origin}/api/tags`)).json()).toEqual({
    models: Object.values(MODELS).map(({ id }) => ({ name: id, model: id })),
  });
  expect((await post('/api/show', { name: MODELS.titan2.id })).json).toEqual({
    capabilities: ['embedding'],
    model_info: { 'general.architecture': 'bedrock', 'bedrock.embedding_length': 256 },
  });
  expect((await post('/api/show', { model: MODELS.cohere4.id })).json.model_info).toEqual({
    'general.architecture': 'bedrock',
    'bedrock.embedding_length': 512,
  });
});

test.each(Object.keys(MODELS))('%s: one vector for each text, in order, on both paths', async (name) => {
  const { post, seen } = await start();
  const input = Array.from({ length: 30 }, (_, at) => String(at));
  for (const path of ['/embeddings', '/v1/embeddings']) {
    const { status, json } = await post(path, { model: MODELS[name].id, input });
    expect(status).toBe(200);
    expect(json.data.map(({ embedding, index }: Json) => [index, embedding[0], embedding.length])).toEqual(
      input.map((_, at) => [at, at, MODELS[name].dimensions]),
    );
    expect(json.usage.total_tokens).toBe(name.startsWith('titan') ? 60 : 9);
  }
  expect(seen.every((request) => isSignedBy(request, keys))).toBe(true);
  expect(seen.every(({ headers }) => headers['x-amzn-bedrock-guardrailidentifier'] === undefined)).toBe(true);
});

test('Titan v2 is asked for its dimensions, one text a call and never more than eight calls at once', async () => {
  const { post, seen, state } = await start();
  await post('/embeddings', { model: MODELS.titan2.id, input: Array.from({ length: 40 }, (_, at) => String(at)) });
  expect(seen).toHaveLength(40);
  expect(seen[0].json).toEqual({ inputText: '0', dimensions: 256, normalize: true });
  expect(state.most).toBeLessThanOrEqual(8);
  expect(state.most).toBeGreaterThan(1);
});

test('Cohere takes 96 texts a call, as documents', async () => {
  const { post, seen } = await start();
  const input = Array.from({ length: 200 }, (_, at) => String(at));
  const { json } = await post('/embeddings', { model: MODELS.cohere4.id, input });
  expect(seen.map(({ json: { texts } }) => texts.length).sort()).toEqual([8, 96, 96]);
  expect(seen[0].json).toMatchObject({
    input_type: 'search_document',
    embedding_types: ['float'],
    output_dimension: 512,
  });
  expect(json.data.map(({ embedding }: Json) => embedding[0])).toEqual(input.map(Number));
});

test('base64 is little-endian 32-bit floats', async () => {
  const { post } = await start();
  const { json } = await post('/embeddings', { model: MODELS.titan2.id, input: '7', encoding_format: 'base64' });
  const bytes = Buffer.from(json.data[0].embedding, 'base64');
  expect([bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([1024, 7, 0.5]);
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true })), (vector) => {
      const decoded = Buffer.from(toBase64(vector), 'base64');
      expect(vector.map((_, at) => decoded.readFloatLE(at * 4))).toEqual(vector);
    }),
  );
});

test('one failing text fails all, with the status and words of Bedrock', async () => {
  const { post } = await start((body, model) =>
    body.inputText === '5'
      ? {
          status: 429,
          headers: { 'x-amzn-errortype': 'ThrottlingException:http://x', 'retry-after': '3' },
          body: { message: 'slow down' },
        }
      : bedrockAnswers(body, model),
  );
  const { status, headers, json } = await post('/embeddings', {
    model: MODELS.titan2.id,
    input: Array.from({ length: 20 }, (_, at) => String(at)),
  });
  expect([status, headers.get('retry-after')]).toEqual([429, '3']);
  expect(json).toEqual({
    error: {
      message: 'input[5]: Bedrock answered ThrottlingException: slow down',
      type: 'rate_limit_error',
      param: 'input',
      code: 'ThrottlingException',
    },
  });
});

test.each([
  ['too few vectors', { embeddings: [[0]] }],
  ['a vector of another length', { embeddings: [[0], [0]] }],
  ['no vectors', {}],
  ['a list', []],
])('an answer with %s is an error, never a wrong vector', async (_what, body) => {
  const { post } = await start(() => ({ body }));
  const { status, json } = await post('/embeddings', { model: MODELS.cohere3.id, input: ['1', '2'] });
  expect([status, json.error.type]).toEqual([503, 'server_error']);
});

test.each([
  ['an unknown model', { model: 'amazon.nova-pro-v1:0', input: 'x' }, 404, '`embeddings`'],
  ['no model', { input: 'x' }, 404, 'null'],
  ['no input', { model: MODELS.titan2.id }, 400, '`input`'],
  ['no texts', { model: MODELS.titan2.id, input: [] }, 400, '`input`'],
  ['an empty text', { model: MODELS.titan2.id, input: ['x', ''] }, 400, 'input[1]'],
  ['a text too long for Titan', { model: MODELS.titan2.id, input: ['x', 'a'.repeat(50_001)] }, 400, 'input[1]'],
  ['a text too long for Cohere v3', { model: MODELS.cohere3.id, input: ['a'.repeat(2049)] }, 400, '2049 characters'],
  ['tokens', { model: MODELS.titan2.id, input: [1, 2] }, 400, 'token'],
  ['too many texts', { model: MODELS.titan2.id, input: new Array(2049).fill('x') }, 400, '2048'],
  ['other dimensions', { model: MODELS.titan2.id, input: 'x', dimensions: 1024 }, 400, '256'],
  ['another encoding', { model: MODELS.titan2.id, input: 'x', encoding_format: 'int8' }, 400, 'float or base64'],
  ['not JSON', '{', 400, 'not JSON'],
  ['not an object', '[]', 400, 'not a JSON object'],
])('%s is refused in the shape of OpenAI', async (_what, body, status, words) => {
  const { post, seen } = await start();
  const answer = await post('/v1/embeddings', body);
  expect([answer.status, answer.json.error.message]).toEqual([status, expect.stringContaining(words)]);
  expect(seen).toEqual([]);
});

test('a text may have as many characters as the model takes, however many places each one needs', async () => {
  const { post } = await start();
  for (const [model, input] of [
    [MODELS.titan1, 'a'.repeat(50_000)],
    [MODELS.cohere3, '\u{1F600}'.repeat(2048)],
    [MODELS.cohere4, 'a'.repeat(200_000)],
  ] as const) {
    expect((await post('/v1/embeddings', { model: model.id, input: [input] })).status).toBe(200);
  }
});

test('what Bedrock refuses names the text, or the texts of the call', async () => {
  const tooMany = { status: 400, headers: { 'x-amzn-errortype': 'ValidationException' }, body: { message: 'no' } };
  const { post } = await start((body, model) =>
    JSON.stringify(body).includes('"101"') ? tooMany : bedrockAnswers(body, model),
  );
  const input = Array.from({ length: 200 }, (_, at) => String(at));
  const words = async (model: EmbeddingModel) =>
    (await post('/v1/embeddings', { model: model.id, input })).json.error.message;
  expect(await words(MODELS.titan2)).toBe('input[101]: Bedrock answered ValidationException: no');
  expect(await words(MODELS.cohere4)).toBe('input[96] to input[191]: Bedrock answered ValidationException: no');
});

test('one line tells what a request cost, also of one that failed half-way', async () => {
  const { post, log } = await start((body, model) => ({
    ...(body.inputText === '3' ? { status: 500, body: { message: 'oh' } } : bedrockAnswers(body, model)),
    headers: { 'x-amzn-requestid': `r-${body.inputText}` },
  }));
  await post('/v1/embeddings', { model: MODELS.titan2.id, input: ['0', '1'] });
  await post('/v1/embeddings', { model: MODELS.titan2.id, input: ['2', '3'] });
  const calls = log.lines.filter(({ event }) => event === 'model-call').map(({ fields }) => fields);
  expect(calls).toEqual([
    expect.objectContaining({
      model: MODELS.titan2.id,
      operation: 'invoke',
      status: 200,
      complete: true,
      InputTokens: 4,
      // The first of the two calls.
      bedrockRequestId: 'r-0',
    }),
    expect.objectContaining({ status: 500, complete: false, ModelCallsFailed: 1, bedrockRequestId: 'r-3' }),
  ]);
  expect(calls[0]).not.toHaveProperty('agent', expect.anything());
});
