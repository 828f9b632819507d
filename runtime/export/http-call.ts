import http, { IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Most bytes of an answer that is no error. */
  readonly maximum: number;
  /** Milliseconds without a byte. */
  readonly idleTimeout: number;
  readonly agent: http.Agent;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer is longer than it may be: not a reason to ask again. */
export class TooLarge extends Error {}

/** Bytes of an answer that says why there is no other. */
const LARGEST_ERROR = 64 * 1024;
/** A closed security group answers nothing. */
const CONNECT_TIMEOUT = 15_000;

/** One call, its answer in memory up to a maximum. `fetch` of Node.js takes no authorities of a certificate. */
export function httpCall(request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, headers, body, agent, maximum, idleTimeout } = request;
  const length = body && { 'content-length': String(body.byteLength) };
  const { request: send } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const call = send(url, { method, headers: { ...headers, ...length }, agent, timeout: idleTimeout }, (response) => {
      const chunks: Buffer[] = [];
      const most = (response.statusCode ?? 0) < 400 ? maximum : Math.max(maximum, LARGEST_ERROR);
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= most) return void chunks.push(chunk);
        reject(new TooLarge(`the answer is larger than ${most} bytes`));
        call.destroy();
      });
      response.on('error', reject);
      response.once('end', () => {
        if (!response.complete) return reject(new Error('the answer was cut off'));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    const connecting = setTimeout(() => call.destroy(new Error('no connection within 15 s')), CONNECT_TIMEOUT);
    call.once('close', () => clearTimeout(connecting));
    call.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
      else clearTimeout(connecting);
    });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${idleTimeout / 1000} s`)));
    call.on('error', reject);
    call.end(body);
  });
}

/** Connections that are kept, few at a time. @param ca authorities of the other side's certificate */
export function keptConnections(protocol: string, ca: string | string[]): http.Agent {
  const options = { keepAlive: true, maxSockets: 16 };
  return protocol === 'https:' ? new https.Agent({ ...options, ca }) : new http.Agent(options);
}
