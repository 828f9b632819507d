import { IncomingMessage, Server } from 'node:http';
import { Duplex } from 'node:stream';
import { boundedServer, sendJson } from './http-listener';
import { Log } from './log';

/** Where proxied clients are told that there is no way out. It answers at once: a silent drop holds Letta for minutes. */
export interface EgressProxy {
  readonly server: Server;
  /** Refused attempts since the start. */
  refused(): number;
}

const DETAIL =
  'this deployment has no way out: the gateway refuses every outgoing connection but those to Amazon Bedrock';

export function createEgressProxy(log: Log): EgressProxy {
  let refused = 0;
  const record = (request: IncomingMessage) => {
    refused += 1;
    log.warn('egress-refused', { method: request.method, destination: destinationOf(request), refused });
  };
  const server = boundedServer(
    (request, response) => {
      record(request);
      sendJson(response, 403, { detail: DETAIL }, { connection: 'close' });
    },
    { keepAliveSeconds: 5 },
  );
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    record(request);
    const body = JSON.stringify({ detail: DETAIL });
    // The client may hang up before it has read this.
    socket.on('error', () => undefined);
    socket.end(
      `HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  return { server, refused: () => refused };
}

/** Host and port only: a path or a query may hold what somebody tried to carry out. */
export function destinationOf({ method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>): string {
  const target = method === 'CONNECT' ? `http://${url}` : url;
  if (!URL.canParse(target)) return 'unknown';
  const { hostname, port, protocol } = new URL(target);
  const usual = method === 'CONNECT' || protocol === 'http:' ? '80' : '443';
  return hostname ? `${hostname}:${port || usual}`.slice(0, 260) : 'unknown';
}
