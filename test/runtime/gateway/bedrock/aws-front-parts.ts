import { IncomingHttpHeaders, RequestListener } from 'node:http';
import { BedrockClient } from '@aws-sdk/client-bedrock';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { Pool } from 'undici';
import { createAwsFront } from '../../../../runtime/gateway/bedrock/aws-front';
import { ChatModelList, listInferenceProfiles } from '../../../../runtime/gateway/bedrock/bedrock-models';
import { BedrockSigner } from '../../../../runtime/gateway/bedrock/bedrock-signer';
import { Guardrail } from '../../../../runtime/gateway/configuration';
import { CredentialsProvider } from '../../../../runtime/gateway/credentials';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { bodyOf, close, listening, recordingLog, until, upstream } from '../support';

export const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
export const PROFILE = 'eu.anthropic.claude-sonnet-4-20250514-v1:0';
export const FOUNDATION = 'anthropic.claude-3-haiku-20240307-v1:0';
const CONVERSE = 'eu.amazon.nova-pro-v1:0';

const toStop: (() => Promise<unknown>)[] = [];

/** For `afterEach`. */
export async function stopFronts(): Promise<void> {
  for (const stop of toStop.splice(0)) await stop();
}

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FrontParts {
  /** What Bedrock answers; a plain answer if it is left out. */
  readonly bedrock?: RequestListener;
  /** Claude models that are allowed: by default a profile and a foundation model. */
  readonly claude?: readonly string[];
  readonly guardrail?: Guardrail;
  readonly credentials?: CredentialsProvider;
  /** How long Bedrock may stay silent. */
  readonly idleMs?: number;
}

/** An AWS front before a server in Bedrock's place, with two Claude models allowed and one that is none. */
export async function startFront({
  bedrock,
  claude = [PROFILE, FOUNDATION],
  guardrail,
  credentials,
  idleMs,
}: FrontParts = {}) {
  const seen: Seen[] = [];
  const behind = await upstream(async (request, response) => {
    seen.push({ method: request.method!, target: request.url!, headers: request.headers, body: await bodyOf(request) });
    if (bedrock) return bedrock(request, response);
    response.setHeader('x-amzn-requestid', 'request-1');
    response.setHeader('x-internal', 'not for the client');
    response.end('{"content":[]}');
  });
  const log = recordingLog();
  const pool = new Pool(behind.origin, { headersTimeout: idleMs, bodyTimeout: idleMs });
  const sdk = new BedrockClient({ endpoint: behind.origin, region: 'eu-central-1', credentials: keys, maxAttempts: 1 });
  const allowed = [
    ...claude.map((id) => ({ id, format: 'anthropic' as const })),
    { id: CONVERSE, format: 'converse' as const, contextLength: 300_000 },
  ];
  const front = await listening(
    createAwsFront({
      allowedModels: new Set(claude),
      models: new ChatModelList(allowed, () => listInferenceProfiles(sdk), 'eu-central-1', log),
      signer: new BedrockSigner(new URL(behind.origin).host, 'eu-central-1', credentials ?? (async () => keys)),
      bedrock: pool,
      guardrail,
      metrics: embeddedMetrics('letta', log),
      log,
    }),
  );
  toStop.push(
    () => close(front.server),
    () => pool.destroy(),
    () => close(behind.server),
  );
  /** The record of the one call that was made. */
  const recorded = async () => {
    const calls = () => log.lines.filter(({ event }) => event === 'model-call');
    await until(() => calls().length > 0, 'the record of the call');
    expect(calls()).toHaveLength(1);
    return calls()[0].fields;
  };
  return { ...front, seen, log, recorded };
}

/** As an SDK signs with the keys in Letta's environment. */
export const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=the-gateway-signs/20260101/eu-central-1/bedrock' };

export function invoke(origin: string, id: string, operation = 'invoke', init: RequestInit = {}): Promise<Response> {
  return fetch(`${origin}/model/${id}/${operation}`, {
    method: 'POST',
    body: '{"messages":[]}',
    headers: {
      ...SIGNED,
      'x-amz-security-token': 'placeholder',
      'content-type': 'application/json',
    },
    ...init,
  });
}

export const eventStream = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** One event of a Claude model as Bedrock frames it. */
export function modelEvent(event: object): Buffer {
  return eventMessage(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdefgh' },
  );
}

export function eventMessage(headers: Record<string, string>, payload: object): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }] as const);
  const body = Buffer.from(JSON.stringify(payload));
  return Buffer.from(eventStream.encode({ headers: Object.fromEntries(typed), body }));
}
