import { randomUUID } from 'node:crypto';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { PLACEHOLDER_CREDENTIAL } from '../../contract';
import { refuse, tellMalformed } from './aws-error';
import { ChatModelList } from './bedrock-models';
import { BodyTooLarge, boundedServer, readBody, sendJson } from '../http-listener';
import { invokeModel, InvokeModelOptions, ModelRequest } from './invoke-model';
import { describeError, Log } from '../log';

export interface AwsFrontOptions extends InvokeModelOptions {
  /** Ids of the models that Letta speaks to itself; no other is called here. */
  readonly allowedModels: ReadonlySet<string>;
  readonly models: ChatModelList;
  readonly log: Log;
}

const MAX_FORM_BYTES = 64 * 1024;
const SESSION_HOURS = 12;

/** STS and Bedrock as Letta's SDKs call them, with placeholder keys in and the task role's signature out. */
export function createAwsFront(options: AwsFrontOptions): Server {
  return boundedServer(
    (request, response) => {
      handle(request, response, options).catch((error: unknown) => {
        if (error instanceof BodyTooLarge)
          return refuse(response, 413, 'ValidationException', error.message, { connection: 'close' });
        options.log.error('aws-call-failed', { reason: describeError(error) });
        refuse(response, 500, 'InternalServerException', 'the gateway failed on this call');
      });
    },
    { keepAliveSeconds: 75, malformed: tellMalformed },
  );
}

export type AwsCall =
  { readonly kind: 'session-token' } | { readonly kind: 'list-profiles' } | ({ readonly kind: 'model' } & ModelRequest);

/** Which of the allowed calls this is, by method and path alone; `undefined`: none of them. */
export function recognizeAwsCall(method: string, url: string): AwsCall | undefined {
  const path = url.split('?', 1)[0];
  if (method === 'POST' && path === '/') return { kind: 'session-token' };
  if (method === 'GET' && (path === '/inference-profiles' || path === '/inference-profiles/'))
    return { kind: 'list-profiles' };
  const match = /^\/model\/([^?#]+)\/(invoke|invoke-with-response-stream)$/.exec(path);
  if (method !== 'POST' || !match) return undefined;
  try {
    return { kind: 'model', modelId: decodeURIComponent(match[1]), operation: match[2] as ModelRequest['operation'] };
  } catch {
    return undefined;
  }
}

async function handle(request: IncomingMessage, response: ServerResponse, options: AwsFrontOptions): Promise<void> {
  const call = recognizeAwsCall(request.method ?? '', request.url ?? '');
  if (call && call.kind !== 'session-token' && !isSignedByLetta(request)) {
    return refuse(
      response,
      403,
      'MissingAuthenticationTokenException',
      "the call is not signed with Letta's placeholder keys",
    );
  }
  switch (call?.kind) {
    case 'session-token':
      return answerSessionToken(request, response);
    case 'list-profiles':
      return listProfiles(response, options);
    case 'model':
      if (!options.allowedModels.has(call.modelId)) return refuseModel(response, call.modelId, options.log);
      return invokeModel(request, response, call, options);
    default:
      return refuse(
        response,
        403,
        'AccessDeniedException',
        'the gateway makes no such AWS call: only GetSessionToken, ListInferenceProfiles, InvokeModel and InvokeModelWithResponseStream',
      );
  }
}

/** What fetches a caller's URL inside Letta (an image of a message, say) comes to loopback as well, but signs nothing. */
function isSignedByLetta({ headers }: IncomingMessage): boolean {
  return headers.authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${PLACEHOLDER_CREDENTIAL}/`) ?? false;
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

async function listProfiles(response: ServerResponse, { models, allowedModels }: AwsFrontOptions): Promise<void> {
  try {
    const listed = await models.list('anthropic');
    // Of an empty list Letta makes that its models are gone and removes them from the database, for every task. An error
    // it only logs, and keeps what it knows.
    if (listed.length === 0 && allowedModels.size > 0) {
      return refuse(response, 503, 'ServiceUnavailableException', 'the account has none of the allowed chat models');
    }
    sendJson(response, 200, { inferenceProfileSummaries: listed });
  } catch (error) {
    const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode ?? 503;
    refuse(response, status, $metadata && name ? name : 'ServiceUnavailableException', describeError(error));
  }
}

function refuseModel(response: ServerResponse, modelId: string, log: Log): void {
  const model = modelId.slice(0, 256);
  log.warn('model-refused', { model });
  refuse(
    response,
    403,
    'AccessDeniedException',
    `model ${model} is not allowed: the BedrockAccess prop \`models\` lists those that are`,
  );
}
