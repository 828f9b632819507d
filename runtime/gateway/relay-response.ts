import { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';

export interface Relay {
  /** Headers of the answer to the client, from the upstream's. */
  readonly headers: (upstream: IncomingHttpHeaders, status: number) => OutgoingHttpHeaders;
  /** Called once if the upstream fails before its answer began; it answers the client. */
  readonly unanswered: (error: Error) => void;
  /** Called once if the upstream's answer breaks off after it began; the client's connection is then cut. */
  readonly brokenOff: (error: Error) => void;
}

/** The client went away: not a failure of the upstream. */
export class ClientGone extends Error {
  constructor() {
    super('the client went away');
  }
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
    let controller: Dispatcher.DispatchController | undefined;
    let gone = false;
    response.once('close', () => {
      gone = true;
      if (!response.writableFinished) controller?.abort(new ClientGone());
      resolve();
    });
    response.on('drain', () => controller?.resume());

    upstream.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (gone) started.abort(new ClientGone());
      },
      onResponseStart(_, status, headers) {
        if (status < 200 || gone) return;
        response.writeHead(status, relay.headers(headers, status));
        // The first event of a stream may come minutes later; the client should know by then that it was accepted.
        response.flushHeaders();
      },
      onResponseData(active, chunk) {
        if (!response.write(chunk)) active.pause();
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError(_, error) {
        if (gone || error instanceof ClientGone) return resolve();
        if (response.headersSent) {
          relay.brokenOff(error);
          response.destroy();
        } else {
          relay.unanswered(error);
        }
      },
    });
  });
}
