import net from 'node:net';
import tls from 'node:tls';
import type { AwsRecord } from './aws-record';
import { verifyConnectToken } from './connect-token';
import type { KeyIssuer } from './credentials';

export interface RdsFrontOptions {
  /** Host name and port that tokens must be signed for. */
  readonly host: string;
  readonly port: number;
  /** `DbiResourceId` of the instance. */
  readonly resourceId: string;
  /** The real server: on loopback, and it lets members of rds_iam in without a password. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Whether a database user is a member of rds_iam and so needs a token. */
  readonly needsToken: (user: string) => Promise<boolean>;
  readonly issuer: KeyIssuer;
  readonly record: AwsRecord;
  readonly tls: { readonly key: string; readonly cert: string };
}

/** One session as the tests want to know it. */
export interface DatabaseSession {
  readonly user: string;
  readonly database: string;
  readonly protocol: string | null;
  /** Role whose token was verified; none for a user that logged in by password. */
  readonly role?: string;
  readonly at: number;
}

const sslRequest = 80877103;
const protocolVersion3 = 196608;

/**
 * Stands where RDS's endpoint would: plaintext is refused, members of rds_iam log in with an IAM token that is verified
 * here (RDS user guide, "IAM database authentication"), and everybody else passes through to the server's own login.
 */
export class RdsFront {
  readonly sessions: DatabaseSession[] = [];
  readonly refused: string[] = [];
  private server?: net.Server;
  private readonly open = new Set<net.Socket>();

  constructor(private readonly options: RdsFrontOptions) {}

  async start(address: string): Promise<void> {
    this.server = net.createServer((client) => {
      this.open.add(client);
      client.on('close', () => this.open.delete(client));
      client.on('error', () => client.destroy());
      this.accept(client).catch((error: Error) => {
        this.refused.push(error.message);
        client.destroy();
      });
    });
    await new Promise<void>((resolve, reject) =>
      this.server!.once('error', reject).listen(this.options.port, address, () => resolve()),
    );
  }

  stop(): void {
    for (const client of this.open) client.destroy();
    this.server?.close();
  }

  private async accept(client: net.Socket): Promise<void> {
    const request = await new Reader(client).take((buffer) => startLength(buffer));
    if (request.readInt32BE(4) !== sslRequest) {
      client.write(errorResponse('28000', 'no pg_hba.conf entry for host, no encryption'));
      throw new Error('a client asked for a session without TLS');
    }
    client.write('S');
    const secure = new tls.TLSSocket(client, { isServer: true, ...this.options.tls, minVersion: 'TLSv1.2' });
    secure.on('error', () => client.destroy());
    await this.serve(secure);
  }

  private async serve(client: tls.TLSSocket): Promise<void> {
    const reader = new Reader(client);
    const startup = await reader.take((buffer) => startLength(buffer));
    if (startup.readInt32BE(4) !== protocolVersion3) return this.passOn(client, startup);
    const { user = '', database = user } = parameters(startup);
    let role: string | undefined;
    if (await this.options.needsToken(user)) {
      client.write(message('R', int32(3)));
      const password = await reader.take((buffer) => (buffer.length < 5 ? undefined : 1 + buffer.readInt32BE(1)));
      const token = password.subarray(5, password.length - 1).toString();
      try {
        role = await this.verify(user, token);
      } catch (error) {
        client.end(errorResponse('28000', `PAM authentication failed for user "${user}"`));
        throw error;
      }
    }
    this.sessions.push({ user, database, protocol: client.getProtocol(), role, at: Date.now() });
    await this.passOn(client, startup);
  }

  /** Joins the client with the real server, over TLS. */
  private async passOn(client: tls.TLSSocket, startup: Buffer): Promise<void> {
    const plain = net.connect(this.options.upstream.port, this.options.upstream.host);
    plain.on('error', () => client.destroy());
    plain.write(Buffer.concat([int32(8), int32(sslRequest)]));
    const answer = await new Reader(plain).take(() => 1);
    if (answer.toString() !== 'S') throw new Error('the real Postgres offers no TLS');
    const upstream = tls.connect({ socket: plain, rejectUnauthorized: false });
    upstream.write(startup);
    upstream.pipe(client);
    client.pipe(upstream);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.resume();
  }

  private verify(user: string, token: string): Promise<string> {
    const { host, port, resourceId, issuer, record } = this.options;
    return verifyConnectToken(token, {
      to: 'rds',
      service: 'rds-db',
      action: 'rds-db:connect',
      host: `${host}:${port}`,
      user: ['DBUser', user],
      resources: [`dbuser:${resourceId}/${user}`],
      ...{ issuer, record },
    });
  }
}

/** Takes whole messages from a socket and leaves the rest unread and the socket paused. */
class Reader {
  constructor(private readonly socket: net.Socket) {}

  take(length: (buffer: Buffer) => number | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let buffer = Buffer.alloc(0);
      const done = (settle: () => void) => {
        clearTimeout(timer);
        this.socket.off('data', read).off('close', closed).pause();
        settle();
      };
      const timer = setTimeout(() => done(() => reject(new Error('a database client said nothing for 15 s'))), 15_000);
      const closed = () => done(() => reject(new Error('a database client went away before it had logged in')));
      const read = (chunk: Buffer) => {
        buffer = Buffer.concat([buffer, chunk]);
        const wanted = length(buffer);
        if (wanted === undefined || buffer.length < wanted) return;
        done(() => {
          if (buffer.length > wanted) this.socket.unshift(buffer.subarray(wanted));
          resolve(buffer.subarray(0, wanted));
        });
      };
      this.socket.on('data', read).on('close', closed);
      this.socket.resume();
    });
  }
}

/** Length of a message without a type: the first of a connection. */
function startLength(buffer: Buffer): number | undefined {
  return buffer.length < 8 ? undefined : buffer.readInt32BE(0);
}

function parameters(startup: Buffer): Record<string, string> {
  const parts = startup.subarray(8).toString().split('\0');
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < parts.length && parts[index]; index += 2) found[parts[index]] = parts[index + 1];
  return found;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function errorResponse(code: string, text: string): Buffer {
  return message('E', Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}
