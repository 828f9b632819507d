import { randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';

/** Keys handed to one role, as STS would make them. */
export interface IssuedKeys {
  /** Logical id of the role in the template. */
  readonly role: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  /** Whether their holder is in the VPC and so goes through its endpoints. */
  readonly inVpc: boolean;
  /** ARN of the function whose execution environment has them: `lambda:SourceFunctionArn` of its calls. */
  readonly sourceFunction?: string;
}

/** Makes keys that expire, and knows all it ever made: the only keys the fake AWS accepts. */
export class KeyIssuer {
  private readonly keys = new Map<string, IssuedKeys>();

  /** @param lifetime seconds that new keys live; short ones show whether they are renewed */
  constructor(public lifetime = 900) {}

  issue(role: string, { inVpc = true, sourceFunction }: { inVpc?: boolean; sourceFunction?: string } = {}): IssuedKeys {
    const keys: IssuedKeys = {
      role,
      accessKeyId: `ASIA${randomBytes(10).toString('hex').toUpperCase().slice(0, 16)}`,
      secretAccessKey: randomBytes(30).toString('base64url'),
      sessionToken: randomBytes(300).toString('base64'),
      expiration: new Date(Date.now() + this.lifetime * 1000),
      inVpc,
      sourceFunction,
    };
    this.keys.set(keys.accessKeyId, keys);
    return keys;
  }

  find(accessKeyId: string): IssuedKeys | undefined {
    return this.keys.get(accessKeyId);
  }

  /** All secret parts handed out so far: none may ever be seen in a log. */
  secrets(): string[] {
    return [...this.keys.values()].flatMap((keys) => [keys.secretAccessKey, keys.sessionToken]);
  }
}

/** One request to the endpoint, as the tests want to know it. */
export interface CredentialRequest {
  readonly path: string;
  readonly status: number;
}

/** The endpoint on 169.254.170.2 that gives each task its role's keys at a path that nobody can guess. */
export class CredentialsEndpoint {
  private readonly roles = new Map<string, string>();
  readonly requests: CredentialRequest[] = [];
  /** Status that every request gets, while the endpoint fails. */
  failure?: number;
  private server?: http.Server;

  constructor(private readonly issuer: KeyIssuer) {}

  async start(address: string): Promise<void> {
    this.server = http.createServer((request, response) => {
      const path = request.url ?? '';
      const role = request.method === 'GET' ? this.roles.get(path) : undefined;
      const status = this.failure ?? (role === undefined ? 404 : 200);
      this.requests.push({ path, status });
      response.writeHead(status, { 'content-type': 'application/json' });
      const refusal = { message: this.failure ? 'the lab fails' : 'no such credentials' };
      response.end(JSON.stringify(status === 200 ? answer(this.issuer, role!) : refusal));
    });
    await new Promise<void>((resolve, reject) =>
      this.server!.once('error', reject).listen(80, address, () => resolve()),
    );
  }

  /** A new path that answers with this role's keys: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` of one task. */
  register(role: string): string {
    const path = `/v2/credentials/${randomUUID()}`;
    this.roles.set(path, role);
    return path;
  }

  /** The task is gone, its path answers no more. */
  forget(path: string): void {
    this.roles.delete(path);
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }
}

function answer(issuer: KeyIssuer, role: string) {
  const keys = issuer.issue(role);
  return {
    RoleArn: `arn:aws:iam::111122223333:role/${role}`,
    AccessKeyId: keys.accessKeyId,
    SecretAccessKey: keys.secretAccessKey,
    Token: keys.sessionToken,
    Expiration: keys.expiration.toISOString(),
  };
}
