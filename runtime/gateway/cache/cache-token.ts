import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { CredentialsProvider } from '../credentials';
import { Sha256 } from '../sha256';

export interface CacheIdentity {
  /** Replication group id: ElastiCache's tokens name the group, not its endpoint. */
  readonly name: string;
  readonly user: string;
  readonly region: string;
}

/** What ElastiCache accepts at most (ElastiCache user guide, "Authenticating with IAM"). */
const LIFETIME_SECONDS = 900;

/** An ElastiCache IAM token: a presigned `GET http://<group>/?Action=connect&User=<user>` without its scheme. */
export async function cacheToken(
  { name, user, region }: CacheIdentity,
  credentials: CredentialsProvider,
  date = new Date(),
): Promise<string> {
  const signer = new SignatureV4({ service: 'elasticache', region, credentials, sha256: Sha256 });
  const request = new HttpRequest({
    method: 'GET',
    protocol: 'http:',
    hostname: name,
    path: '/',
    query: { Action: 'connect', User: user },
    headers: { host: name },
  });
  const { query } = await signer.presign(request, { expiresIn: LIFETIME_SECONDS, signingDate: date });
  const pairs = Object.entries(query ?? {}).map(
    ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`,
  );
  return `${name}/?${pairs.join('&')}`;
}
