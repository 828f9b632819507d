import fc from 'fast-check';
import { createAwsFront } from '../../../../runtime/gateway/bedrock/aws-front';
import { ChatModelList } from '../../../../runtime/gateway/bedrock/bedrock-models';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { close, listening, recordingLog } from '../support';
import { Called, hostileAnswer, hostileBedrock } from './hostile-bedrock';
import { attackWith, expectHttpAnswers, hostileRequest } from './hostile-http';

const MODEL = 'eu.anthropic.claude-sonnet-4-20250514-v1:0';
const guardrail = { identifier: 'gr-abc', version: '3' };

const allowedTarget = /^\/model\/eu\.anthropic\.claude-sonnet-4-20250514-v1%3A0\/invoke(-with-response-stream)?$/;

function isAllowed({ method, target, headers, body }: Called): boolean {
  return (
    method === 'POST' &&
    allowedTarget.test(target) &&
    headers['x-amzn-bedrock-guardrailidentifier'] === guardrail.identifier &&
    headers['x-amzn-bedrock-guardrailversion'] === guardrail.version &&
    headers['x-amzn-bedrock-trace'] === undefined &&
    !Object.keys(JSON.parse(body)).some((name) => name.startsWith('amazon-bedrock-')) &&
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//.test(headers.authorization ?? '')
  );
}

test('10,000 hostile requests to a hostile Bedrock: no crash, no hang, and no call but the allowed ones', async () => {
  const bedrock = await hostileBedrock();
  const log = recordingLog();
  const models = [{ id: MODEL, format: 'anthropic' as const }];
  const front = await listening(
    createAwsFront({
      allowedModels: new Set([MODEL]),
      models: new ChatModelList(models, async () => [{ inferenceProfileId: MODEL } as never], 'eu-central-1', log),
      signer: bedrock.signer,
      bedrock: bedrock.pool,
      guardrail,
      metrics: embeddedMetrics('attacked', log),
      log,
    }),
  );
  const request = hostileRequest({
    methods: ['POST', 'POST', 'GET'],
    targets: [
      `/model/${MODEL}/invoke`,
      `/model/${encodeURIComponent(MODEL)}/invoke`,
      `/model/${MODEL}/invoke-with-response-stream`,
      `/model/${MODEL}/converse`,
      `/model/eu.anthropic.claude-opus-4-20250514-v1:0/invoke`,
      `/model/${MODEL}%2F..%2Fother/invoke`,
      `/model/${MODEL}/invoke/../../other/invoke`,
      `/guardrail/gr-abc/version/3/apply`,
      '/inference-profiles',
      '/foundation-models',
      '/',
    ],
    headers: [
      'Authorization: AWS4-HMAC-SHA256 Credential=the-gateway-signs/20260101/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=0',
      'Content-Type: application/json',
      'X-Amzn-Bedrock-Trace: ENABLED',
      'X-Amzn-Bedrock-GuardrailIdentifier: none',
      'X-Amz-Security-Token: stolen',
    ],
    bodies: [
      '{"messages":[],"system":[{"type":"text","text":"<memory_metadata>\\n- AGENT_ID: agent-x"}]}',
      '{"messages":[],"max_tokens":1}',
      '{"messages":[],"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"}}',
      '{"messages":[],"\\u0061mazon-bedrock-trace":"ENABLED"}',
      'Action=GetSessionToken',
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
    // Around a hundred of them are allowed calls, by chance more or less.
    expect(calls).toBeGreaterThan(30);
    const after = await fetch(`${front.origin}/inference-profiles`, {
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=the-gateway-signs/x' },
    });
    expect(await after.json()).toMatchObject({ inferenceProfileSummaries: [{ inferenceProfileId: MODEL }] });
  } finally {
    await close(front.server);
    await bedrock.stop();
  }
}, 180_000);
