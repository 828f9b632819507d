import { createHash, timingSafeEqual } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { IssuedKeys, KeyIssuer } from './credentials';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Why a signature is refused; the code is the one AWS uses. */
export class SignatureError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What a valid signature says: who signed, and for what. */
export interface Signer {
  readonly keys: IssuedKeys;
  readonly region: string;
  readonly service: string;
}

const maximumSkew = 5 * 60 * 1000;

/**
 * Verifies a Signature Version 4 in the Authorization header by signing the same request again with the keys that were
 * handed out (AWS Signature Version 4 for API requests, IAM user guide).
 *
 * @throws SignatureError
 */
export async function verifyHeader(request: WireRequest, issuer: KeyIssuer): Promise<Signer> {
  const header = request.headers.authorization ?? '';
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(header);
  if (!parts) throw new SignatureError('MissingAuthenticationTokenException', 'no Signature Version 4 in the request');
  const [, credential, signedHeaders, signature] = parts;
  const { keys, region, service } = scope(credential, issuer);
  const date = signingDate(request.headers['x-amz-date']);
  if (Math.abs(Date.now() - date.getTime()) > maximumSkew) {
    throw new SignatureError('InvalidSignatureException', `signed at ${date.toISOString()}, which is not now`);
  }
  if (request.headers['x-amz-security-token'] !== keys.sessionToken) {
    throw new SignatureError('UnrecognizedClientException', 'the security token does not belong to the access key');
  }
  const names = signedHeaders.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token']) {
    if (!names.includes(name)) throw new SignatureError('InvalidSignatureException', `header ${name} is not signed`);
  }
  const bodyHash = request.headers['x-amz-content-sha256'];
  // The signer takes this header's word for the body.
  if (bodyHash !== undefined && bodyHash !== createHash('sha256').update(request.body).digest('hex')) {
    throw new SignatureError('InvalidSignatureException', 'the body does not match its hash in X-Amz-Content-Sha256');
  }
  const [path, query] = splitTarget(request.target);
  // AWS wants the body's hash in a header for S3 alone: not every SDK sends it.
  const uriEscapePath = service !== 's3';
  const signer = new SignatureV4({
    ...{ credentials: keys, region, service, sha256: Sha256, applyChecksum: false, uriEscapePath },
  });
  const again = await signer.sign(
    new HttpRequest({
      method: request.method,
      path,
      query,
      headers: Object.fromEntries(names.map((name) => [name, request.headers[name] ?? ''])),
      body: request.body,
    }),
    { signingDate: date, signableHeaders: new Set(names) },
  );
  const expected = /SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(again.headers.authorization);
  if (expected?.[1] !== signedHeaders || !equal(expected[2], signature)) {
    throw new SignatureError('InvalidSignatureException', 'the request signature we calculated does not match');
  }
  return { keys, region, service };
}

/**
 * Verifies a presigned URL: an IAM token of RDS or ElastiCache is one without its scheme.
 *
 * @throws SignatureError
 */
export async function verifyPresigned(token: string, issuer: KeyIssuer): Promise<Signer & { url: URL }> {
  let url: URL;
  try {
    url = new URL(`http://${token}`);
  } catch {
    throw new SignatureError('InvalidToken', 'not a presigned URL');
  }
  const parameter = (name: string) => {
    const values = url.searchParams.getAll(name);
    if (values.length !== 1)
      throw new SignatureError('InvalidToken', `${name} is there ${values.length} times, not once`);
    return values[0];
  };
  const { keys, region, service } = scope(parameter('X-Amz-Credential'), issuer);
  const date = signingDate(parameter('X-Amz-Date'));
  const expiresIn = Number(parameter('X-Amz-Expires'));
  if (!(expiresIn > 0 && expiresIn <= 900))
    throw new SignatureError('InvalidToken', `expires in ${expiresIn} s, not 1..900`);
  const age = Date.now() - date.getTime();
  if (age > expiresIn * 1000 || age < -maximumSkew) throw new SignatureError('ExpiredToken', 'the token has expired');
  if (parameter('X-Amz-Security-Token') !== keys.sessionToken) {
    throw new SignatureError('InvalidToken', 'the security token does not belong to the access key');
  }
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams) if (!name.startsWith('X-Amz-')) query[name] = value;
  const host = /^[^/]+/.exec(token)![0];
  const again = await new SignatureV4({ credentials: keys, region, service, sha256: Sha256 }).presign(
    new HttpRequest({ method: 'GET', hostname: host, path: url.pathname, query, headers: { host } }),
    { signingDate: date, expiresIn },
  );
  if (!equal(String(again.query?.['X-Amz-Signature']), parameter('X-Amz-Signature'))) {
    throw new SignatureError('InvalidSignatureException', 'the token signature we calculated does not match');
  }
  return { keys, region, service, url };
}

function scope(credential: string, issuer: KeyIssuer): Signer {
  const [accessKeyId, day, region, service, terminator] = credential.split('/');
  const keys = issuer.find(accessKeyId);
  if (!keys) throw new SignatureError('UnrecognizedClientException', 'the access key is none that was handed out');
  if (keys.expiration.getTime() < Date.now())
    throw new SignatureError('ExpiredTokenException', 'the keys have expired');
  if (!/^\d{8}$/.test(day) || terminator !== 'aws4_request') {
    throw new SignatureError('InvalidSignatureException', `malformed credential scope '${credential}'`);
  }
  return { keys, region, service };
}

function signingDate(text: string | undefined): Date {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  if (!parts) throw new SignatureError('InvalidSignatureException', `X-Amz-Date is '${text}', wanted YYYYMMDDTHHMMSSZ`);
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function splitTarget(target: string): [string, Record<string, string | string[]>] {
  const [path, search = ''] = target.split(/\?(.*)/s);
  const query: Record<string, string | string[]> = {};
  const parameters = new URLSearchParams(search);
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    query[name] = values.length === 1 ? values[0] : values;
  }
  return [path, query];
}

function equal(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
