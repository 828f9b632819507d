import { createHash } from 'node:crypto';
import { Account } from '../account';
import { AwsError, type FakeService, type SignedCall } from './service';

/** The one bucket of the lab. */
export const BUCKET = 'lab-exports';

/** The bucket is of the caller's account: `aws:ResourceAccount` (IAM user guide, "AWS global condition context keys"). */
const OWNER = { 'aws:ResourceAccount': Account.ID };

/** S3 as far as exports need it: a bucket with versions and a lock, reached by its own host name. */
export class FakeS3 implements FakeService {
  readonly host = `${BUCKET}.s3`;
  readonly signingName = 's3';
  /** Versions of each object, the newest last. Tests may change them, as no caller can. */
  readonly objects = new Map<string, Buffer[]>();

  keys(): string[] {
    return [...this.objects.keys()].sort();
  }

  async handle(call: SignedCall): Promise<void> {
    try {
      this.answer(call);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const code = error.code === 'AccessDeniedException' ? 'AccessDenied' : error.code;
      xml(call, error.status, `<Error><Code>${code}</Code><Message>${escape(error.message)}</Message></Error>`);
    }
  }

  private answer(call: SignedCall): void {
    const { method, target, headers, body } = call.request;
    const url = new URL(target, `https://${this.host}`);
    const key = decodeURIComponent(url.pathname.slice(1));
    const bodyHash = createHash('sha256').update(body);
    // SigV4 for S3 covers the body by this header alone.
    if (headers['x-amz-content-sha256'] !== bodyHash.copy().digest('hex')) {
      throw new AwsError('XAmzContentSHA256Mismatch', 'the header x-amz-content-sha256 is not that of the body');
    }
    if (method === 'GET' && key === '') return this.list(call, url.searchParams);
    const resource = `arn:${Account.PARTITION}:s3:::${BUCKET}/${key}`;
    if (method === 'GET') {
      call.authorize({ action: 's3:GetObject', resource, context: OWNER });
      const content = this.objects.get(key)?.at(-1);
      if (!content) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
      call.response.writeHead(200, { 'content-length': content.length }).end(content);
      return;
    }
    if (method !== 'PUT') throw new AwsError('MethodNotAllowed', `the lab's S3 does not know ${method}`, 405);
    call.authorize({ action: 's3:PutObject', resource, context: OWNER });
    const checksum = headers['x-amz-checksum-sha256'];
    if (checksum === undefined) {
      throw new AwsError(
        'InvalidRequest',
        'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
      );
    }
    if (checksum !== bodyHash.digest('base64')) throw new AwsError('BadDigest', 'the checksum is not that of the body');
    this.objects.set(key, [...(this.objects.get(key) ?? []), body]);
    call.response.writeHead(200).end();
  }

  private list(call: SignedCall, query: URLSearchParams): void {
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter');
    call.authorize({
      action: 's3:ListBucket',
      resource: `arn:${Account.PARTITION}:s3:::${BUCKET}`,
      context: { ...OWNER, 's3:prefix': prefix },
    });
    const found = this.keys().filter((key) => key.startsWith(prefix));
    const folded = found.map((key) => {
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      return end < 0 ? `<Contents><Key>${encode(key)}</Key></Contents>` : commonPrefix(key.slice(0, end + 1));
    });
    // Pages of two, so that whoever lists must go on.
    const all = [...new Set(folded)];
    const start = Number(query.get('continuation-token') ?? 0);
    const more = start + 2 < all.length ? `<NextContinuationToken>${start + 2}</NextContinuationToken>` : '';
    xml(
      call,
      200,
      `<ListBucketResult><Name>${BUCKET}</Name><Prefix>${encode(prefix)}</Prefix>${more}${all.slice(start, start + 2).join('')}</ListBucketResult>`,
    );
  }
}

function commonPrefix(prefix: string): string {
  return `<CommonPrefixes><Prefix>${encode(prefix)}</Prefix></CommonPrefixes>`;
}

function xml(call: SignedCall, status: number, text: string): void {
  call.response.writeHead(status, { 'content-type': 'application/xml' });
  call.response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
}

/** `encoding-type=url`. */
function encode(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
