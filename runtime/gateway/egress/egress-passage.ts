import {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  request as httpRequest,
  ServerResponse,
} from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connectionOptions, NEVER_HOP_BY_HOP } from './egress-target';
import { HOP_BY_HOP } from '../hop-by-hop';

/** What a passage through the proxy ended with. */
export interface PassageEnd {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly ended: string;
}

/**
 * Raw bytes both ways until both sides have ended or one of them breaks off. A tunnel through which nothing passes is cut
 * after `idleMs`, one that a side has ended after `halfOpenMs`.
 */
export function tunnel(
  client: Duplex,
  head: Buffer,
  upstream: Socket,
  { idleMs, halfOpenMs }: { readonly idleMs: number; readonly halfOpenMs: number },
): Promise<PassageEnd> {
  return new Promise((resolve) => {
    let ended: string | undefined;
    const cut = (why: string) => {
      ended ??= why;
      client.destroy();
      upstream.destroy();
    };
    upstream.once('close', () => {
      if (upstream.readableEnded) client.end();
      else client.destroy();
      resolve({ sentBytes: upstream.bytesWritten, receivedBytes: upstream.bytesRead, ended: ended ?? 'closed' });
    });
    upstream.on('error', (error) => cut(`broken off: ${error.message}`));
    // While the connection was made nobody listened: its `close` has been, and will not come again.
    if (client.destroyed) return cut('broken off by the client');
    client.on('error', () => cut('broken off by the client'));
    // A side that is gone takes the other with it, but not before what it sent last is delivered.
    client.once('close', () => (client.readableEnded ? upstream.destroySoon() : upstream.destroy()));
    upstream.setTimeout(idleMs, () => cut(upstream.timeout === idleMs ? 'idle' : 'half open and idle'));
    const halfOpen = () => upstream.setTimeout(halfOpenMs);
    client.once('end', halfOpen);
    upstream.once('end', halfOpen);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) upstream.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
  });
}

/** One absolute-form request, with its body and its answer passing as they come. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  target: { readonly authority: string; readonly path: string },
  upstream: Socket,
  idleMs: number,
): Promise<PassageEnd & { readonly status?: number }> {
  upstream.setTimeout(idleMs, () => upstream.destroy(new Error(`silent for ${idleMs / 1000} s`)));
  response.once('close', () => upstream.destroy());
  let status: number | undefined;
  const bytes = () => ({ sentBytes: upstream.bytesWritten, receivedBytes: upstream.bytesRead });
  try {
    // Its `close` has been while the connection was made.
    if (response.destroyed) throw new Error('broken off by the client');
    const outgoing = httpRequest({
      createConnection: () => upstream,
      method: request.method,
      path: target.path,
      setHost: false,
      headers: { ...passedOn(request), host: target.authority, ...framing(request.headers) },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.on('error', reject);
      // Node tells neither an answer nor an error where nobody listens to these.
      outgoing.once('upgrade', (_answer, socket: Socket) => {
        socket.destroy();
        reject(new Error('it switched protocols'));
      });
      outgoing.once('close', () => reject(new Error('it hung up')));
    });
    // The destination may answer before it has read the body; a body that breaks off ends the passage.
    pipeline(request, outgoing).catch((error: Error) => upstream.destroy(error));
    const answer = await answered;
    status = answer.statusCode!;
    response.writeHead(status, answer.statusMessage, passedOn(answer));
    await pipeline(answer, response);
    return { ...bytes(), status, ended: 'closed' };
  } catch (error) {
    if (status !== undefined) response.destroy();
    return { ...bytes(), status, ended: (error as Error).message };
  } finally {
    upstream.destroy();
  }
}

function passedOn(message: IncomingMessage): OutgoingHttpHeaders {
  const named = connectionOptions(message.headers).filter((name) => !NEVER_HOP_BY_HOP.has(name));
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    if (values && !HOP_BY_HOP.has(name) && !named.includes(name) && name !== 'expect') headers[name] = values;
  }
  return headers;
}

/** Without it a body in chunks would go on without a frame, as the beginning of another request. */
function framing(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
}
