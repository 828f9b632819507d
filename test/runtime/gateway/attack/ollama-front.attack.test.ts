import fc from 'fast-check';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { createOllamaFront } from '../../../../runtime/gateway/ollama/ollama-front';
import { close, listening, recordingLog } from '../support';
import { Called, hostileAnswer, hostileBedrock } from './hostile-bedrock';
import { attackWith, expectHttpAnswers, hostileRequest } from './hostile-http';

const CHAT = 'eu.amazon.nova-pro-v1:0';
const EMBEDDING = 'amazon.titan-embed-text-v2:0';
const guardrail = { identifier: 'gr-abc', version: '3' };

function isAllowed({ method, target, body }: Called): boolean {
  if (method !== 'POST') return false;
  if (target === `/model/${encodeURIComponent(EMBEDDING)}/invoke`) return !body.includes('guardrail');
  if (!/^\/model\/eu\.amazon\.nova-pro-v1%3A0\/converse(-stream)?$/.test(target)) return false;
  const { guardrailConfig } = JSON.parse(body);
  return guardrailConfig?.guardrailIdentifier === 'gr-abc' && guardrailConfig?.guardrailVersion === '3';
}

const tool = { type: 'function', function: { name: 'note', parameters: { type: 'object', properties: {} } } };
const chat = (fields: object) =>
  JSON.stringify({ model: CHAT, messages: [{ role: 'user', content: 'hello' }], ...fields });

test('10,000 hostile requests to a hostile Bedrock: no crash, no hang, and no call but the allowed ones', async () => {
  const bedrock = await hostileBedrock();
  const log = recordingLog();
  const front = await listening(
    createOllamaFront({
      embeddingModels: [{ id: EMBEDDING, dimensions: 256, format: 'titan-v2' }],
      chatModels: [{ id: CHAT, format: 'converse', contextLength: 300_000 }],
      offered: async () => [CHAT],
      guardrail,
      signer: bedrock.signer,
      bedrock: bedrock.pool,
      metrics: embeddedMetrics('attacked', log),
      log,
    }),
  );
  const request = hostileRequest({
    methods: ['POST', 'POST', 'GET'],
    targets: [
      ...new Array<string>(6).fill('/v1/chat/completions'),
      '/v1/embeddings',
      '/embeddings',
      '/api/show',
      '/api/tags',
      '/api/pull',
    ],
    headers: ['Authorization: Bearer x', 'Content-Type: application/json'],
    bodies: [
      chat({}),
      chat({ stream: true, stream_options: { include_usage: true } }),
      chat({ tools: [tool], tool_choice: { type: 'function', function: { name: 'note' } } }),
      chat({ guardrailConfig: { guardrailIdentifier: 'none' }, extra_body: { guardrailConfig: {} } }),
      chat({ messages: [{ role: 'tool', tool_call_id: '\u0000', content: null }] }),
      chat({
        messages: [
          { role: '__proto__', content: [{ type: 'image_url', image_url: { url: 'http://169.254.170.2/' } }] },
        ],
      }),
      chat({ model: 'eu.anthropic.claude-opus-4-20250514-v1:0' }),
      JSON.stringify({ model: EMBEDDING, input: ['a', 'b'] }),
      JSON.stringify({ model: EMBEDDING, input: [1, 2], encoding_format: 'base64' }),
      JSON.stringify({ model: CHAT, input: 'a' }),
      JSON.stringify({ name: CHAT }),
    ],
  });
  let calls = 0;
  try {
    await attackWith(front.port, request, fc.array(hostileAnswer, { minLength: 1, maxLength: 5 }), {
      prepare: (answers) => void (bedrock.answers = answers),
      check: (exchanges) => {
        expectHttpAnswers(exchanges);
        const called = bedrock.called.splice(0);
        calls += called.length;
        expect(called.filter((call) => !isAllowed(call))).toEqual([]);
        log.lines.length = 0;
      },
    });
    expect(calls).toBeGreaterThan(100);
    const after = await fetch(`${front.origin}/api/tags`);
    expect(await after.json()).toMatchObject({ models: [{ name: EMBEDDING }, { name: CHAT }] });
  } finally {
    await close(front.server);
    await bedrock.stop();
  }
}, 180_000);
