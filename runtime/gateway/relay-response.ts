import { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';

export interface Relay {
  /** Headers of the answer to the client, from the upstream's. */
  readonly headers: (upstream: IncomingHttpHeaders, status: number) => OutgoingHttpHeaders;
  /** Asked when the answer begins: a function is called in the answer's place, and answers the client. */
  readonly instead?: (status: number) => (() => void) | undefined;
  /** Sees each piece of the answer before it is passed on; it must not throw. */
  readonly data?: (piece: Buffer) => void;
  /** Asked once the answer ended as HTTP goes: an error says that it is not whole after all. */
  readonly ended?: () => Error | undefined;
  /** Called once if the upstream fails before its answer began; it answers the client. */
  readonly unanswered: (error: Error) => void;
  /** Called once if the upstream's answer breaks off after it began; the client's connection is then cut. */
  readonly brokenOff: (error: Error) => void;
  /** What tells the client before its connection is cut, where the answer's format has room for that. */
  readonly lastPiece?: (error: Error) => Buffer | undefined;
}

/** The client went away: not a failure of the upstream. */
class ClientGone extends Error {
  constructor() {
    super('the client went away');
  }
}

/** Its answer is not wanted. */
class Replaced extends Error {}

const TIMEOUTS: readonly unknown[] = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];

/** Whether the upstream was silent for longer than its dispatcher waits. */
export function isUpstreamTimeout(error: unknown): boolean {
  return TIMEOUTS.includes((error as NodeJS.ErrnoException | undefined)?.code);
}

/**
 * Sends one request upstream and its answer to the client byte for byte: a slow client pauses the upstream, a client
 * that goes away aborts it, an upstream that breaks off cuts the client (a clean end would look like a whole answer).
 */
export function relayResponse(
  upstream: Dispatcher,
  options: Dispatcher.DispatchOptions,
  response: ServerResponse,
  relay: Relay,
): Promise<void> {
  return new Promise((resolve) => {
    // It went away before there was anybody to tell: no event would ever come.
    if (response.destroyed) return resolve();
    let controller: Dispatcher.DispatchController | undefined;
    let gone = false;
    let begun = false;
    response.once('close', () => {
      gone = true;
      if (!response.writableFinished) controller?.abort(new ClientGone());
      resolve();
    });
    response.on('drain', () => controller?.resume());
    const breakOff = (error: Error) => {
      relay.brokenOff(error);
      const last = relay.lastPiece?.(error);
      if (last) response.write(last, () => response.destroy());
      else response.destroy();
    };

    upstream.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (gone) started.abort(new ClientGone());
      },
      onResponseStart(active, status, headers) {
        if (status < 200 || gone) return;
        const answerInstead = relay.instead?.(status);
        if (answerInstead) {
          active.abort(new Replaced());
          return answerInstead();
        }
        response.writeHead(status, relay.headers(headers, status));
        // The first event of a stream may come minutes later; the client should know by then that it was accepted. What
        // came together with the headers goes out together with them: that spares both sides a packet.
        process.nextTick(() => {
          if (!begun && !response.writableEnded) response.flushHeaders();
        });
      },
      onResponseData(active, chunk) {
        relay.data?.(chunk);
        begun = true;
        if (!response.write(chunk)) active.pause();
      },
      onResponseEnd() {
        const flaw = relay.ended?.();
        if (flaw) breakOff(flaw);
        else response.end();
      },
      onResponseError(_, error) {
        if (gone || error instanceof ClientGone || error instanceof Replaced) return resolve();
        if (response.headersSent) breakOff(error);
        else relay.unanswered(error);
      },
    });
  });
}
