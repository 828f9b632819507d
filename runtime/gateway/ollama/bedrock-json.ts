import { IncomingHttpHeaders } from 'node:http';
import { Dispatcher } from 'undici';
import { BedrockSigner, ModelOperation } from '../bedrock/bedrock-signer';
import { bedrockError, OpenAIError } from './openai-error';

/** Above what a model writes in one answer, and above 96 vectors. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

export interface BedrockClient {
  readonly signer: BedrockSigner;
  readonly bedrock: Dispatcher;
}

export interface JsonCall {
  readonly modelId: string;
  readonly operation: ModelOperation;
  readonly body: unknown;
  readonly accept: string;
  /** Ends the call when nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Told of an answer as soon as it begins, a bad one too. */
  readonly answered?: (bedrockRequestId: string | undefined) => void;
}

/**
 * Signs and makes one call of the gateway's own making, and waits for the beginning of a good answer.
 *
 * @throws OpenAIError with AWS's status, code and Retry-After for any status but 200
 */
export async function callBedrock(
  { signer, bedrock }: BedrockClient,
  { modelId, operation, body: json, accept, signal, answered }: JsonCall,
): Promise<{ headers: IncomingHttpHeaders; body: Dispatcher.ResponseData['body'] }> {
  const body = Buffer.from(JSON.stringify(json));
  const headers = { 'content-type': 'application/json', accept };
  const { path, headers: signed } = await signer.sign({ modelId, operation, body, headers });
  const response = await bedrock.request({ method: 'POST', path, headers: signed, body, signal });
  answered?.(response.headers['x-amzn-requestid'] as string | undefined);
  if (response.statusCode === 200) return response;
  const answer = await readJson(response.body).catch(() => undefined);
  throw bedrockError(response.statusCode, response.headers, answer);
}

/** @throws OpenAIError if it is longer than any answer or not JSON */
export async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MOST_ANSWER_BYTES)
      throw new OpenAIError(502, `Bedrock's answer is larger than ${MOST_ANSWER_BYTES} bytes`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces, size).toString('utf8'));
  } catch {
    throw new OpenAIError(502, "Bedrock's answer is not JSON");
  }
}
