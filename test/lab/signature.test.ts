import { Sha256 } from '@aws-crypto/sha256-js';
import { Signer } from '@aws-sdk/rds-signer';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { type IssuedKeys, KeyIssuer } from './credentials';
import { verifyHeader, verifyPresigned, type WireRequest } from './signature';

const issuer = new KeyIssuer();
const keys = issuer.issue('TaskRole');

async function signed(
  credentials: IssuedKeys,
  changes: Partial<WireRequest> = {},
  date = new Date(),
  applyChecksum = true,
): Promise<WireRequest> {
  const signer = new SignatureV4({
    credentials,
    region: 'us-east-1',
    service: 'bedrock',
    sha256: Sha256,
    applyChecksum,
  });
  const body = '{"a":1}';
  const { headers } = await signer.sign(
    new HttpRequest({
      method: 'POST',
      path: '/model/us.anthropic.claude%3A0/invoke',
      query: { b: 'c d' },
      headers: { host: 'bedrock-runtime.us-east-1.amazonaws.com', 'content-type': 'application/json' },
      body,
    }),
    { signingDate: date },
  );
  const target = '/model/us.anthropic.claude%3A0/invoke?b=c%20d';
  return { method: 'POST', target, headers, body: Buffer.from(body), ...changes };
}

describe('the check of a signed request', () => {
  test('names who signed, and for what', async () => {
    expect(await verifyHeader(await signed(keys), issuer)).toMatchObject({
      keys: { role: 'TaskRole' },
      region: 'us-east-1',
      service: 'bedrock',
    });
  });

  test('takes one without the header of the body’s hash, as the SDK for Python makes it, but not with another body', async () => {
    const request = await signed(keys, {}, new Date(), false);
    expect(Object.keys(request.headers)).not.toContain('x-amz-content-sha256');
    expect(await verifyHeader(request, issuer)).toMatchObject({ keys: { role: 'TaskRole' } });
    await expect(verifyHeader({ ...request, body: Buffer.from('{"a":2}') }, issuer)).rejects.toThrow('does not match');
  });

  test.each([
    ['another body', { body: Buffer.from('{"a":2}') }],
    ['another path', { target: '/model/other/invoke?b=c%20d' }],
    ['another query', { target: '/model/us.anthropic.claude%3A0/invoke?b=d' }],
    ['another method', { method: 'PUT' }],
  ])('refuses %s', async (_what, changes) => {
    await expect(verifyHeader(await signed(keys, changes), issuer)).rejects.toThrow(/does not match/);
  });

  test('refuses another secret, another token and keys that nobody handed out', async () => {
    await expect(verifyHeader(await signed({ ...keys, secretAccessKey: 'x' }), issuer)).rejects.toThrow(
      'does not match',
    );
    await expect(verifyHeader(await signed({ ...keys, sessionToken: 'x' }), issuer)).rejects.toThrow('security token');
    await expect(verifyHeader(await signed({ ...keys, accessKeyId: 'ASIAX' }), issuer)).rejects.toThrow('handed out');
  });

  test('refuses an old signature, expired keys and no signature', async () => {
    const old = signed(keys, {}, new Date(Date.now() - 3_600_000));
    await expect(verifyHeader(await old, issuer)).rejects.toThrow('not now');
    const expired = new KeyIssuer(-1);
    await expect(verifyHeader(await signed(expired.issue('TaskRole')), expired)).rejects.toThrow('expired');
    await expect(verifyHeader({ ...(await signed(keys)), headers: {} }, issuer)).rejects.toThrow('no Signature');
  });
});

describe('the check of a token', () => {
  const token = (credentials: IssuedKeys = keys) =>
    new Signer({
      hostname: 'db.example',
      port: 5432,
      username: 'letta',
      region: 'us-east-1',
      credentials,
    }).getAuthToken();

  test('accepts what AWS’s own signer makes', async () => {
    const { url, service } = await verifyPresigned(await token(), issuer);
    expect([service, url.host, url.searchParams.get('DBUser')]).toEqual(['rds-db', 'db.example:5432', 'letta']);
  });

  test.each([
    ['user', 'DBUser=letta', 'DBUser=postgres'],
    ['host', 'db.example', 'other.example'],
    ['signature', /Signature=./, 'Signature=g'],
  ])('refuses another %s than was signed', async (_what, before, after) => {
    await expect(verifyPresigned((await token()).replace(before, after), issuer)).rejects.toThrow('does not match');
  });

  test('refuses a longer life, another secret and what is no token', async () => {
    const longer = (await token()).replace('X-Amz-Expires=900', 'X-Amz-Expires=9000');
    await expect(verifyPresigned(longer, issuer)).rejects.toThrow('not 1..900');
    await expect(verifyPresigned(await token({ ...keys, secretAccessKey: 'x' }), issuer)).rejects.toThrow('not match');
    await expect(verifyPresigned('a-long-password', issuer)).rejects.toThrow('X-Amz-Credential');
  });
});
