import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { ChatModel, ConverseFeature, EmbeddingModel } from '../../contract';
import { ChatOptions, completeChat } from './chat-completions';
import { Fields, isObject, show } from '../foreign-json';
import { embed } from './embeddings';
import { MAX_CALL_BYTES } from '../bedrock/bedrock-signer';
import { boundedServer, readBody, sendJson } from '../http-listener';
import { describeError } from '../log';
import { asOpenAIError, invalid, OpenAIError } from './openai-error';

export interface OllamaFrontOptions extends ChatOptions {
  readonly embeddingModels: readonly EmbeddingModel[];
  /** Of format `converse`. */
  readonly chatModels: readonly ChatModel[];
  /** Ids of those chat models that the account has. @throws what AWS answered */
  readonly offered: () => Promise<readonly string[]>;
}

/** Letta's own turns are far fewer; each may hold a body of the size above. */
const MAX_CALLS = 256;
/** One key of Ollama's description leads to the other ones: Letta reads nothing else by it. */
const ARCHITECTURE = 'bedrock';

/** Bedrock's embedding models, and its chat models but Claude, in the one shape in which Letta takes them: Ollama's. */
export function createOllamaFront(options: OllamaFrontOptions): Server {
  const front = new OllamaFront(options);
  return boundedServer(
    (request, response) => {
      front.handle(request, response).catch((error: unknown) => {
        const failure = asOpenAIError(error, 'answer this');
        if (failure.status >= 500) options.log.error('ollama-request-failed', { reason: describeError(error) });
        sendJson(response, failure.status, failure.body, failure.headers);
      });
    },
    {
      keepAliveSeconds: 75,
      malformed: ({ status, reason }) => ({ body: new OpenAIError(status, reason).body }),
    },
  );
}

class OllamaFront {
  private calls = 0;

  constructor(private readonly options: OllamaFrontOptions) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0];
    switch (`${request.method} ${path}`) {
      case 'GET /api/tags':
        return sendJson(response, 200, { models: (await this.listed()).map((id) => ({ name: id, model: id })) });
      case 'POST /api/show':
        return sendJson(response, 200, this.describe(await readJsonBody(request)));
      case 'POST /embeddings':
      case 'POST /v1/embeddings':
        return this.call(async () => {
          const body = await readJsonBody(request);
          await embed(body, named(body, this.options.embeddingModels, 'embeddings'), response, this.options);
        });
      case 'POST /chat/completions':
      case 'POST /v1/chat/completions':
        return this.call(async () => {
          const body = await readJsonBody(request);
          await completeChat(body, named(body, this.options.chatModels, 'models'), response, this.options);
        });
      default:
        throw new OpenAIError(
          404,
          'the gateway serves /api/tags, /api/show, /v1/chat/completions and /v1/embeddings here',
        );
    }
  }

  private async listed(): Promise<string[]> {
    const { embeddingModels, chatModels, offered } = this.options;
    const chat = chatModels.length > 0 ? await offered() : [];
    return [...embeddingModels.map(({ id }) => id), ...chat];
  }

  private describe(body: Fields) {
    const { embeddingModels, chatModels } = this.options;
    const embedding = find(body, embeddingModels);
    if (embedding) return description(['embedding'], { embedding_length: embedding.dimensions });
    const chat = named(body, chatModels, 'models` or `embeddings');
    const vision = chat.features?.includes(ConverseFeature.IMAGES) ? ['vision'] : [];
    return description(['completion', 'tools', ...vision], { context_length: chat.contextLength });
  }

  private async call(work: () => Promise<void>): Promise<void> {
    if (this.calls >= MAX_CALLS)
      throw new OpenAIError(429, `${MAX_CALLS} calls are in flight already`, null, { 'retry-after': '1' });
    this.calls++;
    try {
      await work();
    } finally {
      this.calls--;
    }
  }
}

/** Letta takes for chat what has `tools`, for embeddings what has `embedding`, and its size from the key by architecture. */
function description(capabilities: readonly string[], sizes: Readonly<Record<string, number | undefined>>) {
  const info = Object.entries(sizes).map(([name, size]) => [`${ARCHITECTURE}.${name}`, size]);
  return { capabilities, model_info: { 'general.architecture': ARCHITECTURE, ...Object.fromEntries(info) } };
}

async function readJsonBody(request: IncomingMessage): Promise<Fields> {
  const text = (await readBody(request, MAX_CALL_BYTES)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('the body is not JSON');
  }
  if (!isObject(value)) throw invalid('the body is not a JSON object');
  return value;
}

function find<Model extends { readonly id: string }>(body: Fields, models: readonly Model[]): Model | undefined {
  // Ollama's clients say `name` or `model`, and may add the tag they assume.
  const name = body.model ?? body.name;
  return models.find(({ id }) => id === name || `${id}:latest` === name);
}

function named<Model extends { readonly id: string }>(body: Fields, models: readonly Model[], prop: string): Model {
  const model = find(body, models);
  if (model) return model;
  const name = show(body.model ?? body.name ?? null, 200);
  throw new OpenAIError(
    404,
    `model ${name} is not allowed here: the BedrockAccess prop \`${prop}\` lists those that are`,
    'model_not_found',
    {},
    'model',
  );
}
