import { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';
import { AnswerReader, answerReader } from './answer-usage';
import { refuse, streamException } from './aws-error';
import { BedrockSigner, MAX_CALL_BYTES, ModelOperation, SignedCall } from './bedrock-signer';
import { Guardrail } from '../configuration';
import { BodyNotGuarded, fieldsOf, guardedFields } from './guarded-body';
import { BodyTooLarge, readBody } from '../http-listener';
import { describeError } from '../log';
import { Metrics } from '../metrics';
import { isUpstreamTimeout, relayResponse } from '../relay-response';
import { agentOfBody, recordModelCall } from './usage';

export interface InvokeModelOptions {
  readonly signer: BedrockSigner;
  readonly bedrock: Dispatcher;
  readonly guardrail?: Guardrail;
  readonly metrics: Metrics;
}

export interface ModelRequest {
  readonly modelId: string;
  readonly operation: ModelOperation;
}

/** Answers of Bedrock that mean something to the SDK that Letta uses. */
const ANSWER_HEADERS = new Set([
  'content-type',
  'content-length',
  'retry-after',
  'x-amzn-errortype',
  'x-amzn-requestid',
]);

/** What became of a call, filled in as it goes. */
interface Outcome {
  answer?: AnswerReader;
  agent?: string;
  bedrockRequestId?: string;
  failure?: string;
}

/** One call of an allowed model: signed, its answer passed on as it comes, and recorded. */
export async function invokeModel(
  request: IncomingMessage,
  response: ServerResponse,
  { modelId: model, operation }: ModelRequest,
  options: InvokeModelOptions,
): Promise<void> {
  const startedAt = performance.now();
  const outcome: Outcome = {};
  try {
    const body = await readBody(request, MAX_CALL_BYTES);
    const guarded = options.guardrail && guardedFields(body);
    const headers = callHeaders(request.headers, options.guardrail);
    const call = await options.signer.sign({ modelId: model, operation, body, headers });
    const answered = relay(call, body, response, options.bedrock, outcome);
    // While the model works: nobody waits for this. It is Bedrock's to refuse a body that is not what it wants.
    outcome.agent = agentOfBody(guarded ?? fieldsOf(body) ?? {});
    await answered;
  } catch (error) {
    // A caller that went away while it was still sending: nothing failed, and nobody is there to be told.
    if (!response.destroyed) outcome.failure = describeError(error);
    if (error instanceof BodyTooLarge) {
      refuse(response, 413, 'ValidationException', error.message, { connection: 'close' });
    } else if (error instanceof BodyNotGuarded) {
      refuse(response, 400, 'ValidationException', error.message);
    } else {
      refuse(response, 503, 'ServiceUnavailableException', `the gateway could not make this call: ${outcome.failure}`);
    }
  }
  recordModelCall(options.metrics, {
    model,
    operation,
    status: response.headersSent ? response.statusCode : 0,
    bedrockRequestId: outcome.bedrockRequestId,
    agent: outcome.agent,
    usage: outcome.answer?.usage(),
    complete: response.writableFinished,
    milliseconds: performance.now() - startedAt,
    failure: outcome.failure ?? outcome.answer?.exception(),
  });
}

function relay(
  { path, headers }: SignedCall,
  body: Buffer,
  response: ServerResponse,
  bedrock: Dispatcher,
  outcome: Outcome,
): Promise<void> {
  return relayResponse(bedrock, { method: 'POST', path, headers, body }, response, {
    headers: (upstream, status) => {
      outcome.answer = answerReader(status, upstream);
      outcome.bedrockRequestId = text(upstream['x-amzn-requestid']);
      if (status >= 400) outcome.failure = text(upstream['x-amzn-errortype'])?.split(':', 1)[0] ?? `status ${status}`;
      return answerHeaders(upstream);
    },
    data: (piece) => outcome.answer?.read(piece),
    ended: () => {
      const missing = outcome.answer?.missing();
      return missing === undefined ? undefined : new Error(missing);
    },
    brokenOff: (error) => (outcome.failure = `the answer broke off: ${describeError(error)}`),
    // Only where a message may stand: behind half of one it would be read as the other half.
    lastPiece: () =>
      outcome.answer?.betweenMessages ? streamException('modelStreamErrorException', outcome.failure!) : undefined,
    unanswered: (error) => {
      outcome.failure = `Bedrock did not answer: ${describeError(error)}`;
      if (isUpstreamTimeout(error)) {
        // Letta's SDK would otherwise ask three more times, and be silent for as long each time.
        refuse(response, 408, 'ModelTimeoutException', outcome.failure, { 'x-should-retry': 'false' });
      } else {
        refuse(response, 503, 'ServiceUnavailableException', outcome.failure);
      }
    },
  });
}

/** Only what describes the body: a guardrail, trace or token header of the caller's never passes. */
function callHeaders(headers: IncomingHttpHeaders, guardrail: Guardrail | undefined): Record<string, string> {
  return {
    'content-type': headers['content-type'] ?? 'application/json',
    accept: headers.accept ?? 'application/json',
    ...(guardrail && {
      'x-amzn-bedrock-guardrailidentifier': guardrail.identifier,
      'x-amzn-bedrock-guardrailversion': guardrail.version,
    }),
  };
}

function answerHeaders(upstream: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(upstream).filter(([name]) => ANSWER_HEADERS.has(name) || name.startsWith('x-amzn-bedrock-')),
  );
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
