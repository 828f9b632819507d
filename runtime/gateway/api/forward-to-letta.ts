import { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { Dispatcher } from 'undici';
import { Exchange } from './api-exchange';
import { requestHeadersForLetta, responseHeadersForClient } from './forwarded-headers';
import { BodyTooLarge, readBody } from '../http-listener';
import { describeError } from '../log';
import { isUpstreamTimeout, relayResponse } from '../relay-response';

/** Letta takes files of up to 50 MB (`letta/constants.py`), plus the multipart frame around them. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** A body to send instead of the client's. */
export interface Replacement {
  readonly contentType: string;
  readonly body: Buffer;
}

/** What a request needs of the gateway, asked for when its body has arrived: a slow client must keep it from nobody. */
export interface Admission {
  /** Asked once, before the last piece of the body goes on. */
  admit(): boolean;
  /** Answers who was not admitted. */
  refuse(): void;
}

class NotAdmitted extends Error {}

/** Bodies up to here are read before Letta is called: one write instead of a stream, and a slow client holds no worker. */
const SMALL_BODY_BYTES = 64 * 1024;

export interface ForwardOptions {
  readonly replacement?: Replacement;
  readonly admission?: Admission;
  readonly maxBodyBytes?: number;
  /** Asked when Letta failed on the request: why it could not do otherwise, if it could not. */
  readonly excuse?: () => string | undefined;
}

/** Sends a request that was let through to Letta, and its answer to the client; too large a body is refused here. */
export function forwardToLetta(
  exchange: Exchange,
  letta: Dispatcher,
  path: string,
  { replacement, admission, maxBodyBytes = MAX_BODY_BYTES, excuse }: ForwardOptions = {},
): Promise<void> | void {
  const { request } = exchange;
  const headers = requestHeadersForLetta(request.headers, exchange.requestId);
  if (replacement) {
    headers['content-type'] = replacement.contentType;
    headers['content-length'] = String(replacement.body.length);
    return send(exchange, letta, path, headers, replacement.body, { excuse });
  }
  if (request.headers['transfer-encoding'] !== undefined) {
    return send(exchange, letta, path, headers, bounded(request, maxBodyBytes, admission), { admission, excuse });
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > maxBodyBytes) return refuseLargeBody(exchange, maxBodyBytes);
  if (length > SMALL_BODY_BYTES) {
    const body = admission ? bounded(request, maxBodyBytes, admission, length) : request;
    return send(exchange, letta, path, headers, body, { admission, excuse });
  }
  const admitted = (body: Buffer | null) =>
    admission === undefined || admission.admit()
      ? send(exchange, letta, path, headers, body, { excuse })
      : admission.refuse();
  if (length === 0) return admitted(null);
  return readBody(request, SMALL_BODY_BYTES).then(
    admitted,
    (error: unknown) => void (exchange.failure = describeError(error)),
  );
}

function send(
  exchange: Exchange,
  letta: Dispatcher,
  path: string,
  headers: Record<string, string>,
  body: Dispatcher.DispatchOptions['body'],
  { admission, excuse }: Pick<ForwardOptions, 'admission' | 'excuse'>,
): Promise<void> {
  const method = exchange.request.method as Dispatcher.HttpMethod;
  return relayResponse(letta, { method, path, headers, body }, exchange.response, {
    instead: (status) => {
      const reason = status === 500 ? excuse?.() : undefined;
      return reason === undefined ? undefined : () => exchange.refuse(503, reason, { 'retry-after': '5' });
    },
    headers: (upstream) => responseHeadersForClient(upstream, exchange.requestId, exchange.cors),
    brokenOff: (error) => (exchange.failure = describeError(error)),
    unanswered: (error) => {
      if (error instanceof NotAdmitted) return admission?.refuse();
      if (!(error instanceof BodyTooLarge)) return refuseUnanswered(exchange, error);
      exchange.failure = describeError(error);
      refuseLargeBody(exchange, error.limit);
    },
  });
}

export function refuseLargeBody(exchange: Exchange, limit = MAX_BODY_BYTES): void {
  const announced = exchange.request.headers['content-length'];
  const got = announced === undefined ? 'more, in chunks' : `${announced} bytes`;
  exchange.refuse(413, `the body is too large: got ${got}, wanted at most ${limit} bytes; no prop changes this limit`);
}

function bounded(request: IncomingMessage, limit: number, admission?: Admission, announced?: number): Transform {
  const limited = gate(limit, admission, announced);
  // Either may still fail after the dispatcher has let go of it; an error that nobody listens to would end the process.
  request.on('error', () => limited.destroy());
  limited.on('error', () => request.unpipe(limited));
  return request.pipe(limited);
}

/** @param announced unset: the end of the body is known when it comes */
function gate(limit: number, admission?: Admission, announced?: number): Transform {
  let size = 0;
  const refused = () => admission !== undefined && !admission.admit();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > limit) done(new BodyTooLarge(limit));
      else if (size === announced && refused()) done(new NotAdmitted());
      else done(null, chunk);
    },
    flush(done) {
      done(announced === undefined && refused() ? new NotAdmitted() : null);
    },
  });
}

/** Tells why Letta has given no answer. */
export function refuseUnanswered(exchange: Exchange, error: Error): void {
  exchange.failure = describeError(error);
  const { status, detail } = upstreamFailure(error);
  exchange.refuse(status, detail, status === 503 ? { 'retry-after': '5' } : undefined);
}

function upstreamFailure(error: Error): { status: number; detail: string } {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { status: 503, detail: 'the Letta server is not answering: it is starting or restarting' };
  }
  if (isUpstreamTimeout(error)) {
    return {
      status: 504,
      detail: 'the Letta server stayed silent for longer than the LettaService prop `idleTimeout`',
    };
  }
  if (error.name === 'TimeoutError') return { status: 504, detail: 'the Letta server stayed silent for too long' };
  return { status: 502, detail: 'the Letta server broke off without an answer' };
}
