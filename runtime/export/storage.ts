import { createHash } from 'node:crypto';
import http from 'node:http';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { CredentialsProvider } from '../gateway/credentials';
import { Sha256 } from '../gateway/sha256';
import { HttpAnswer, httpCall, keptConnections } from './http-call';
import { RetryOptions, withRetries } from './retry';

export interface StorageOptions {
  readonly bucket: string;
  /** Without a slash at its end; may be empty. */
  readonly prefix: string;
  readonly region: string;
  readonly credentials: CredentialsProvider;
  /** PEM text of the authorities of AWS endpoints. */
  readonly ca: string;
  /** @default - S3's endpoint of the bucket */
  readonly endpoint?: URL;
  readonly retry?: Pick<RetryOptions, 'attempts' | 'firstDelay'>;
}

/** What is stored under a name. */
export interface StoredFile {
  /** Below the export's folder. */
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal SHA-256. */
  readonly sha256: string;
}

const IDLE_TIMEOUT = 60_000;
const LARGEST_LIST = 8 * 1024 * 1024;

/** The bucket's part that the exports are in. Three calls of S3 need no client of 2 MB. */
export class Storage {
  private readonly endpoint: URL;
  private readonly signer: SignatureV4;
  private readonly agent: http.Agent;

  constructor(private readonly options: StorageOptions) {
    const { bucket, region, credentials, ca } = options;
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    this.endpoint = options.endpoint ?? new URL(`https://${bucket}.s3.${region}.${suffix}`);
    this.agent = keptConnections(this.endpoint.protocol, ca);
    this.signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false });
  }

  /** Writes an object. A bucket with a lock takes it only with a checksum, which S3 compares. */
  async put(key: string, content: string | Uint8Array): Promise<Omit<StoredFile, 'name'>> {
    const body = typeof content === 'string' ? Buffer.from(content) : content;
    const digest = createHash('sha256').update(body).digest();
    const answer = await this.call('PUT', this.keyOf(key), {}, body, {
      'x-amz-checksum-sha256': digest.toString('base64'),
    });
    if (answer.status !== 200) throw new Error(`S3 answered ${answer.status} to PutObject ${key}${codeOf(answer)}`);
    return { bytes: body.byteLength, sha256: digest.toString('hex') };
  }

  /** @throws for an object that isn't there, or is longer */
  async get(key: string, maximum: number): Promise<Buffer> {
    const answer = await this.call('GET', this.keyOf(key), {}, undefined, {}, maximum);
    if (answer.status !== 200) throw new Error(`S3 answered ${answer.status} to GetObject ${key}${codeOf(answer)}`);
    return answer.body;
  }

  /** Names of the folders at the top, in their order. */
  folders(): Promise<string[]> {
    return this.list('', 'Prefix', '/');
  }

  async has(key: string): Promise<boolean> {
    return (await this.list(key, 'Key')).includes(key);
  }

  /** All names of the elements that a list has, without what they begin with in the bucket, and without a last slash. */
  private async list(beginning: string, element: 'Prefix' | 'Key', delimiter?: string): Promise<string[]> {
    const found: string[] = [];
    const prefix = this.keyOf(beginning);
    for (let token: string | undefined; ;) {
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        prefix,
        ...(delimiter && { delimiter }),
        ...(token && { 'continuation-token': token }),
      };
      const answer = await this.call('GET', '', query, undefined, {}, LARGEST_LIST);
      if (answer.status !== 200) throw new Error(`S3 answered ${answer.status} to ListObjectsV2${codeOf(answer)}`);
      const text = answer.body.toString('utf8');
      const outer = element === 'Prefix' ? 'CommonPrefixes' : 'Contents';
      for (const [, item] of text.matchAll(new RegExp(`<${outer}>(.*?)</${outer}>`, 'gs'))) {
        const name = valueOf(item, element);
        if (name === undefined) continue;
        const key = decodeURIComponent(name.replaceAll('+', ' '));
        found.push(key.slice(this.keyOf('').length).replace(/\/$/, ''));
      }
      token = valueOf(text, 'NextContinuationToken');
      if (token === undefined) return found.sort();
    }
  }

  private keyOf(name: string): string {
    const { prefix } = this.options;
    return prefix === '' ? name : `${prefix}/${name}`;
  }

  private call(
    method: string,
    key: string,
    query: Record<string, string>,
    body?: Uint8Array,
    headers: Record<string, string> = {},
    maximum = 1024 * 1024,
  ): Promise<HttpAnswer> {
    const { endpoint, signer, agent } = this;
    const path = `/${key.split('/').map(encode).join('/')}`;
    const url = new URL(path, endpoint);
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encode(value)}`)
      .join('&');
    const attempt = async () => {
      const unsigned = { method, path, query, body, headers: { ...headers, host: endpoint.host } };
      const signed = await signer.sign(new HttpRequest({ protocol: 'https:', ...unsigned }));
      return httpCall({ method, url, headers: signed.headers, body, agent, maximum, idleTimeout: IDLE_TIMEOUT });
    };
    return withRetries(attempt, { ...this.options.retry, repeatable: true });
  }
}

/** As Signature Version 4 wants it: all but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function valueOf(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1].replaceAll('&amp;', '&');
}

/** S3's own code, such as `AccessDenied`. */
function codeOf({ body }: HttpAnswer): string {
  const code = valueOf(body.toString('utf8'), 'Code');
  return code === undefined ? '' : ` (${code})`;
}
