import { mkdtempSync, rmSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCacheRelay } from '../../../../runtime/gateway/cache/cache-relay';
import { CacheLifetime } from '../../../../runtime/gateway/cache/cache-session';
import { respCommand } from '../../../../runtime/gateway/cache/resp-framing';
import {
  Authority,
  createAuthority,
  createServerCertificate,
  ServerCertificate,
} from '../../../lab/parts/certificates';
import { close, listening, recordingLog } from '../support';
import { startSmallRedis } from './small-redis';

export interface RelaySettings {
  readonly certificate?: ServerCertificate;
  readonly ca?: string;
  readonly lifetime?: CacheLifetime;
  readonly token?: (nth: number) => Promise<string>;
}

/** A relay before a small Redis with TLS. All that is made in a test is ended by `end`. */
export class CacheStand {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'cache-relay-'));
  private readonly toEnd: (() => unknown)[] = [];
  private authority!: Authority;
  private certificate!: ServerCertificate;

  async make(): Promise<void> {
    this.authority = await createAuthority(this.folder);
    this.certificate = await this.certificateOf('localhost');
  }

  certificateOf(host: string): Promise<ServerCertificate> {
    return createServerCertificate(this.folder, this.authority, [host]);
  }

  async otherAuthority(): Promise<string> {
    return (await createAuthority(this.folder, 'other')).cert;
  }

  /** The n-th token is `token-n`. */
  async relay({ certificate = this.certificate, ca = this.authority.cert, lifetime, token }: RelaySettings = {}) {
    const redis = await startSmallRedis(certificate);
    const log = recordingLog();
    let tokens = 0;
    const relay = await listening(
      createCacheRelay({
        host: 'localhost',
        port: redis.port,
        ca,
        user: 'letta',
        token: async () => (token ?? (async (nth) => `token-${nth}`))((tokens += 1)),
        lifetime,
        log,
      }),
    );
    this.toEnd.push(
      () => redis.stop(),
      () => close(relay.server),
    );
    return { relay, redis, log };
  }

  client(port: number): {
    socket: Socket;
    received: () => string;
    closed: () => boolean;
    ask: (...words: string[]) => void;
  } {
    let text = '';
    let closed = false;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.on('close', () => (closed = true));
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    this.toEnd.unshift(() => socket.destroy());
    const ask = (...words: string[]) => void socket.write(respCommand(...words));
    return { socket, received: () => text, closed: () => closed, ask };
  }

  async end(): Promise<void> {
    for (const end of this.toEnd.splice(0)) await end();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
