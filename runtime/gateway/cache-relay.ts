import { once } from 'node:events';
import { createServer, Server, Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { describeError, Log } from './log';

export interface CacheRelayOptions {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly user: string;
  /** A token that is valid now. */
  readonly token: () => Promise<string>;
  readonly log: Log;
}

/** Far above what one task opens, far below ElastiCache's 65,000 for all tasks together. */
const MAX_CONNECTIONS = 512;
const CONNECT_TIMEOUT_MS = 10_000;
/** ElastiCache ends an IAM-authenticated connection after 12 hours; it is retired before, between two commands. */
const RETIRE_AFTER_MS = 11.5 * 3_600_000;
const RETIRE_AT_LATEST_MS = 11.9 * 3_600_000;
const RETIRE_CHECK_MS = 5_000;
const QUIET_MS = 200;
const MAX_AUTH_REPLY_BYTES = 4 * 1024;

/** Plain Redis for Letta on loopback; TLS and IAM authentication towards ElastiCache, one connection for each. */
export function createCacheRelay(options: CacheRelayOptions): Server {
  const server = createServer({ pauseOnConnect: true, keepAlive: true, noDelay: true }, (client) => {
    relay(client, options).catch((error: unknown) => {
      options.log.error('cache-connection-failed', { reason: describeError(error) });
      refuse(client, `the gateway could not reach the cache: ${describeError(error)}`);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () =>
    options.log.warn('cache-connection-refused', { reason: `more than ${MAX_CONNECTIONS} connections` }),
  );
  return server;
}

async function relay(client: Socket, options: CacheRelayOptions): Promise<void> {
  client.on('error', () => client.destroy());
  const upstream = await authenticatedConnection(options);
  if (client.destroyed) return void upstream.destroy();
  upstream.on('error', (error) => options.log.warn('cache-connection-lost', { reason: describeError(error) }));
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
  retireBeforeExpiry(client, upstream);
  client.pipe(upstream);
  upstream.pipe(client);
  client.resume();
}

/** @throws if the connection, the certificate or the authentication fails. */
async function authenticatedConnection({ host, port, ca, user, token }: CacheRelayOptions): Promise<TLSSocket> {
  const password = await token();
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

/** Closing is enough: Letta's Redis client connects anew, and then with a fresh token. */
function retireBeforeExpiry(client: Socket, upstream: Socket): void {
  const openedAt = Date.now();
  let lastAsked = 0;
  let lastAnswered = 0;
  client.on('data', () => (lastAsked = Date.now()));
  upstream.on('data', () => (lastAnswered = Date.now()));
  client.pause();
  const check = () => {
    if (mayRetire({ age: Date.now() - openedAt, lastAsked, lastAnswered }, Date.now())) client.destroy();
  };
  const first = setTimeout(() => {
    const timer = setInterval(check, RETIRE_CHECK_MS);
    client.once('close', () => clearInterval(timer));
  }, RETIRE_AFTER_MS);
  client.once('close', () => clearTimeout(first));
}

/** Between commands: the last thing on the connection was an answer, a moment ago. */
export function mayRetire(use: { age: number; lastAsked: number; lastAnswered: number }, now: number): boolean {
  if (use.age >= RETIRE_AT_LATEST_MS) return true;
  return use.age >= RETIRE_AFTER_MS && use.lastAnswered >= use.lastAsked && now - use.lastAnswered >= QUIET_MS;
}

export function respCommand(...parts: readonly string[]): string {
  return `*${parts.length}\r\n` + parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('');
}

function refuse(client: Socket, reason: string): void {
  if (client.destroyed) return;
  client.end(`-ERR ${reason.replace(/[\r\n]+/g, ' ').slice(0, 400)}\r\n`);
  // What the client has sent meanwhile is read and dropped, so that it gets the error and not a reset.
  client.resume();
  setTimeout(() => client.destroy(), 1_000).unref();
}
