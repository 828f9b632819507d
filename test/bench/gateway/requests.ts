import type { LoadOptions } from './programs/load';
import type { GatewayStand } from './stand';
import { BARE_PROXY_PORT } from './programs';
import { PLACEHOLDER_CREDENTIAL, Port } from '../../../runtime/contract';

/** Who is asked for the API: Letta's stand-in itself, or through a proxy. */
export type Way = 'direct' | 'bare' | 'gateway';
export const portOf: { readonly [way in Way]: number } = {
  direct: Port.LETTA,
  bare: BARE_PROXY_PORT,
  gateway: Port.API,
};

const AGENT = 'agent-6b4f1f0a-3c55-4c0e-9a51-1d3a1c0f5a0e';

/** A request as a client behind a load balancer sends it. */
function request(line: string, headers: string[], body = ''): string {
  const length = body ? [`Content-Length: ${Buffer.byteLength(body)}`, 'Content-Type: application/json'] : [];
  return [line, 'Host: letta.example', 'User-Agent: bench', 'Accept: */*', ...headers, ...length, '', body].join(
    '\r\n',
  );
}

export function apiCall({ password }: GatewayStand): string {
  return request(`GET /v1/agents/${AGENT} HTTP/1.1`, [
    `Authorization: Bearer ${password}`,
    'X-Forwarded-For: 10.0.3.4',
    'X-Forwarded-Proto: https',
  ]);
}

/** A stream of so many events, one each `every` milliseconds. */
export function apiStream({ password }: GatewayStand, events: number, every: number): string {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Good morning.' }], stream_tokens: true });
  const line = `POST /v1/agents/${AGENT}/messages/stream?events=${events}&every=${every} HTTP/1.1`;
  return request(line, [`Authorization: Bearer ${password}`], body);
}

/** As long as a turn's call is: Letta's instructions, tools and some conversation make about 16 kB. */
const modelBody = JSON.stringify({
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 4096,
  temperature: 1,
  system: [
    {
      type: 'text',
      text: `${'You remember what matters. '.repeat(300)}\n<memory_metadata>\n- AGENT_ID: ${AGENT}\n</memory_metadata>`,
    },
  ],
  messages: Array.from({ length: 20 }, (_, turn) => ({
    role: turn % 2 ? 'assistant' : 'user',
    content: [{ type: 'text', text: 'What was said in one of many turns. '.repeat(10) }],
  })),
});

/** As Letta's SDK signs; the fake model checks no signature, and neither does the gateway more than this. */
const SIGNED = `authorization: AWS4-HMAC-SHA256 Credential=${PLACEHOLDER_CREDENTIAL}/20260101/us-east-1/bedrock/aws4_request`;

export function modelCall({ bedrock }: GatewayStand, stream: boolean): string {
  const operation = stream ? 'invoke-with-response-stream' : 'invoke';
  return request(`POST /model/${encodeURIComponent(bedrock.model)}/${operation} HTTP/1.1`, [SIGNED], modelBody);
}

/** The same model call on its two ways. */
export function modelTarget(
  { host, bedrock }: GatewayStand,
  way: 'direct' | 'gateway',
): Pick<LoadOptions, 'host' | 'port' | 'tls'> {
  if (way === 'gateway') return { host, port: Port.AWS };
  return { host: bedrock.address, port: bedrock.port, tls: { name: bedrock.name, caFile: bedrock.caFile } };
}

/** The events of a short answer, as the Messages API streams them. */
export const streamedAnswer: object[] = [
  {
    type: 'message_start',
    message: {
      id: 'msg_bench',
      type: 'message',
      role: 'assistant',
      content: [],
      usage: { input_tokens: 4000, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...Array.from({ length: 16 }, () => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'Good morning. ' },
  })),
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 48 } },
  { type: 'message_stop' },
];
