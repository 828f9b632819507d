import { once } from 'node:events';
import { connect } from 'node:net';
import { recognizeAwsCall } from '../../../../runtime/gateway/bedrock/aws-front';
import { FOUNDATION, invoke, keys, PROFILE, SIGNED, startFront, stopFronts } from './aws-front-parts';
import { isSignedBy } from './signature-by-the-book';
import { rawExchange } from '../support';

afterEach(stopFronts);

test('GetSessionToken is answered with placeholders, and AWS never hears of it', async () => {
  const { origin, seen } = await startFront();
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
  const { origin } = await startFront();
  const response = await fetch(origin + '/', { method: 'POST', body: new URLSearchParams({ Action: 'AssumeRole' }) });
  expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
});

test.each([PROFILE, PROFILE.replace(':', '%3A'), FOUNDATION])(
  'a call of %s goes out signed by the task role, bit for bit',
  async (id) => {
    const { origin, seen } = await startFront();
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
  const { origin, seen } = await startFront({ guardrail: { identifier: 'gr-1', version: '2' } });
  for (const operation of ['invoke', 'invoke-with-response-stream']) {
    await invoke(origin, PROFILE, operation, {
      headers: { ...SIGNED, 'X-Amzn-Bedrock-GuardrailIdentifier': 'mine', 'X-Amzn-Bedrock-Trace': 'ENABLED' },
    });
  }
  for (const { headers } of seen) {
    expect(headers['x-amzn-bedrock-guardrailidentifier']).toBe('gr-1');
    expect(headers['x-amzn-bedrock-guardrailversion']).toBe('2');
    expect(headers['x-amzn-bedrock-trace']).toBeUndefined();
  }
  expect(seen).toHaveLength(2);
});

test.each([
  [
    'the field that narrows it',
    '{"amazon-bedrock-guardrailConfig":{"tagSuffix":"x"},"messages":[]}',
    /GuardrailConfig/i,
  ],
  ['it in other letters', '{"messages":[],"\\u0061mazon-Bedrock-guardrailConfig":{}}', /GuardrailConfig/i],
  ['it once more', '{"amazon-bedrock-guardrailConfig":1,"amazon-bedrock-guardrailConfig":null}', /GuardrailConfig/i],
  ['another field of Bedrock’s', '{"amazon-bedrock-trace":"ENABLED"}', /amazon-bedrock-trace/],
  ['no object', '[{"amazon-bedrock-guardrailConfig":{}}]', /not a JSON object/],
  ['no JSON', '{"messages":[],}', /not a JSON object/],
  ['a byte order mark', '\ufeff{"messages":[]}', /not a JSON object/],
  ['no UTF-8', Buffer.from('{"\xffamazon-bedrock-guardrailConfig":{}}', 'latin1'), /not a JSON object/],
  ['nothing', '', /not a JSON object/],
])('with a guardrail, a body with %s is refused unsigned, in the shape of AWS', async (_, body, reason) => {
  const { origin, seen, recorded } = await startFront({ guardrail: { identifier: 'gr-1', version: '2' } });
  const response = await invoke(origin, PROFILE, 'invoke-with-response-stream', { body });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationException']);
  expect(await response.json()).toEqual({ message: expect.stringMatching(reason) });
  expect(seen).toEqual([]);
  expect(await recorded()).toMatchObject({ status: 400, failure: expect.stringMatching(reason) });
});

test('with a guardrail, other bodies pass bit for bit, whatever stands deeper in them', async () => {
  const { origin, seen } = await startFront({ guardrail: { identifier: 'gr-1', version: '2' } });
  const body = Buffer.from('{"messages":[{"content":"\u00e9 \\u0000","amazon-bedrock-trace":1}],  "max_tokens":1 }');
  expect((await invoke(origin, PROFILE, 'invoke', { body })).status).toBe(200);
  expect(seen[0].body.equals(body)).toBe(true);
});

test.each(['{"amazon-bedrock-trace":"ENABLED"}', '{'])(
  'without a guardrail it is Bedrock’s to refuse %s',
  async (body) => {
    const { origin, seen } = await startFront();
    expect((await invoke(origin, PROFILE, 'invoke', { body })).status).toBe(200);
    expect(seen[0].body.toString()).toBe(body);
  },
);

test.each([
  ['GET', '/inference-profiles'],
  ['POST', `/model/${PROFILE}/invoke`],
])('%s %s without Letta’s signature, as a fetched URL would come, is refused', async (method, path) => {
  const { origin, seen } = await startFront();
  const response = await fetch(origin + path, { method, headers: { authorization: 'Basic eDp5' } });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([
    403,
    'MissingAuthenticationTokenException',
  ]);
  expect(seen).toEqual([]);
});

test('a model that is not allowed is refused as AWS would, naming the prop', async () => {
  const { origin, seen } = await startFront();
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
  const { origin, seen } = await startFront();
  const response = await fetch(origin + path, { method });
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
  expect(seen).toEqual([]);
});

test.each([
  ['what is not HTTP', 'nonsense\r\n\r\n', 'HTTP/1.1 400'],
  ['headers without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`, 'HTTP/1.1 431'],
  [
    'two lengths of one body',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 400',
  ],
  ['a request without Host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 'HTTP/1.1 400'],
])('%s is refused in the shape of AWS', async (_, bytes, status) => {
  const { port, seen } = await startFront();
  const answer = await rawExchange(port, bytes);
  expect(answer).toMatch(new RegExp(`^${status} `));
  expect(answer).toContain('x-amzn-errortype: ValidationException');
  expect(answer).toMatch(/\{"message":"[^"]+"\}$/);
  expect(seen).toEqual([]);
});

test('a body above the limit is refused before it is read', async () => {
  const { port, seen, recorded } = await startFront();
  const answer = await rawExchange(
    port,
    `POST /model/${FOUNDATION}/invoke HTTP/1.1\r\nhost: x\r\nauthorization: ${SIGNED.authorization}\r\ncontent-length: ${40 * 1024 * 1024}\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain('x-amzn-errortype: ValidationException');
  expect(await recorded()).toMatchObject({ status: 413, failure: expect.stringContaining('larger than') });
  expect(seen).toEqual([]);
});

test('nonsense behind a request does not get an error written into the answer to it', async () => {
  const { port } = await startFront({
    bedrock: (_, response) => {
      response.write('{"content":');
      setTimeout(() => response.end('[]}'), 100);
    },
  });
  const request = `POST /model/${FOUNDATION}/invoke HTTP/1.1\r\nhost: x\r\nauthorization: ${SIGNED.authorization}\r\ncontent-length: 2\r\n\r\n{}`;
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request));
  let answer = '';
  socket.on('data', (piece) => {
    if (answer === '') socket.write('nonsense\r\n\r\n');
    answer += piece.toString();
  });
  await once(socket, 'close');
  expect(answer).toContain('{"content":');
  expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
});
