import { createServer, IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as NetServer, Socket } from 'node:net';
import { flawOf, refuseMalformed, TellMalformed } from './malformed-request';
import type { TlsIdentity } from './self-signed-certificate';

/** Above what a load balancer with many cookies or a long bearer token sends, far below what hurts. */
const MAX_HEADER_BYTES = 32 * 1024;

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Requests of one connection that may wait for their turn; clients that pipeline at all send a few at once. */
const MAX_PIPELINED = 100;

/** What one client may take, in milliseconds. */
export interface ClientTimeouts {
  readonly headersMs: number;
  /** For the whole request, its body included. */
  readonly requestMs: number;
  /** How often Node looks: what is late is cut so much later at most. */
  readonly checkMs: number;
}

const CLIENT_TIMEOUTS: ClientTimeouts = { headersMs: 30_000, requestMs: 300_000, checkMs: 5_000 };

export interface BoundedServerOptions {
  readonly keepAliveSeconds: number;
  /** Unset: plain HTTP. */
  readonly tls?: TlsIdentity;
  /** How a client is told that its request is none. @default - `{"detail": …}` */
  readonly malformed?: TellMalformed;
  /** @default - 30 s for the headers, 300 s for the request, looked at every 5 s */
  readonly timeouts?: ClientTimeouts;
}

