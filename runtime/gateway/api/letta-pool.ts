import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import { DiagnosticsChannel, Pool } from 'undici';

/** Below uvicorn's keep-alive of 5 s, its default: never send on a connection that the server is about to close. */
const KEEP_ALIVE_MS = 4_000;

/** Connections to Letta, each used again and again until Letta fails on it. */
export function lettaPool(origin: string, idleTimeoutSeconds: number): Pool {
  closeAfterErrors(origin);
  return new Pool(origin, {
    connect: { timeout: 2_000 },
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: idleTimeoutSeconds * 1000,
    bodyTimeout: idleTimeoutSeconds * 1000,
  });
}

/**
 * Ends the connections on which Letta answered 5xx. When its code fails, uvicorn writes a whole answer that promises to
 * keep the connection, and closes it right after (`RequestResponseCycle.run_asgi`): a request sent in between is lost,
 * and nobody knows whether Letta has seen it. undici tells only its diagnostics channels which connection carries what.
 */
function closeAfterErrors(origin: string): void {
  const sockets = new WeakMap<DiagnosticsChannel.Request, Socket>();
  const failed = new WeakSet<DiagnosticsChannel.Request>();
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as DiagnosticsChannel.ClientSendHeadersMessage;
    if (request.origin === origin) sockets.set(request, socket);
  });
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as DiagnosticsChannel.RequestHeadersMessage;
    if (response.statusCode >= 500) failed.add(request);
  });
  subscribe('undici:request:trailers', (message) => {
    const { request } = message as DiagnosticsChannel.RequestTrailersMessage;
    if (failed.has(request)) sockets.get(request)?.destroy();
  });
}
