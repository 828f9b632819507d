import { randomUUID } from 'node:crypto';
import { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';
import { PLACEHOLDER_CREDENTIAL } from '../contract';
import { ChatModelList } from './bedrock-models';
import { BedrockSigner, ModelOperation } from './bedrock-signer';
import { Guardrail } from './configuration';
import { BodyTooLarge, boundedServer, readBody, sendJson } from './http-listener';
import { describeError, Log } from './log';
import { relayResponse } from './relay-response';

export interface AwsFrontOptions {
  readonly allowedModels: ReadonlySet<string>;
  readonly models: ChatModelList;
  readonly signer: BedrockSigner;
  readonly bedrock: Dispatcher;
  readonly guardrail?: Guardrail;
  readonly log: Log;
}

/** Above Bedrock's own limit of 25 MB (user guide, quotas), so that it is AWS that refuses. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_FORM_BYTES = 64 * 1024;
const SESSION_HOURS = 12;

/** Answers of Bedrock that mean something to the SDK that Letta uses. */
const ANSWER_HEADERS = ['content-type', 'content-length', 'retry-after', 'x-amzn-errortype', 'x-amzn-requestid'];

/** STS and Bedrock as Letta's SDKs call them, with placeholder keys in and the task role's signature out. */
export function createAwsFront(options: AwsFrontOptions): Server {
  return boundedServer(
    (request, response) => {
      handle(request, response, options).catch((error: unknown) => {
        if (error instanceof BodyTooLarge)
          return refuse(response, 413, 'ValidationException', error.message, { connection: 'close' });
        options.log.error('bedrock-call-failed', { reason: describeError(error) });
        refuse(
          response,
          503,
          'ServiceUnavailableException',
          `the gateway could not make this call: ${describeError(error)}`,
        );
      });
    },
    { keepAliveSeconds: 75 },
  );
}

export type AwsCall =
  | { readonly kind: 'session-token' }
  | { readonly kind: 'list-profiles' }
  | { readonly kind: 'model'; readonly modelId: string; readonly operation: ModelOperation };

/** Which of the allowed calls this is, by method and path alone; `undefined`: none of them. */
export function recognizeAwsCall(method: string, url: string): AwsCall | undefined {
  const path = url.split('?', 1)[0];
  if (method === 'POST' && path === '/') return { kind: 'session-token' };
  if (method === 'GET' && (path === '/inference-profiles' || path === '/inference-profiles/'))
    return { kind: 'list-profiles' };
  const match = /^\/model\/([^?#]+)\/(invoke|invoke-with-response-stream)$/.exec(path);
  if (method !== 'POST' || !match) return undefined;
  try {
    return { kind: 'model', modelId: decodeURIComponent(match[1]), operation: match[2] as ModelOperation };
  } catch {
    return undefined;
  }
}

async function handle(request: IncomingMessage, response: ServerResponse, options: AwsFrontOptions): Promise<void> {
  const call = recognizeAwsCall(request.method ?? '', request.url ?? '');
  switch (call?.kind) {
    case 'session-token':
      return answerSessionToken(request, response);
    case 'list-profiles':
      return listProfiles(response, options);
    case 'model':
      return invoke(request, response, call, options);
    default:
      return refuse(
        response,
        403,
        'AccessDeniedException',
        'the gateway makes no such AWS call: only GetSessionToken, ListInferenceProfiles, InvokeModel and InvokeModelWithResponseStream',
      );
  }
}

async function answerSessionToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = new URLSearchParams((await readBody(request, MAX_FORM_BYTES)).toString('utf8'));
  const requestId = randomUUID();
  if (form.get('Action') !== 'GetSessionToken') {
    return sendXml(response, 403, stsError('AccessDenied', 'the gateway answers GetSessionToken only', requestId));
  }
  sendXml(response, 200, sessionToken(new Date(Date.now() + SESSION_HOURS * 3_600_000), requestId));
}

/** Placeholders: real keys never leave the gateway (STS API reference, GetSessionToken). */
function sessionToken(expiration: Date, requestId: string): string {
  return (
    '<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult><Credentials>' +
    `<AccessKeyId>${PLACEHOLDER_CREDENTIAL}</AccessKeyId><SecretAccessKey>${PLACEHOLDER_CREDENTIAL}</SecretAccessKey>` +
    `<SessionToken>${PLACEHOLDER_CREDENTIAL}</SessionToken><Expiration>${expiration.toISOString()}</Expiration>` +
    `</Credentials></GetSessionTokenResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetSessionTokenResponse>`
  );
}

function stsError(code: string, message: string, requestId: string): string {
  return (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
    `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  );
}

function sendXml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function listProfiles(response: ServerResponse, { models }: AwsFrontOptions): Promise<void> {
  try {
    sendJson(response, 200, { inferenceProfileSummaries: await models.list() });
  } catch (error) {
    const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode ?? 503;
    refuse(response, status, $metadata && name ? name : 'ServiceUnavailableException', describeError(error));
  }
}

async function invoke(
  request: IncomingMessage,
  response: ServerResponse,
  { modelId, operation }: Extract<AwsCall, { kind: 'model' }>,
  { allowedModels, signer, bedrock, guardrail, log }: AwsFrontOptions,
): Promise<void> {
  if (!allowedModels.has(modelId)) {
    log.warn('model-refused', { model: modelId.slice(0, 256) });
    return refuse(
      response,
      403,
      'AccessDeniedException',
      `model ${modelId.slice(0, 256)} is not allowed: the BedrockAccess prop \`models\` lists those that are`,
    );
  }
  const startedAt = performance.now();
  const body = await readBody(request, MAX_BODY_BYTES);
  const signed = await signer.sign({ modelId, operation, body, headers: callHeaders(request.headers, guardrail) });
  let status = 0;
  let requestId: unknown;
  await relayResponse(bedrock, { method: 'POST', path: signed.path, headers: signed.headers, body }, response, {
    headers: (upstream, upstreamStatus) => {
      status = upstreamStatus;
      requestId = upstream['x-amzn-requestid'];
      return answerHeaders(upstream);
    },
    brokenOff: (error) =>
      log.error('bedrock-answer-broke-off', { model: modelId, requestId, reason: describeError(error) }),
    unanswered: (error) => {
      status = isTimeout(error) ? 504 : 503;
      log.error('bedrock-call-failed', { model: modelId, reason: describeError(error) });
      refuse(
        response,
        status,
        isTimeout(error) ? 'ModelTimeoutException' : 'ServiceUnavailableException',
        `Bedrock did not answer: ${describeError(error)}`,
      );
    },
  });
  log.info('bedrock-call', {
    model: modelId,
    operation,
    status,
    requestId,
    complete: response.writableFinished,
    milliseconds: Math.round(performance.now() - startedAt),
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
    Object.entries(upstream).filter(([name]) => ANSWER_HEADERS.includes(name) || name.startsWith('x-amzn-bedrock-')),
  );
}

function isTimeout(error: Error): boolean {
  return ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** The REST-JSON error shape of AWS services. */
function refuse(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  sendJson(response, status, { message }, { 'x-amzn-errortype': type, ...headers });
}
