import { BedrockClient } from '@aws-sdk/client-bedrock';
import { IncomingHttpHeaders, RequestListener } from 'node:http';
import { Pool } from 'undici';
import { createAwsFront, recognizeAwsCall } from '../../../runtime/gateway/aws-front';
import { ChatModelList, isFoundationModel, listInferenceProfiles } from '../../../runtime/gateway/bedrock-models';
import { BedrockSigner } from '../../../runtime/gateway/bedrock-signer';
import { Guardrail } from '../../../runtime/gateway/configuration';
import { isSignedBy } from './signature-by-the-book';
import { bodyOf, close, listening, recordingLog, until, upstream } from './support';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };
const PROFILE = 'eu.anthropic.claude-sonnet-4-20250514-v1:0';
const FOUNDATION = 'anthropic.claude-3-haiku-20240307-v1:0';

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function start({ bedrock, guardrail }: { bedrock?: RequestListener; guardrail?: Guardrail } = {}) {
  const seen: Seen[] = [];
  const behind = await upstream(async (request, response) => {
    seen.push({ method: request.method!, target: request.url!, headers: request.headers, body: await bodyOf(request) });
    if (bedrock) return bedrock(request, response);
    response.setHeader('x-amzn-requestid', 'request-1');
    response.setHeader('x-internal', 'not for the client');
    response.end('{"content":[]}');
  });
  const log = recordingLog();
  const pool = new Pool(behind.origin);
  const sdk = new BedrockClient({ endpoint: behind.origin, region: 'eu-central-1', credentials: keys, maxAttempts: 1 });
  const allowed = [PROFILE, FOUNDATION].map((id) => ({ id, format: 'anthropic' as const }));
  const front = await listening(
    createAwsFront({
      allowedModels: new Set([PROFILE, FOUNDATION]),
      models: new ChatModelList(allowed, () => listInferenceProfiles(sdk), 'eu-central-1', log),
      signer: new BedrockSigner(new URL(behind.origin).host, 'eu-central-1', async () => keys),
      bedrock: pool,
      guardrail,
      log,
    }),
  );
  toStop.push(
    () => close(front.server),
    () => pool.destroy(),
    () => close(behind.server),
  );
  return { ...front, seen, log };
}

const invoke = (origin: string, id: string, operation = 'invoke', init: RequestInit = {}) =>
  fetch(`${origin}/model/${id}/${operation}`, {
    method: 'POST',
    body: '{"messages":[]}',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=placeholder',
      'x-amz-security-token': 'placeholder',
      'content-type': 'application/json',
    },
    ...init,
  });

test('GetSessionToken is answered with placeholders, and AWS never hears of it', async () => {
  const { origin, seen } = await start();
  const response = await fetch(origin + '/', {
    method: 'POST',
    body: new URLSearchParams({ Action: 'GetSessionToken', Version: '2011-06-15' }),
  });
  const text = await response.text();
  expect(text).toContain('<SessionToken>the-gateway-signs</SessionToken>');
  expect(new Date(/<Expiration>(.*)<\/Expiration>/.exec(text)![1]).getTime()).toBeGreaterThan(Date.now() + 3_600_000);
  expect(seen).toEqual([]);
});

test('any other STS action is refused in the shape of STS', async () => {
  const { origin } = await start();
  const response = await fetch(origin + '/', { method: 'POST', body: new URLSearchParams({ Action: 'AssumeRole' }) });
  expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
});

test.each([PROFILE, PROFILE.replace(':', '%3A'), FOUNDATION])(
  'a call of %s goes out signed by the task role, bit for bit',
  async (id) => {
    const { origin, seen } = await start();
    const body = Buffer.from('{"messages":[{"content":"\u00e9 \\u0000"}],  "max_tokens":1 }');
    const response = await invoke(origin, id, 'invoke', { body });
    expect([response.status, await response.json()]).toEqual([200, { content: [] }]);
    expect(response.headers.get('x-amzn-requestid')).toBe('request-1');
    expect(response.headers.get('x-internal')).toBeNull();
    expect(seen).toHaveLength(1);
    expect(seen[0].body.equals(body)).toBe(true);
    expect(isSignedBy(seen[0], keys)).toBe(true);
    expect(seen[0].headers['x-amz-security-token']).toBe('session');
    expect(seen[0].headers['x-amzn-bedrock-guardrailidentifier']).toBeUndefined();
  },
);

test('the configured guardrail goes with every chat call, and a caller cannot replace it', async () => {
  const { origin, seen } = await start({ guardrail: { identifier: 'gr-1', version: '2' } });
  for (const operation of ['invoke', 'invoke-with-response-stream']) {
    await invoke(origin, PROFILE, operation, {
      headers: { 'X-Amzn-Bedrock-GuardrailIdentifier': 'mine', 'X-Amzn-Bedrock-Trace': 'ENABLED' },
    });
  }
  for (const { headers } of seen) {
    expect(headers['x-amzn-bedrock-guardrailidentifier']).toBe('gr-1');
    expect(headers['x-amzn-bedrock-guardrailversion']).toBe('2');
    expect(headers['x-amzn-bedrock-trace']).toBeUndefined();
  }
  expect(seen).toHaveLength(2);
});

test('a model that is not allowed is refused as AWS would, naming the prop', async () => {
  const { origin, seen } = await start();
  const response = await invoke(origin, 'us.anthropic.claude-opus-4');
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
  expect(await response.json()).toEqual({ message: expect.stringContaining('`models`') });
  expect(seen).toEqual([]);
});

