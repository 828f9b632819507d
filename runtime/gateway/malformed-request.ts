import { IncomingMessage, Server, ServerResponse, STATUS_CODES } from 'node:http';
import { Duplex } from 'node:stream';

/** What is wrong with a request that HTTP itself does not allow, whatever it asks for. */
export interface MalformedRequest {
  readonly status: 400 | 408 | 413 | 417 | 431;
  /** Holds nothing of the request. */
  readonly reason: string;
}

/** How a listener tells its own kind of client. */
export type TellMalformed = (malformed: MalformedRequest) => {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
};

/** By Node's error code; the parser's other codes are all of bytes that are not HTTP. */
const BY_CODE: Readonly<Record<string, MalformedRequest>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'the headers are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'the extensions of a chunk are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'the request came too slowly' },
};
const NOT_HTTP: MalformedRequest = { status: 400, reason: 'the request is not HTTP' };
const NO_HOST: MalformedRequest = { status: 400, reason: 'the request has no Host header' };
const UNKNOWN_EXPECTATION: MalformedRequest = { status: 417, reason: 'the only expectation known is 100-continue' };

/** A connection that is closed while its client still sends is reset, and the client never sees the answer. */
const LINGER_MS = 1_000;

/**
 * Answers what Node finds no request in, for which there is no response to write to.
 *
 * @param answering the response that a connection waits for, or is in the middle of
 */
export function refuseMalformed(
  server: Server,
  tell: TellMalformed,
  answering: (socket: Duplex) => ServerResponse | undefined,
): void {
  const told = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (told.has(socket)) return;
    const malformed = malformedBy(error.code ?? '');
    if (malformed === undefined || !socket.writable || belongsToAnother(answering(socket))) {
      return void socket.destroy();
    }
    told.add(socket);
    const { headers, body } = tell(malformed);
    const payload = JSON.stringify(body);
    const lines = Object.entries({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(payload)),
      connection: 'close',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${malformed.status} ${STATUS_CODES[malformed.status]}\r\n${lines.join('')}\r\n${payload}`);
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(linger));
  });
}

function malformedBy(code: string): MalformedRequest | undefined {
  // What is left, `ECONNRESET` and the like, is a client that has gone.
  return BY_CODE[code] ?? (code.startsWith('HPE_') ? NOT_HTTP : undefined);
}

/** Whatever is written now would be read as that answer, or as a part of it, unless it is about that very request. */
function belongsToAnother(response: ServerResponse | undefined): boolean {
  return response !== undefined && (response.headersSent || response.req.complete);
}

/** What of a request that Node did parse its listener must not see; Node's own answers to it would be empty. */
export function flawOf({ headers, httpVersion }: IncomingMessage): MalformedRequest | undefined {
  if (httpVersion !== '1.1') return undefined;
  if (headers.host === undefined) return NO_HOST;
  // Node has asked for the body already where it is expected to.
  return headers.expect === undefined || /100-continue/i.test(headers.expect) ? undefined : UNKNOWN_EXPECTATION;
}
