import { createHash, timingSafeEqual } from 'node:crypto';
import { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { PLACEHOLDER_CREDENTIAL } from '../../contract';
import { isObject } from '../foreign-json';
import { BodyTooLarge, boundedServer, readBody, sendJson } from '../http-listener';
import { describeError, Log } from '../log';
import { Slots } from '../slots';
import { Turns } from '../turns';
import { environmentOf, executeRequest, ExecuteRequest, InvalidRun, MAX_EXECUTE_BODY } from './execute-request';
import { executionLine, ExecutionLine } from './execution-lines';
import { PackageAnswers } from './package-answers';
import { commandAnswer, MalformedCall, PROCESS_CONTENT_TYPE, shellCommand } from './process-rpc';
import { SandboxTicket, SandboxTickets } from './sandbox-tickets';
import { ToolRuns } from './tool-runs';

export interface SandboxFrontOptions {
  readonly runs: ToolRuns;
  readonly packages: PackageAnswers;
  readonly log: Log;
}

/** The three servers of an E2B sandbox, as Letta's client knows them (e2b 2.0.0, e2b-code-interpreter 2.0.0). */
export interface SandboxFront {
  readonly control: Server;
  readonly execute: Server;
  readonly commands: Server;
}

/** Letta sends no variables with a sandbox, only with code: hundreds of these may be kept. */
const MAX_SMALL_BODY = 64 * 1024;
/** Bodies of all runs under way, in bytes: what a run holds in memory is a few times its own. */
const MAX_BODIES = 32 * 1024 * 1024;
/** Letta is on the same machine. */
const TIMEOUTS = { headersMs: 10_000, requestMs: 60_000, checkMs: 5_000 };
/** Answers that are taken in or given at once: one is up to 6 MB from Lambda, and several times that while it is read. */
const MAX_ANSWERS = 8;
/** How long an answer may take to be read. */
const UNREAD_MS = 60_000;
/** The kind of sandbox is always the same; the client refuses versions of envd before 0.1.0. */
const SANDBOX = { templateID: 'code-interpreter-v1', clientID: 'gateway', envdVersion: '0.2.0' };

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function createSandboxFront(options: SandboxFrontOptions): SandboxFront {
  const front = new Front(options);
  return {
    control: front.serve('POST /sandboxes', (request, response) => front.create(request, response)),
    execute: front.serve('POST /execute', (request, response) => front.execute(request, response)),
    commands: front.serve('POST /process.Process/Start', (request, response) => front.command(request, response)),
  };
}

class Front {
  private readonly tickets = new SandboxTickets();
  private readonly bodies = new Slots(MAX_BODIES);
  private readonly answers = new Turns(MAX_ANSWERS);

  constructor(private readonly options: SandboxFrontOptions) {}

  serve(route: string, handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Server {
    const listener: RequestListener = (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      const handled =
        `${request.method} ${path}` === route
          ? handle(request, response)
          : Promise.reject(new Refused(404, `the gateway serves ${route} here, and nothing else`));
      handled.catch((error: unknown) => {
        // Broken off by the client: nobody is there to be told.
        if (request.destroyed && !request.complete) return;
        const [status, message] = this.refusal(error);
        sendJson(response, status, { code: status, message }, {}, request);
      });
    };
    return boundedServer(listener, {
      keepAliveSeconds: 75,
      timeouts: TIMEOUTS,
      malformed: ({ status, reason }) => ({ body: { code: status, message: reason } }),
    });
  }

  async create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!sameText(header(request, 'x-api-key'), PLACEHOLDER_CREDENTIAL)) {
      throw new Refused(401, 'the header X-API-Key is not the one that Letta has');
    }
    const body = jsonObject(await readBody(request, MAX_SMALL_BODY));
    const { id, token } = this.tickets.issue(environmentOf(body.envVars));
    sendJson(response, 201, { ...SANDBOX, sandboxID: id, envdAccessToken: token });
  }

  async execute(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const ticket = this.tickets.redeem(header(request, 'x-access-token'));
    if (ticket === undefined) throw unknownSandbox();
    const size = announcedSize(request);
    const giveBack = this.bodies.take(size);
    if (giveBack === undefined) {
      this.options.runs.unread('refused', size);
      throw new Refused(429, 'this server holds as much code of tools as it takes already, try again later');
    }
    const held = [giveBack];
    const answerBegins = async () => {
      // Only the first time: a run may be tried again.
      if (held.length === 1) held.push(await this.answers.take());
    };
    try {
      const lines = await this.run(ticket, { request, response, answerBegins });
      const payload = Buffer.from(lines.map(executionLine).join(''), 'ascii');
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'content-length': payload.length });
      response.end(payload);
      await closed(response, UNREAD_MS);
    } finally {
      for (const giveUp of held) giveUp();
    }
  }

  private async run(
    ticket: SandboxTicket,
    {
      request,
      response,
      answerBegins,
    }: { request: IncomingMessage; response: ServerResponse; answerBegins: () => Promise<void> },
  ): Promise<ExecutionLine[]> {
    const hungUp = new AbortController();
    response.once('close', () => response.writableFinished || hungUp.abort());
    try {
      const [run, bytesIn] = await readRun(request, ticket);
      const origin = { sandboxId: ticket.id, bytesIn, hungUp: hungUp.signal, answerBegins };
      return await this.options.runs.run(run, origin);
    } catch (error) {
      if (!(error instanceof InvalidRun)) throw error;
      this.options.runs.unread('invalid', announcedSize(request));
      return [{ type: 'error', name: 'ToolSandboxError', value: error.message, traceback: error.message }];
    }
  }

  async command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.tickets.admitCommand(header(request, 'x-access-token'))) throw unknownSandbox();
    const answer = commandAnswer(
      await this.options.packages.run(shellCommand(await readBody(request, MAX_SMALL_BODY))),
    );
    response.writeHead(200, { 'content-type': PROCESS_CONTENT_TYPE, 'content-length': answer.length });
    response.end(answer);
  }

  private refusal(error: unknown): [status: number, message: string] {
    if (error instanceof Refused) return [error.status, error.message];
    if (error instanceof BodyTooLarge) return [413, `${error.message}: the tool sandbox takes no more`];
    if (error instanceof InvalidRun || error instanceof MalformedCall) return [400, error.message];
    this.options.log.error('sandbox-request-failed', { reason: describeError(error) });
    return [500, 'the gateway failed at this request'];
  }
}

/** Apart from what waits for the run, which would hold the body so long. @throws InvalidRun, BodyTooLarge */
async function readRun(request: IncomingMessage, ticket: SandboxTicket): Promise<[ExecuteRequest, number]> {
  const body = await readBody(request, MAX_EXECUTE_BODY);
  return [executeRequest(body, ticket.environment), body.length];
}

/** Of a body: as much as it may be where nothing is said. */
function announcedSize(request: IncomingMessage): number {
  return Math.min(Number(header(request, 'content-length') ?? MAX_EXECUTE_BODY), MAX_EXECUTE_BODY);
}

/** Until the client has the answer, or is cut off. */
async function closed(response: ServerResponse, withinMs: number): Promise<void> {
  if (response.closed) return;
  const late = setTimeout(() => response.destroy(), withinMs);
  await new Promise((resolve) => response.once('close', resolve));
  clearTimeout(late);
}

function unknownSandbox(): Refused {
  return new Refused(
    401,
    'the header X-Access-Token is not of a sandbox that was made in the last five minutes and has run nothing yet',
  );
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function sameText(got: string | undefined, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return got !== undefined && timingSafeEqual(digest(got), digest(wanted));
}

function jsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  throw new Refused(400, 'the body is not a JSON object');
}