test.each([
  ['GET', '/model/m/invoke'],
  ['POST', `/model/${PROFILE}/converse`],
  ['POST', `/model/${PROFILE}/invoke/x`],
  ['POST', `/model/${PROFILE}%2Finvoke`],
  ['POST', `/model/${PROFILE}/../../guardrail/g/invoke`],
  ['POST', '/guardrail/g/version/1/apply'],
  ['GET', '/foundation-models'],
  ['DELETE', '/inference-profiles/x'],
  ['GET', '/'],
  ['POST', '/model/%/invoke'],
  ['POST', '//'],
])('%s %s makes no AWS call', async (method, path) => {
  const call = recognizeAwsCall(method, path);
  if (call !== undefined) expect([PROFILE, FOUNDATION]).not.toContain((call as { modelId: string }).modelId);
  const { origin, seen } = await start();
  const response = await fetch(origin + path, { method });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
  expect(seen).toEqual([]);
});

test('throttling keeps status, type and Retry-After', async () => {
  const { origin } = await start({
    bedrock: (_request, response) => {
      response.writeHead(429, {
        'x-amzn-errortype': 'ThrottlingException',
        'retry-after': '7',
        'x-amzn-requestid': 'r',
      });
      response.end('{"message":"slow down"}');
    },
  });
  const response = await invoke(origin, PROFILE);
  expect([response.status, response.headers.get('x-amzn-errortype'), response.headers.get('retry-after')]).toEqual([
    429,
    'ThrottlingException',
    '7',
  ]);
  expect(await response.json()).toEqual({ message: 'slow down' });
});

test('a stream passes as it comes, and one that is cut does not look whole', async () => {
  let release: () => void = () => undefined;
  const { origin, log } = await start({
    bedrock: async (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
      response.write(Buffer.from([0, 1, 2, 255]));
      await new Promise<void>((resolve) => (release = resolve));
      response.socket?.destroy();
    },
  });
  const response = await invoke(origin, PROFILE, 'invoke-with-response-stream');
  expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream');
  const reader = response.body!.getReader();
  expect([...(await reader.read()).value!]).toEqual([0, 1, 2, 255]);
  release();
  await expect(reader.read()).rejects.toThrow();
  await until(() => log.lines.some(({ event }) => event === 'bedrock-answer-broke-off'), 'the cut in the log');
});

test('a Bedrock that cannot be reached is an error in the shape of AWS', async () => {
  const { origin } = await start({ bedrock: (request) => request.socket.destroy() });
  const response = await invoke(origin, PROFILE);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([503, 'ServiceUnavailableException']);
});

describe('the list of models', () => {
  const profile = (id: string) => ({
    inferenceProfileId: id,
    inferenceProfileArn: `arn:aws:bedrock:eu-central-1:111122223333:inference-profile/${id}`,
    inferenceProfileName: id,
    models: [],
    status: 'ACTIVE',
    type: 'SYSTEM_DEFINED',
    createdAt: '2025-05-14T00:00:00Z',
  });

  test('has the allowed profiles of all pages and an entry for an allowed foundation model, once', async () => {
    const { origin, seen } = await start({
      bedrock: (request, response) => {
        const second = request.url!.includes('nextToken=more');
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify(
            second
              ? { inferenceProfileSummaries: [profile(PROFILE)] }
              : { inferenceProfileSummaries: [profile('eu.amazon.nova-pro-v1:0')], nextToken: 'more' },
          ),
        );
      },
    });
    const list = async () =>
      (await (await fetch(`${origin}/inference-profiles`)).json()) as {
        inferenceProfileSummaries: { inferenceProfileId: string; createdAt?: string }[];
      };
    const { inferenceProfileSummaries } = await list();
    expect(inferenceProfileSummaries.map(({ inferenceProfileId }) => inferenceProfileId)).toEqual([
      PROFILE,
      FOUNDATION,
    ]);
    expect(inferenceProfileSummaries[0].createdAt).toBe('2025-05-14T00:00:00.000Z');
    await list();
    expect(seen).toHaveLength(2);
  });

  test('names in the log what is allowed but not there', async () => {
    const { origin, log } = await start({
      bedrock: (_request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end('{"inferenceProfileSummaries":[]}');
      },
    });
    await fetch(`${origin}/inference-profiles`);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        event: 'chat-models-not-in-this-account',
        fields: { missing: [PROFILE] },
      }),
    );
  });

  test('fails as AWS failed', async () => {
    const { origin } = await start({
      bedrock: (_request, response) => {
        response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' });
        response.end('{"message":"not authorized"}');
      },
    });
    const response = await fetch(`${origin}/inference-profiles`);
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
    expect(await response.json()).toEqual({ message: expect.stringContaining('not authorized') });
  });

  test.each([
    ['anthropic.claude-3-haiku-20240307-v1:0', true],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', false],
    ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', false],
    ['global.anthropic.claude-sonnet-4-20250514-v1:0', false],
    ['us.amazon.nova-pro-v1:0', false],
    ['amazon.nova-pro-v1:0', true],
    ['deepseek.v3.1', true],
    ['arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc', false],
  ])('%s is a foundation model: %s', (id, expected) => {
    expect(isFoundationModel(id)).toBe(expected);
  });
});
