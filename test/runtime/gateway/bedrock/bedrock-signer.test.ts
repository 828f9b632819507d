import fc from 'fast-check';
import { BedrockSigner } from '../../../../runtime/gateway/bedrock/bedrock-signer';
import { cacheToken } from '../../../../runtime/gateway/cache/cache-token';
import { isPresignedBy, isSignedBy } from './signature-by-the-book';

const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'token',
};
const HOST = 'bedrock-runtime.eu-central-1.amazonaws.com';
const signer = new BedrockSigner(HOST, 'eu-central-1', async () => keys);

test.each([
  'eu.anthropic.claude-sonnet-4-20250514-v1:0',
  'anthropic.claude-3-haiku-20240307-v1:0',
  'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc123',
])('a call of %s is signed as the specification says', async (modelId) => {
  const body = Buffer.from('{"messages":[{"role":"user","content":"é"}]}');
  const call = { modelId, operation: 'invoke' as const, headers: { 'content-type': 'application/json' }, body };
  const { path, headers } = await signer.sign(call);
  expect(path).toBe(`/model/${encodeURIComponent(modelId)}/invoke`);
  expect(headers['x-amz-security-token']).toBe('token');
  const request = { method: 'POST', target: path, headers, body };
  expect(isSignedBy(request, keys)).toBe(true);
  expect(isSignedBy({ ...request, body: '{}' }, keys)).toBe(false);
  expect(isSignedBy({ ...request, target: path.replace('invoke', 'converse') }, keys)).toBe(false);
});

test('a guardrail is part of what is signed', async () => {
  const body = Buffer.from('{}');
  const guardrail = { 'x-amzn-bedrock-guardrailidentifier': 'gr-1', 'x-amzn-bedrock-guardrailversion': '2' };
  const { path, headers } = await signer.sign({
    modelId: 'm',
    operation: 'invoke-with-response-stream',
    headers: guardrail,
    body,
  });
  const request = { method: 'POST', target: path, headers, body };
  expect(isSignedBy(request, keys)).toBe(true);
  expect(isSignedBy({ ...request, headers: { ...headers, 'x-amzn-bedrock-guardrailversion': '1' } }, keys)).toBe(false);
});

test('the target is rebuilt from parts, whatever the id: it can neither leave its folder nor gain a query', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), async (modelId) => {
      const { path, headers } = await signer.sign({ modelId, operation: 'invoke', headers: {}, body: Buffer.alloc(0) });
      expect(path).toMatch(/^\/model\/[^/?#\\;]+\/invoke$/);
      expect(path.split('?')).toHaveLength(1);
      // Dot segments are the one thing that an allow-listed id cannot be, and the signer's normalization would resolve.
      fc.pre(modelId !== '.' && modelId !== '..');
      expect(isSignedBy({ method: 'POST', target: path, headers, body: '' }, keys)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a cache token is a presigned URL for the group and the user, without its scheme', async () => {
  const token = await cacheToken({ name: 'let-1abc', user: 'letta-user', region: 'eu-central-1' }, async () => keys);
  expect(token).toMatch(/^let-1abc\/\?Action=connect&User=letta-user&/);
  const query = new URLSearchParams(token.split('?')[1]);
  expect(Object.fromEntries(query)).toMatchObject({
    'X-Amz-Expires': '900',
    'X-Amz-Security-Token': 'token',
    'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-central-1\/elasticache\/aws4_request$/),
  });
  expect(isPresignedBy(token, keys)).toBe(true);
  expect(isPresignedBy(token.replace('letta-user', 'other-user'), keys)).toBe(false);
});
