import { once } from 'node:events';
import { createServer, Server, Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { CacheLifetime, CacheSession, ELASTICACHE_LIFETIME } from './cache-session';
import { within } from '../deadline';
import { describeError, Log } from '../log';
import { respCommand } from './resp-framing';

export interface CacheRelayOptions {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly user: string;
  /** A token that is valid now. */
  readonly token: () => Promise<string>;
  /** @default - what ElastiCache allows */
  readonly lifetime?: CacheLifetime;
  readonly log: Log;
}

/** Far above what one task opens, far below ElastiCache's 65,000 for all tasks together. */
const MAX_CONNECTIONS = 512;
/** Those that wait for the cache: while it is down each takes its ten seconds. */
const MAX_WAITING = 128;
/** Beyond this many, refused ones included, clients are hung up on without a word. */
const MAX_SOCKETS = 2 * MAX_CONNECTIONS;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_AUTH_REPLY_BYTES = 4 * 1024;

/** Plain Redis for Letta on loopback; TLS and IAM authentication towards ElastiCache, one connection for each. */
export function createCacheRelay(options: CacheRelayOptions): Server {
  const { log, lifetime = ELASTICACHE_LIFETIME } = options;
  const sessions = new Set<CacheSession>();
  let waiting = 0;

  const relay = async (client: Socket): Promise<void> => {
    client.on('error', () => client.destroy());
    const excess = sessions.size + waiting >= MAX_CONNECTIONS ? `${MAX_CONNECTIONS} connections are open` : undefined;
    const reason = excess ?? (waiting >= MAX_WAITING ? `${MAX_WAITING} connections wait for the cache` : undefined);
    if (reason !== undefined) {
      log.warn('cache-connection-refused', { reason });
      return refuse(client, `max number of clients reached: ${reason}`);
    }
    waiting += 1;
    const upstream = await authenticatedConnection(options).finally(() => (waiting -= 1));
    if (client.destroyed) return void upstream.destroy();
    upstream.on('error', (error) => log.warn('cache-connection-lost', { reason: describeError(error) }));
    const session = new CacheSession({
      client,
      upstream,
      authentication: async () => respCommand('AUTH', options.user, await options.token()),
      lifetime,
      log,
      refuse: (why) => {
        log.warn('cache-connection-refused', { reason: why });
        refuse(client, why);
      },
    });
    sessions.add(session);
    client.once('close', () => sessions.delete(session));
  };

  const server = createServer({ pauseOnConnect: true, keepAlive: true, noDelay: true }, (client) => {
    relay(client).catch((error: unknown) => {
      log.error('cache-connection-failed', { reason: describeError(error) });
      refuse(client, `the gateway could not reach the cache: ${describeError(error)}`);
    });
  });
  server.maxConnections = MAX_SOCKETS;
  server.on('drop', () => log.warn('cache-connection-refused', { reason: `${MAX_SOCKETS} clients are connected` }));
  const timer = setInterval(() => sessions.forEach((session) => session.check()), lifetime.checkEveryMs).unref();
  server.once('close', () => clearInterval(timer));
  return server;
}

/** @throws if the connection, the certificate or the authentication fails. */
async function authenticatedConnection({ host, port, ca, user, token }: CacheRelayOptions): Promise<TLSSocket> {
  const password = await within(CONNECT_TIMEOUT_MS, token(), 'no token could be made in time');
  const upstream = connect({ host, port, ca, servername: host, minVersion: 'TLSv1.2' });
  // There for the socket's whole life: an error that nobody listens to would end the process.
  upstream.on('error', () => upstream.destroy());
  upstream.setNoDelay(true);
  upstream.setKeepAlive(true, 60_000);
  const timer = setTimeout(() => upstream.destroy(new Error('the cache did not answer in time')), CONNECT_TIMEOUT_MS);
  try {
    await once(upstream, 'secureConnect');
    upstream.write(respCommand('AUTH', user, password));
    const reply = await readLine(upstream);
    if (reply !== '+OK') throw new Error(`the cache refused user ${user}: ${reply.slice(0, 200)}`);
    return upstream;
  } catch (error) {
    upstream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The first line, without its end; leaves the socket paused. */
function readLine(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = Buffer.alloc(0);
    const end = (settle: () => void) => {
      socket.off('data', read).off('close', closed).pause();
      settle();
    };
    const closed = () => end(() => reject(new Error('the cache closed the connection before authentication')));
    const read = (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length > MAX_AUTH_REPLY_BYTES) end(() => reject(new Error('the cache did not answer AUTH in RESP')));
      else if (reply.includes('\r\n')) end(() => resolve(reply.toString('latin1').trimEnd()));
    };
    socket.on('data', read).once('close', closed);
  });
}

function refuse(client: Socket, reason: string): void {
  if (client.destroyed) return;
  client.end(`-ERR ${reason.replace(/[\r\n]+/g, ' ').slice(0, 400)}\r\n`);
  // What the client has sent meanwhile is read and dropped, so that it gets the error and not a reset.
  client.resume();
  setTimeout(() => client.destroy(), 1_000).unref();
}
