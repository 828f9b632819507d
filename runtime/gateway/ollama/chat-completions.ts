import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { ServerResponse } from 'node:http';
import { ChatModel, ConverseFeature } from '../../contract';
import { BedrockClient, callBedrock, readJson } from './bedrock-json';
import { ModelOperation } from '../bedrock/bedrock-signer';
import { ChatRequest, toChatRequest } from './chat-request';
import { chunksOf, CompletionChunks } from './completion-chunks';
import { Guardrail } from '../configuration';
import { answerOf, completion, CompletionHead } from './converse-answer';
import { converseEvents } from './converse-stream';
import { Fields } from '../foreign-json';
import { sendJson } from '../http-listener';
import { Log } from '../log';
import { Metrics } from '../metrics';
import { asOpenAIError, OpenAIError } from './openai-error';
import { agentOf, recordModelCall, TokenUsage, userOf } from '../bedrock/usage';

export interface ChatOptions extends BedrockClient {
  readonly guardrail?: Guardrail;
  readonly metrics: Metrics;
  readonly log: Log;
}

const DOING = 'make this call';

/** What is known of a call once it is over, whichever way it ended. */
interface Outcome {
  status: number;
  bedrockRequestId?: string;
  usage?: TokenUsage;
  failure?: string;
}

/** Answers one `POST /v1/chat/completions` by Converse or ConverseStream. @throws OpenAIError before anything is sent */
export async function completeChat(
  body: Fields,
  model: ChatModel,
  response: ServerResponse,
  options: ChatOptions,
): Promise<void> {
  const startedAt = performance.now();
  const request = toChatRequest(body, model, options.guardrail);
  const operation = operationOf(request, model);
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const outcome: Outcome = { status: 200 };
  const chat = new Chat(request, model, operation, response, options, abort.signal, outcome);
  try {
    await chat.answer();
  } catch (error) {
    // A client that went away is no failure of the call.
    if (abort.signal.aborted) return;
    const failure = asOpenAIError(error, DOING);
    outcome.failure = failure.code ?? failure.message;
    if (!response.headersSent) {
      outcome.status = failure.status;
      throw failure;
    }
    breakOff(response, failure);
  } finally {
    recordModelCall(options.metrics, {
      model: model.id,
      operation,
      ...outcome,
      agent: agentOf(request.system),
      user: userOf(body),
      complete: response.writableEnded && outcome.failure === undefined,
      milliseconds: performance.now() - startedAt,
    });
  }
}

/** A model that does not stream while it has tools is asked for the whole answer. */
function operationOf({ stream, converse }: ChatRequest, { features }: ChatModel): ModelOperation {
  const streams = converse.toolConfig === undefined || features?.includes(ConverseFeature.STREAMED_TOOLS);
  return stream && streams ? 'converse-stream' : 'converse';
}

/** One call and its answer. */
class Chat {
  constructor(
    private readonly request: ChatRequest,
    private readonly model: ChatModel,
    private readonly operation: ModelOperation,
    private readonly response: ServerResponse,
    private readonly options: ChatOptions,
    private readonly signal: AbortSignal,
    private readonly outcome: Outcome,
  ) {}

  async answer(): Promise<void> {
    const { body } = await callBedrock(this.options, {
      modelId: this.model.id,
      operation: this.operation,
      body: this.request.converse,
      accept: this.operation === 'converse' ? 'application/json' : 'application/vnd.amazon.eventstream',
      signal: this.signal,
      answered: (id) => (this.outcome.bedrockRequestId = id),
    });
    const head = {
      id: `chatcmpl-${this.outcome.bedrockRequestId ?? randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: this.model.id,
    };
    return this.operation === 'converse' ? this.whole(head, body) : this.streamed(head, body);
  }

  private async whole(head: CompletionHead, body: AsyncIterable<Buffer>): Promise<void> {
    const answer = answerOf(await readJson(body));
    this.outcome.usage = answer.usage;
    if (!this.request.stream) return sendJson(this.response, 200, completion(head, answer));
    for (const chunk of chunksOf(head, answer, this.request.streamUsage)) await this.send(chunk);
    this.end();
  }

  private async streamed(head: CompletionHead, body: AsyncIterable<Buffer>): Promise<void> {
    const chunks = new CompletionChunks(head);
    try {
      for await (const event of converseEvents(body)) {
        for (const chunk of chunks.next(event)) await this.send(chunk);
      }
    } finally {
      this.outcome.usage = chunks.usage;
    }
    if (!chunks.complete) throw new OpenAIError(502, "Bedrock's answer broke off before its end");
    if (this.request.streamUsage) await this.send(chunks.usageChunk());
    this.end();
  }

  /** A client that reads slowly holds up the upstream: nothing is read from it in the meantime. */
  private async send(chunk: object): Promise<void> {
    const { response } = this;
    // Only now: what fails before the first event is still answered with a status.
    if (!response.headersSent)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    if (!response.write(`data: ${JSON.stringify(chunk)}\n\n`)) await once(response, 'drain', { signal: this.signal });
  }

  private end(): void {
    this.response.end('data: [DONE]\n\n');
  }
}

/** An error that OpenAI's clients raise, and then no clean end, so that nobody takes the answer for a whole one. */
function breakOff(response: ServerResponse, failure: OpenAIError): void {
  response.write(`data: ${JSON.stringify(failure.body)}\n\n`, () => response.destroy());
}
