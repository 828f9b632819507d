import { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { ChatModel } from '../../../../runtime/contract';
import { BedrockSigner } from '../../../../runtime/gateway/bedrock/bedrock-signer';
import { Guardrail } from '../../../../runtime/gateway/configuration';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { createOllamaFront, OllamaFrontOptions } from '../../../../runtime/gateway/ollama/ollama-front';
import { bodyOf, close, listening, recordingLog, upstream } from '../support';

export const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };

export const nova: ChatModel = {
  id: 'us.amazon.nova-pro-v1:0',
  format: 'converse',
  contextLength: 300_000,
  maxOutputTokens: 10_000,
  features: ['images', 'streamedTools', 'anyTool', 'namedTool'],
};
export const llama: ChatModel = {
  id: 'us.meta.llama4-scout-17b-instruct-v1:0',
  format: 'converse',
  contextLength: 128_000,
  features: [],
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: Json;
}

export type BedrockAnswer = (response: ServerResponse, request: Seen) => void;

export interface ChatFrontOptions extends Partial<Pick<OllamaFrontOptions, 'offered'>> {
  readonly guardrail?: Guardrail;
  /** Milliseconds that Bedrock may be silent. */
  readonly patience?: number;
}

/** A front with two chat models and one for embeddings, and a Bedrock behind it that answers as it is told. */
export async function chatFront(answer: BedrockAnswer, options: ChatFrontOptions = {}) {
  const seen: Seen[] = [];
  const behind = await upstream(async (request, response) => {
    const body = await bodyOf(request);
    const { method = '', url = '', headers } = request;
    const call = { method, target: url, headers, body, json: JSON.parse(body.toString()) as Json };
    seen.push(call);
    answer(response, call);
  });
  const { patience = 5_000 } = options;
  const pool = new Pool(behind.origin, { headersTimeout: patience, bodyTimeout: patience });
  const log = recordingLog();
  const front = await listening(
    createOllamaFront({
      embeddingModels: [{ id: 'amazon.titan-embed-text-v2:0', dimensions: 1024, format: 'titan-v2' }],
      chatModels: [nova, llama],
      offered: async () => [nova.id],
      signer: new BedrockSigner(new URL(behind.origin).host, 'us-east-1', async () => keys),
      bedrock: pool,
      metrics: embeddedMetrics('AgentsService', log),
      log,
      ...options,
    }),
  );
  const stop = async () => {
    await close(front.server);
    await pool.destroy();
    await close(behind.server);
  };
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(front.origin + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal,
    });
  const chat = (more: object = {}, signal?: AbortSignal) =>
    post('/v1/chat/completions', { model: nova.id, messages: [{ role: 'user', content: 'Hi.' }], ...more }, signal);
  const records = () => log.lines.filter(({ event }) => event === 'model-call').map(({ fields }) => fields);
  return { ...front, behind, seen, log, post, chat, records, stop };
}

/** The error in an answer in the shape of OpenAI. */
export async function errorOf(answer: Response): Promise<{ message: string; type: string; code: string | null }> {
  return ((await answer.json()) as { error: { message: string; type: string; code: string | null } }).error;
}
