import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { corsHeaders } from './cors';
import { acceptedRequestId } from './forwarded-headers';
import { sendJson } from '../http-listener';
import { Log } from '../log';

/** One request to the API front, from its arrival to its line in the access log. */
export class Exchange {
  readonly requestId: string;
  readonly cors: Readonly<Record<string, string>> | undefined;
  route?: string;
  failure?: string;
  administrator = false;
  private readonly startedAt = performance.now();

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    corsOrigins: ReadonlySet<string>,
    log: Log,
  ) {
    this.requestId = acceptedRequestId(request.headers) ?? randomUUID();
    this.cors = request.headers.origin === undefined ? undefined : corsHeaders(request.headers, corsOrigins);
    response.once('close', () => this.logLine(log));
  }

  /** Answers in Letta's own error shape. */
  refuse(status: number, detail: string, headers?: Readonly<Record<string, string>>): void {
    this.answer(status, { detail }, headers);
  }

  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void {
    sendJson(this.response, status, body, { ...this.cors, 'x-request-id': this.requestId, ...headers }, this.request);
  }

  /** Passes an answer on that was had for others as well. */
  pass({ status, contentType, body }: { status: number; contentType?: string; body: Buffer }): void {
    const type = contentType === undefined ? undefined : { 'content-type': contentType };
    const headers = { ...type, 'content-length': body.length, ...this.cors, 'x-request-id': this.requestId };
    this.response.writeHead(status, headers).end(body);
  }

  private logLine(log: Log): void {
    const { request, response } = this;
    log.info('request', {
      requestId: this.requestId,
      method: request.method,
      path: loggedPath(request.url ?? ''),
      route: this.route,
      status: response.headersSent ? response.statusCode : undefined,
      milliseconds: Math.round(performance.now() - this.startedAt),
      complete: response.writableFinished,
      administrator: this.administrator || undefined,
      failure: this.failure,
    });
  }
}

/** A target in another form than a path may hold a password: `http://user:password@host/`. */
function loggedPath(url: string): string {
  if (!url.startsWith('/')) return 'other form';
  const mark = url.indexOf('?');
  return (mark < 0 ? url : url.slice(0, mark)).slice(0, 512);
}
