import { IncomingHttpHeaders, Server } from 'node:http';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import fc from 'fast-check';
import { Pool } from 'undici';
import { BedrockSigner } from '../../../../runtime/gateway/bedrock/bedrock-signer';
import { bodyOf, close, upstream } from '../support';

/** An upstream that answers with anything: half answers, lies about lengths, streams that are none. */

export interface Called {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HostileAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** Cuts the connection after the body instead of ending the answer. */
  readonly cut: boolean;
}

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

function message(headers: Record<string, string>, body: string): Buffer {
  const encoded = Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]);
  return Buffer.from(codec.encode({ headers: Object.fromEntries(encoded), body: Buffer.from(body) }));
}

const event = (type: string, body: unknown) =>
  message({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, JSON.stringify(body));
const chunk = (body: unknown) => event('chunk', { bytes: Buffer.from(JSON.stringify(body)).toString('base64') });

const MESSAGES = [
  chunk({ type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } }),
  chunk({ type: 'message_delta', usage: { output_tokens: 'many' } }),
  chunk({ type: 'message_stop' }),
  chunk(null),
  event('chunk', { bytes: '%%%' }),
  event('messageStart', { role: 'assistant' }),
  event('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'a', name: 'b' } } }),
  event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hello' } }),
  event('contentBlockDelta', { contentBlockIndex: -1, delta: { toolUse: { input: 7 } } }),
  event('contentBlockStop', {}),
  event('messageStop', { stopReason: 'end_turn' }),
  event('metadata', { usage: { inputTokens: -1e300, outputTokens: '2' } }),
  event('metadata', []),
  event('constructor', { __proto__: null }),
  message({ ':message-type': 'exception', ':exception-type': 'throttlingException' }, '{"message":"slow"}'),
  message({ ':message-type': 'error', ':error-code': 'x\r\nX-Injected: 1' }, ''),
  message({}, 'not json'),
];

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...MESSAGES) },
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.constantFrom(...MESSAGES), fc.nat(), fc.nat(255)).map(([whole, at, byte]) => {
    const bent = Buffer.from(whole);
    bent[at % bent.length] = byte;
    return bent;
  }),
  fc.tuple(fc.constantFrom(...MESSAGES), fc.nat()).map(([whole, end]) => whole.subarray(0, end % whole.length)),
);

const json = fc.oneof(
  fc.json(),
  fc.constantFrom(
    '{"output":{"message":{"role":"assistant","content":[{"text":"hello"}]}},"stopReason":"end_turn","usage":{}}',
    '{"output":{"message":{"content":[{"toolUse":{"input":"x"}},null,7]}},"stopReason":[]}',
    '{"embedding":[1,2],"inputTextTokenCount":-1}',
    '{"message":{"a":1}}',
    '{"usage":{"input_tokens":"3"}}',
    '{',
    '',
  ),
);

export const hostileAnswer: fc.Arbitrary<HostileAnswer> = fc.record({
  status: fc.constantFrom(200, 200, 200, 200, 204, 302, 400, 403, 408, 424, 429, 500, 503, 599),
  headers: fc.constantFrom<Record<string, string>>(
    { 'content-type': 'application/vnd.amazon.eventstream' },
    { 'content-type': 'application/vnd.amazon.eventstream' },
    { 'content-type': 'application/json' },
    { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException:http://x', 'retry-after': '3' },
    { location: 'http://169.254.170.2/', 'x-amzn-errortype': '' },
    { 'x-amzn-bedrock-input-token-count': 'NaN', 'x-amzn-bedrock-output-token-count': '-5' },
  ),
  body: fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat(pieces)),
    json.map((text) => Buffer.from(text)),
  ),
  cut: fc.boolean(),
});

export interface HostileBedrock {
  readonly called: Called[];
  readonly pool: Pool;
  readonly signer: BedrockSigner;
  /** What the next calls are answered with, over and over. */
  answers: readonly HostileAnswer[];
  stop(): Promise<void>;
}

export async function hostileBedrock(): Promise<HostileBedrock> {
  const called: Called[] = [];
  const behind: { server: Server; origin: string } = await upstream(async (request, response) => {
    const body = (await bodyOf(request).catch(() => Buffer.alloc(0))).toString('utf8');
    called.push({ method: request.method!, target: request.url!, headers: request.headers, body });
    const answer = bedrock.answers[called.length % bedrock.answers.length];
    response.writeHead(answer.status, answer.headers);
    if (!answer.cut) return void response.end(answer.body);
    response.write(answer.body.length > 0 ? answer.body : ' ', () => response.destroy());
  });
  const pool = new Pool(behind.origin);
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  const bedrock: HostileBedrock = {
    called,
    pool,
    signer: new BedrockSigner(new URL(behind.origin).host, 'eu-central-1', async () => keys),
    answers: [{ status: 200, headers: {}, body: Buffer.from('{}'), cut: false }],
    stop: async () => {
      await pool.destroy();
      await close(behind.server);
    },
  };
  return bedrock;
}