/** A server with bounds on what a client may send and how slowly; streams and long turns stay unbounded here. */
export function boundedServer(
  listener: RequestListener,
  {
    keepAliveSeconds,
    tls,
    malformed = ({ reason }) => ({ body: { detail: reason } }),
    timeouts = CLIENT_TIMEOUTS,
  }: BoundedServerOptions,
): Server {
  const bounds = {
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAlive: true,
    noDelay: true,
    // Node would answer with an empty 400.
    requireHostHeader: false,
    connectionsCheckingInterval: timeouts.checkMs,
  };
  const inFlight: InFlight = new WeakMap();
  const handle = inTurn(wellFormed(listener, malformed), inFlight);
  const server = tls
    ? createTlsServer({ ...bounds, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, handle)
    : createServer(bounds, handle);
  server.keepAliveTimeout = keepAliveSeconds * 1000;
  server.headersTimeout = timeouts.headersMs;
  server.requestTimeout = timeouts.requestMs;
  server.maxRequestsPerSocket = 0;
  trackUnused(server, tls ? 'secureConnection' : 'connection');
  refuseMalformed(server, malformed, (socket) => inFlight.get(socket as Socket));
  // Node would answer an expectation it does not know with an empty 417.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return server;
}

function wellFormed(listener: RequestListener, malformed: TellMalformed): RequestListener {
  return (request, response) => {
    const flaw = flawOf(request);
    if (flaw === undefined) return void listener(request, response);
    const { headers, body } = malformed(flaw);
    sendJson(response, flaw.status, body, { connection: 'close', ...headers }, request);
  };
}

type Waiting = readonly [IncomingMessage, ServerResponse];

/** Of each connection: the response to the request that its listener has. */
type InFlight = WeakMap<Socket, ServerResponse>;

/**
 * Hands over the requests of one connection one after the other. Node hands over all that it has parsed at once: a
 * client that pipelines thousands would have them all in flight, before everybody else's. A response also has no
 * `close` event while it waits behind another one.
 */
function inTurn(listener: RequestListener, inFlight: InFlight): RequestListener {
  /** Of each connection whose client pipelines: the requests behind the one in flight. */
  const lines = new WeakMap<Socket, Waiting[]>();
  const begin = (socket: Socket, request: IncomingMessage, response: ServerResponse) => {
    inFlight.set(socket, response);
    response.once('close', () => next(socket));
    listener(request, response);
  };
  const next = (socket: Socket) => {
    inFlight.delete(socket);
    const waiting = socket.destroyed ? undefined : lines.get(socket)?.shift();
    if (waiting) begin(socket, ...waiting);
  };
  return (request, response) => {
    const { socket } = request;
    if (!inFlight.has(socket)) return void begin(socket, request, response);
    const line = lines.get(socket);
    if (line === undefined) return void lines.set(socket, [[request, response]]);
    // The answer to the last one that waits says that no more will come.
    if (line.length === MAX_PIPELINED) line.at(-1)![1].setHeader('connection', 'close');
    else line.push([request, response]);
  };
}

export function listen(server: NetServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** What a request that was on its way when the drain began gets to arrive. */
const ARRIVAL_MS = 1_000;

/** Connections that have not sent a request yet: Node counts them as busy, and a load balancer keeps some open. */
const unused = new WeakMap<Server, Set<Socket>>();
/** Every connection, also one in the middle of its TLS handshake, of which the HTTP server knows nothing. */
const connections = new WeakMap<Server, Set<Socket>>();

/** @param ready the event that hands over the socket a request will come on: with TLS it is not the TCP connection */
function trackUnused(server: Server, ready: 'connection' | 'secureConnection'): void {
  const track = (sockets: Set<Socket>) => (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const [all, sockets] = [new Set<Socket>(), new Set<Socket>()];
  connections.set(server, all);
  unused.set(server, sockets);
  server.on('connection', track(all));
  server.on(ready, track(sockets));
  server.on('request', ({ socket }: IncomingMessage) => sockets.delete(socket));
}

/** Stops accepting, lets what is in flight finish until the deadline, then cuts it. */
export async function drain(server: Server, withinMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const began = Date.now();
  server.closeIdleConnections();
  // A keep-alive connection turns idle only after its answer: without this each would hold the drain to the deadline.
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    if (Date.now() - began >= ARRIVAL_MS) unused.get(server)?.forEach((socket) => socket.destroy());
  }, 100);
  const cut = setTimeout(
    () => {
      server.closeAllConnections();
      connections.get(server)?.forEach((socket) => socket.destroy());
    },
    Math.max(0, withinMs),
  );
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

export class BodyTooLarge extends Error {
  constructor(readonly limit: number) {
    super(`the body is larger than ${limit} bytes`);
  }
}

/** Whether a body that is not empty, or may turn out not to be, comes with the request. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The whole body. @throws BodyTooLarge, or an error if the client breaks off; the request is not destroyed. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(new BodyTooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      request.off('data', take).pause();
      reject(new BodyTooLarge(limit));
    };
    request.on('data', take);
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the client broke off in its body')));
  });
}

/** A body that nobody wants is read and dropped up to here, and no longer than that, before its connection is closed. */
const DROPPED_BODY_BYTES = 64 * 1024 * 1024;
const DROPPED_BODY_MS = 10_000;
/** A client that is silent for so long has seen the answer, or never will. */
const DROPPED_BODY_SILENCE_MS = 1_000;
/** Node drops a rest of this size by itself and keeps the connection. */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * @param unread request whose body may not have been read. A connection that is closed while its client still sends is
 * reset, and the client never sees the answer: so the rest of a large body is dropped first, within bounds.
 */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  unread?: IncomingMessage,
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const payload = Buffer.from(JSON.stringify(body));
  const lingers = unread !== undefined && hasLargeRest(unread);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': payload.length,
    ...(lingers && { connection: 'close' }),
    ...headers,
  });
  if (!lingers) return void response.end(payload);
  response.write(payload);
  dropBody(unread, () => response.end());
}

function hasLargeRest({ headers, readableEnded, destroyed }: IncomingMessage): boolean {
  if (readableEnded || destroyed) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > SMALL_BODY_BYTES;
}

function dropBody(request: IncomingMessage, done: () => void): void {
  let dropped = 0;
  const finish = () => {
    clearTimeout(deadline);
    clearTimeout(silence);
    done();
  };
  const deadline = setTimeout(finish, DROPPED_BODY_MS);
  const silence = setTimeout(finish, DROPPED_BODY_SILENCE_MS);
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > DROPPED_BODY_BYTES) finish();
    else silence.refresh();
  });
  request.once('end', finish).once('close', finish).on('error', finish);
  request.resume();
}
