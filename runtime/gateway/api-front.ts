import { randomUUID } from 'node:crypto';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { Dispatcher } from 'undici';
import { RouteGroup } from '../contract';
import { ApiPassword, presentedPassword } from './api-password';
import { corsHeaders, isPreflight, preflightHeaders } from './cors';
import { acceptedRequestId, requestHeadersForLetta, responseHeadersForClient } from './forwarded-headers';
import { BodyTooLarge, boundedServer, sendJson } from './http-listener';
import { describeError, Log } from './log';
import { relayResponse } from './relay-response';
import { parseRequestTarget, RequestTarget } from './request-target';
import { judgeRoute } from './route-verdicts';

export interface ApiFrontOptions {
  readonly letta: Dispatcher;
  readonly password: ApiPassword;
  readonly openRoutes: ReadonlySet<RouteGroup>;
  readonly corsOrigins: ReadonlySet<string>;
  readonly idleTimeoutSeconds: number;
  readonly log: Log;
}

/** Letta takes files of up to 50 MB (`letta/constants.py`), plus the multipart frame around them. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** A refused request's body up to here is read and dropped; above, the connection is closed instead. */
const DROPPED_BODY_BYTES = 64 * 1024;

/** What the access log says besides method, path, status and times. */
interface Exchange {
  readonly requestId: string;
  readonly cors: Record<string, string>;
  route?: string;
  failure?: string;
}

/** The only way in: password, route rules, then Letta, byte for byte. */
export function createApiFront(options: ApiFrontOptions): Server {
  // A connection that we close first while the load balancer sends a request on it is a 502 for its caller.
  const keepAliveSeconds = options.idleTimeoutSeconds + 60;
  const server = boundedServer(
    (request, response) => {
      const exchange: Exchange = {
        requestId: acceptedRequestId(request.headers) ?? randomUUID(),
        cors: corsHeaders(request.headers, options.corsOrigins),
      };
      logWhenDone(request, response, exchange, options.log);
      handle(request, response, exchange, options).catch((error: unknown) => {
        exchange.failure = describeError(error);
        refuse(request, response, exchange, 500, 'the gateway failed on this request');
      });
    },
    { keepAliveSeconds },
  );
  // A peer that vanished without a word would otherwise hold its stream for ever.
  server.timeout = keepAliveSeconds * 1000;
  return server;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  options: ApiFrontOptions,
) {
  const method = request.method ?? '';
  const parsed = parseRequestTarget(request.url ?? '');
  const target = 'target' in parsed ? parsed.target : undefined;

  if (isPreflight(method, request.headers)) {
    const headers = preflightHeaders(request.headers, options.corsOrigins);
    if (!headers)
      return refuse(request, response, exchange, 403, 'this origin is not one of the LettaService prop `corsOrigins`');
    response.writeHead(204, { ...headers, 'x-request-id': exchange.requestId });
    return void response.end();
  }
  if (!(target && isHealth(method, target)) && !(await options.password.accepts(presentedPassword(request.headers)))) {
    return refuse(request, response, exchange, 401, 'Unauthorized', { 'www-authenticate': 'Bearer' });
  }
  if (!target)
    return refuse(request, response, exchange, 400, 'problem' in parsed ? parsed.problem : 'malformed request');

  const verdict = judgeRoute(method, target.segments, options.openRoutes);
  exchange.route = verdict.route;
  if (!verdict.allowed) return refuse(request, response, exchange, verdict.status, verdict.detail);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return refuseBody(request, response, exchange);
  return forward(request, response, exchange, target, options);
}

function isHealth(method: string, target: RequestTarget): boolean {
  return method === 'GET' && (target.path === '/v1/health/' || target.path === '/v1/health');
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  target: RequestTarget,
  { letta }: ApiFrontOptions,
): Promise<void> {
  const dispatch: Dispatcher.DispatchOptions = {
    method: request.method as Dispatcher.HttpMethod,
    path: target.raw,
    headers: requestHeadersForLetta(request.headers, exchange.requestId),
    body: bodyOf(request),
  };
  return relayResponse(letta, dispatch, response, {
    headers: (upstream) => ({
      ...responseHeadersForClient(upstream),
      ...exchange.cors,
      'x-request-id': exchange.requestId,
    }),
    brokenOff: (error) => (exchange.failure = describeError(error)),
    unanswered: (error) => {
      exchange.failure = describeError(error);
      if (error instanceof BodyTooLarge) return refuseBody(request, response, exchange);
      const { status, detail } = upstreamFailure(error);
      refuse(request, response, exchange, status, detail, status === 503 ? { 'retry-after': '5' } : {});
    },
  });
}

function bodyOf(request: IncomingMessage): Dispatcher.DispatchOptions['body'] {
  if (request.headers['transfer-encoding'] === undefined) {
    return Number(request.headers['content-length'] ?? 0) > 0 ? request : null;
  }
  const limited = sizeLimit(MAX_BODY_BYTES);
  // Either may still fail after the dispatcher has let go of it; an error that nobody listens to would end the process.
  request.on('error', () => limited.destroy());
  limited.on('error', () => request.unpipe(limited));
  return request.pipe(limited);
}

function sizeLimit(limit: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > limit) done(new BodyTooLarge(limit));
      else done(null, chunk);
    },
  });
}

function upstreamFailure(error: Error): { status: number; detail: string } {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { status: 503, detail: 'the Letta server is not answering: it is starting or restarting' };
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return {
      status: 504,
      detail: 'the Letta server stayed silent for longer than the LettaService prop `idleTimeout`',
    };
  }
  return { status: 502, detail: 'the Letta server broke off without an answer' };
}

function refuseBody(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
  refuse(request, response, exchange, 413, `the body is larger than ${MAX_BODY_BYTES} bytes`, { connection: 'close' });
}

/** Answers in Letta's own error shape. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): void {
  const unread = !request.readableEnded && !(Number(request.headers['content-length'] ?? 0) <= DROPPED_BODY_BYTES);
  const chunked = request.headers['transfer-encoding'] !== undefined && !request.readableEnded;
  sendJson(
    response,
    status,
    { detail },
    {
      ...exchange.cors,
      'x-request-id': exchange.requestId,
      ...(unread || chunked ? { connection: 'close' } : {}),
      ...headers,
    },
  );
}

function logWhenDone(request: IncomingMessage, response: ServerResponse, exchange: Exchange, log: Log): void {
  const startedAt = performance.now();
  response.once('close', () => {
    const url = request.url ?? '';
    const mark = url.indexOf('?');
    log.info('request', {
      requestId: exchange.requestId,
      method: request.method,
      path: (mark < 0 ? url : url.slice(0, mark)).slice(0, 512),
      route: exchange.route,
      status: response.headersSent ? response.statusCode : undefined,
      milliseconds: Math.round(performance.now() - startedAt),
      complete: response.writableFinished,
      failure: exchange.failure,
    });
  });
}
