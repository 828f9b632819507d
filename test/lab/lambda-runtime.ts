import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';

/** A synchronous invocation's payload and answer, at most (Lambda quotas). */
export const MOST_PAYLOAD = 6 * 1024 * 1024;

/** What a runtime gave for one invocation: an answer, or an error of the handler's. */
export interface RuntimeAnswer {
  readonly failed: boolean;
  readonly payload: Buffer;
}

interface Invocation {
  readonly id: string;
  readonly event: Buffer;
  readonly headers: Record<string, string>;
  readonly settle: (answer: RuntimeAnswer) => void;
}

/** How an invocation is described to the runtime. */
export interface InvocationContext {
  readonly functionArn: string;
  /** Milliseconds from now until the function is ended. */
  readonly timeout: number;
  readonly tenantId?: string;
}

/**
 * The Lambda Runtime API of one execution environment: hands out one event at a time and takes what becomes of it.
 *
 * Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda Developer Guide.
 */
export class LambdaRuntime {
  /** What the runtime said of an initialization that failed. */
  initializationError?: string;
  private readonly server = http.createServer((request, response) => void this.handle(request, response));
  private waiting?: ServerResponse;
  private current?: Invocation;
  private next?: Invocation;
  private readonly readiness: Promise<void>;
  private becameReady!: () => void;

  /** @param mostPayload bytes of an answer */
  constructor(private readonly mostPayload = MOST_PAYLOAD) {
    this.readiness = new Promise((resolve) => (this.becameReady = resolve));
  }

  /** @param place a port of loopback (0 for any), or the path of a Unix socket; returns the port */
  async listen(place: number | string): Promise<number | undefined> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      if (typeof place === 'string') this.server.listen(place, () => resolve());
      else this.server.listen(place, '127.0.0.1', () => resolve());
    });
    const address = this.server.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** The runtime has asked for its first event. */
  ready(): Promise<void> {
    return this.readiness;
  }

  /** One event to the runtime, and what it makes of it. @throws Error while another one is under way */
  invoke(event: Buffer, context: InvocationContext): Promise<RuntimeAnswer> {
    if (this.current ?? this.next) throw new Error('an execution environment does one invocation at a time');
    return new Promise((settle) => {
      const id = randomUUID();
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + context.timeout),
        'lambda-runtime-invoked-function-arn': context.functionArn,
        'lambda-runtime-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${'0'.repeat(24)};Sampled=0`,
      };
      if (context.tenantId !== undefined) headers['lambda-runtime-aws-tenant-id'] = context.tenantId;
      this.next = { id, event, headers, settle };
      this.hand();
    });
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    if (request.method === 'GET' && url === '/2018-06-01/runtime/invocation/next') return this.wait(response);
    const body = await read(request, this.mostPayload);
    if (body === undefined) {
      return refuse(response, 413, 'RequestEntityTooLarge', `wanted at most ${this.mostPayload} bytes`);
    }
    if (request.method === 'POST' && url === '/2018-06-01/runtime/init/error') {
      this.initializationError = body.toString('utf8');
      return accept(response);
    }
    const [, id, what] = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(url) ?? [];
    if (request.method !== 'POST' || !what)
      return refuse(response, 404, 'InvalidRequest', `got ${request.method} ${url}`);
    const { current } = this;
    if (current?.id !== id)
      return refuse(response, 400, 'InvalidRequestID', 'wanted the id of the invocation under way');
    this.current = undefined;
    accept(response);
    current.settle({ failed: what === 'error', payload: body });
  }

  /** The call after an answer is the sign that the runtime is ready for more. */
  private wait(response: ServerResponse): void {
    if (this.current ?? this.waiting)
      return refuse(response, 403, 'InvalidStateTransition', 'an invocation is under way');
    this.waiting = response;
    response.once('close', () => {
      if (this.waiting === response) this.waiting = undefined;
    });
    this.becameReady();
    this.hand();
  }

  private hand(): void {
    if (!this.waiting || !this.next) return;
    const { waiting, next } = this;
    [this.waiting, this.next, this.current] = [undefined, undefined, next];
    waiting.writeHead(200, next.headers);
    waiting.end(next.event);
  }
}

async function read(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= most) chunks.push(chunk as Buffer);
  }
  return size <= most ? Buffer.concat(chunks) : undefined;
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json' });
  response.end('{"status":"OK"}');
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errorType, errorMessage }));
}
