import type { TLSSocket } from 'node:tls';
import tls from 'node:tls';
import type { AwsRecord } from './aws-record';
import { verifyConnectToken } from './connect-token';
import type { KeyIssuer } from './credentials';
import type { Redis } from './redis';

export interface ElastiCacheFrontOptions {
  readonly replicationGroupId: string;
  readonly redis: Redis;
  readonly issuer: KeyIssuer;
  readonly record: AwsRecord;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** One connection as the tests want to know it. */
export interface CacheConnection {
  readonly user: string;
  readonly role: string;
  readonly protocol: string | null;
}

/**
 * Stands where ElastiCache's endpoint would: TLS only, and the first command must be AUTH with an IAM token, which it
 * verifies (ElastiCache user guide, "Authenticating with IAM") before it joins the client with the real Redis.
 */
export class ElastiCacheFront {
  readonly connections: CacheConnection[] = [];
  /** Connections that asked for plaintext or did not log in. */
  readonly refused: string[] = [];
  private server?: tls.Server;
  private readonly open = new Set<TLSSocket>();

  constructor(private readonly options: ElastiCacheFrontOptions) {}

  async start(address: string, port: number): Promise<void> {
    this.server = tls.createServer({ ...this.options.tls, minVersion: 'TLSv1.2' }, (client) => {
      this.open.add(client);
      client.on('close', () => this.open.delete(client));
      client.on('error', () => client.destroy());
      this.serve(client).catch((error: Error) => this.refuse(client, error.message));
    });
    this.server.on('tlsClientError', (error) => this.refused.push(`no TLS: ${error.message}`));
    await new Promise<void>((resolve, reject) =>
      this.server!.once('error', reject).listen(port, address, () => resolve()),
    );
  }

  stop(): void {
    for (const client of this.open) client.destroy();
    this.server?.close();
  }

  private async serve(client: TLSSocket): Promise<void> {
    const [name, user, token] = await firstCommand(client);
    if (name?.toUpperCase() !== 'AUTH' || token === undefined) throw new Error('NOAUTH Authentication required.');
    const role = await this.verify(user, token);
    const upstream = await this.options.redis.connect(user);
    this.connections.push({ user, role, protocol: client.getProtocol() });
    client.write('+OK\r\n');
    client.pipe(upstream).pipe(client);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.resume();
  }

  private verify(user: string, token: string): Promise<string> {
    const { replicationGroupId, issuer, record } = this.options;
    return verifyConnectToken(token, {
      to: 'elasticache',
      service: 'elasticache',
      action: 'elasticache:Connect',
      host: replicationGroupId,
      user: ['User', user],
      resources: [`replicationgroup:${replicationGroupId}`, `user:${user}`],
      ...{ issuer, record },
    }).catch(() => {
      throw new Error('WRONGPASS invalid username-password pair or user is disabled.');
    });
  }

  private refuse(client: TLSSocket, reason: string): void {
    this.refused.push(reason);
    client.end(`-${reason}\r\n`);
  }
}

/** Reads one RESP command and leaves the socket paused; what follows it stays unread. */
function firstCommand(client: TLSSocket): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let buffer = Buffer.alloc(0);
    const timer = setTimeout(() => reject(new Error('ERR no command in 10 s')), 10_000);
    client.once('close', () => clearTimeout(timer));
    const read = (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      const parsed = parseCommand(buffer);
      if (!parsed && buffer.length < 16_384) return;
      clearTimeout(timer);
      client.off('data', read).pause();
      if (!parsed) return reject(new Error('ERR the first command is no RESP array'));
      client.unshift(buffer.subarray(parsed.length));
      resolve(parsed.parts);
    };
    client.on('data', read);
  });
}

function parseCommand(buffer: Buffer): { parts: string[]; length: number } | undefined {
  const text = buffer.toString('latin1');
  const count = /^\*(\d+)\r\n/.exec(text);
  if (!count) return undefined;
  let position = count[0].length;
  const parts: string[] = [];
  for (let index = 0; index < Number(count[1]); index++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(position));
    if (!size) return undefined;
    position += size[0].length;
    if (text.length < position + Number(size[1]) + 2) return undefined;
    parts.push(text.slice(position, position + Number(size[1])));
    position += Number(size[1]) + 2;
  }
  return { parts, length: position };
}
