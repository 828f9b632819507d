import { createHash, createHmac } from 'node:crypto';

/**
 * Signature Version 4 written from its specification (IAM user guide, "Create a signed AWS API request") and sharing no
 * code with the library that the gateway signs with.
 */
export interface WireRequest {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array | string;
}

export function isSignedBy(request: WireRequest, keys: { accessKeyId: string; secretAccessKey: string }): boolean {
  const header = String(request.headers.authorization);
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (!parts) return false;
  const [, accessKeyId, day, region, service, signedHeaders, signature] = parts;
  const [path, query = ''] = request.target.split('?');
  const canonical = [
    request.method,
    // Every service but S3 encodes the path as sent once more.
    path.split('/').map(uriEncode).join('/'),
    query.split('&').filter(Boolean).sort().join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    signedHeaders,
    sha256(request.body),
  ].join('\n');
  return (
    accessKeyId === keys.accessKeyId &&
    signature === sign(canonical, String(request.headers['x-amz-date']), { day, region, service }, keys.secretAccessKey)
  );
}

/** The same for a presigned URL without its scheme: `host/?query`. */
export function isPresignedBy(token: string, keys: { accessKeyId: string; secretAccessKey: string }): boolean {
  const [host, query] = token.split('/?');
  const pairs = query.split('&').map((pair) => pair.split('=') as [string, string]);
  const values = Object.fromEntries(pairs.map(([name, value]) => [name, decodeURIComponent(value)]));
  const [accessKeyId, day, region, service] = values['X-Amz-Credential'].split('/');
  const canonical = [
    'GET',
    '/',
    pairs
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('&'),
    `host:${host}`,
    '',
    'host',
    sha256(''),
  ].join('\n');
  return (
    accessKeyId === keys.accessKeyId &&
    values['X-Amz-SignedHeaders'] === 'host' &&
    values['X-Amz-Signature'] === sign(canonical, values['X-Amz-Date'], { day, region, service }, keys.secretAccessKey)
  );
}

function sign(
  canonical: string,
  date: string,
  scope: { day: string; region: string; service: string },
  secret: string,
) {
  const { day, region, service } = scope;
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (k, part) => hmac(k, part),
    `AWS4${secret}`,
  );
  return hmac(key, toSign).toString('hex');
}

const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
