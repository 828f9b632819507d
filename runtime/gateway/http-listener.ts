import { createServer, IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer, Socket } from 'node:net';

/** Above what a load balancer with many cookies or a long bearer token sends, far below what hurts. */
const MAX_HEADER_BYTES = 32 * 1024;

/** A server with bounds on what a client may send and how slowly; streams and long turns stay unbounded here. */
export function boundedServer(listener: RequestListener, options: { keepAliveSeconds: number }): Server {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAlive: true, noDelay: true }, listener);
  server.keepAliveTimeout = options.keepAliveSeconds * 1000;
  server.headersTimeout = 30_000;
  server.requestTimeout = 300_000;
  server.maxRequestsPerSocket = 0;
  trackUnused(server);
  return server;
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

function trackUnused(server: Server): void {
  const sockets = new Set<Socket>();
  unused.set(server, sockets);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
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
  const cut = setTimeout(() => server.closeAllConnections(), Math.max(0, withinMs));
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

export class BodyTooLarge extends Error {
  constructor(readonly limit: number) {
    super(`the body is larger than ${limit} bytes`);
  }
}

/** The whole body, or `BodyTooLarge`. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const payload = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': payload.length, ...headers });
  response.end(payload);
}
