import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Dispatcher } from 'undici';
import { Metric, RouteGroup } from '../../contract';
import { judgeImport } from './agent-file';
import { Exchange } from './api-exchange';
import { ApiPassword, presentedPassword } from './api-password';
import { Caller, Callers } from './callers';
import { isPreflight, preflightHeaders } from './cors';
import { Admission, ForwardOptions, forwardToLetta, refuseLargeBody, refuseUnanswered } from './forward-to-letta';
import { LettaHealth } from './letta-health';
import { judgeMcpBody, MAX_MCP_BODY_BYTES } from './mcp-server';
import { announcesBody, BodyTooLarge, boundedServer, readBody } from '../http-listener';
import { describeError, Log } from '../log';
import { MetricCount } from '../metric-count';
import { Metrics } from '../metrics';
import { Readiness } from '../readiness';
import { RefusedRequests } from '../refused-requests';
import { parseRequestTarget, RequestTarget } from './request-target';
import { JudgeRoute, routeJudge } from './route-verdicts';
import type { TlsIdentity } from '../self-signed-certificate';
import { Slots } from '../slots';
import type { TurnsInFlight } from '../turns-in-flight';

export interface ApiFrontOptions {
  /** Unset: plain HTTP. */
  readonly tls?: TlsIdentity;
  readonly letta: Dispatcher;
  /** Asked when Letta failed on a request: why it could not do otherwise. @default - it could */
  readonly excuse?: () => string | undefined;
  readonly password: ApiPassword;
  /** Unset: nobody is an administrator. */
  readonly administratorPassword?: ApiPassword;
  readonly openRoutes: ReadonlySet<RouteGroup>;
  /** `host:port` each: MCP servers elsewhere are refused. */
  readonly allowedEgress: ReadonlySet<string>;
  readonly corsOrigins: ReadonlySet<string>;
  readonly idleTimeoutSeconds: number;
  readonly maxConcurrentTurns: number;
  /** Told of each turn that begins. @default - nobody is */
  readonly turnsInFlight?: TurnsInFlight;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** An exported agent has 100 to 300 KB. It is parsed in one go, which holds up everybody: the worst of 2 MiB some 70 ms. */
const MAX_AGENT_FILE_BYTES = 2 * 1024 * 1024;
/** Agent files in memory that have not arrived yet. */
const MAX_ARRIVING_FILES = 8;

/** The only way in: password, route rules, then Letta, byte for byte. */
export function createApiFront(options: ApiFrontOptions): Server {
  const front = new ApiFront(options);
  // A connection that we close first while the load balancer sends a request on it is a 502 for its caller.
  const keepAliveSeconds = options.idleTimeoutSeconds + 60;
  const server = boundedServer((request, response) => front.receive(request, response), {
    keepAliveSeconds,
    tls: options.tls,
    malformed: front.refused.tell,
  });
  // A peer that vanished without a word would otherwise hold its stream for ever.
  server.timeout = keepAliveSeconds * 1000;
  server.once('close', () => front.flush());
  return server;
}

class ApiFront {
  readonly refused: RefusedRequests;
  private readonly judge: JudgeRoute;
  private readonly callers: Callers;
  private readonly lettaHealth: LettaHealth;
  private readonly turns: Slots;
  private readonly arrivingFiles = new Slots(MAX_ARRIVING_FILES);
  private readonly imports = new Slots(1);
  private readonly wrongPasswords: MetricCount;
  private readonly refusedTurns: MetricCount;

  constructor(private readonly options: ApiFrontOptions) {
    const { password, administratorPassword, metrics, log } = options;
    this.refused = new RefusedRequests(log);
    this.judge = routeJudge(options.openRoutes);
    this.wrongPasswords = new MetricCount(metrics, 'authentication-failed', Metric.AUTHENTICATION_FAILED);
    this.refusedTurns = new MetricCount(metrics, 'turns-refused', Metric.TURNS_REFUSED);
    this.callers = new Callers({ password, administratorPassword, onFailure: () => this.wrongPasswords.add() });
    this.lettaHealth = new LettaHealth(options.letta);
    this.turns = new Slots(options.maxConcurrentTurns);
  }

  receive(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response, this.options.corsOrigins, this.options.log);
    try {
      this.handle(exchange)?.catch((error: unknown) => this.fail(exchange, error));
    } catch (error) {
      this.fail(exchange, error);
    }
  }

  flush(): void {
    this.refused.flush();
    this.wrongPasswords.flush();
    this.refusedTurns.flush();
  }

  private fail(exchange: Exchange, error: unknown): void {
    exchange.failure = describeError(error);
    exchange.refuse(500, 'the gateway failed on this request');
  }

  /** Returns a promise only where something is waited for: most requests need none. */
  private handle(exchange: Exchange): Promise<void> | void {
    const { request, response } = exchange;
    const method = request.method ?? '';
    if (isPreflight(method, request.headers)) return this.preflight(exchange);

    const parsed = parseRequestTarget(request.url ?? '');
    const target = 'target' in parsed ? parsed.target : undefined;
    const open = target && method === 'GET' ? OPEN_TO_ALL.get(target.path) : undefined;
    if (target && open === 'health') return this.health(exchange);
    if (target && open === 'ready' && presentedPassword(request.headers) === undefined) {
      return this.readiness(exchange, false);
    }

    const caller = this.callers.identify(request);
    const goOn = (who: Caller): Promise<void> | void => {
      // Who went away while the password was looked up again needs no answer.
      if (response.destroyed || !this.admit(exchange, who)) return;
      if (!target) return exchange.refuse(400, 'problem' in parsed ? parsed.problem : 'malformed request');
      return this.route(exchange, target, method);
    };
    return caller instanceof Promise ? caller.then(goOn) : goOn(caller);
  }

  private preflight(exchange: Exchange): void {
    const headers = preflightHeaders(exchange.request.headers, this.options.corsOrigins);
    if (!headers) {
      return exchange.refuse(
        403,
        'a browser of an origin that is not allowed; what allows it is the LettaService prop `corsOrigins`',
      );
    }
    exchange.response.writeHead(204, { ...headers, 'x-request-id': exchange.requestId });
    exchange.response.end();
  }

  private health(exchange: Exchange): Promise<void> | void {
    exchange.route = '/health';
    const reason = this.options.readiness.unhealthy();
    if (reason !== undefined) return exchange.refuse(503, reason, { 'retry-after': '5' });
    // Nobody has shown a password here: nothing of the caller's choosing goes on.
    if (announcesBody(exchange.request)) return exchange.refuse(400, 'the question for health has no body: send none');
    return this.lettaHealth.ask().then(
      (answer) => exchange.pass(answer),
      (error: Error) => refuseUnanswered(exchange, error),
    );
  }

  private async readiness(exchange: Exchange, known: boolean): Promise<void> {
    exchange.route = '/ready';
    const { ready, checks } = await this.options.readiness.report();
    const entries = Object.entries(checks);
    const failing = entries.filter(([, check]) => check.reason !== undefined);
    exchange.answer(ready ? 200 : 503, {
      status: ready ? 'ready' : 'failing',
      checks: Object.fromEntries(entries.map(([name, { ok }]) => [name, ok ? 'ok' : 'failing'])),
      ...(known && { reasons: Object.fromEntries(failing.map(([name, { reason }]) => [name, reason])) }),
    });
  }

  /** Answers who may not come in. */
  private admit(exchange: Exchange, caller: Caller): boolean {
    switch (caller.kind) {
      case 'administrator':
        return (exchange.administrator = true);
      case 'caller':
        return true;
      case 'waits':
        exchange.refuse(
          429,
          `too many wrong passwords from this address: wait ${caller.seconds} s, until then no password is looked at`,
          { 'retry-after': String(caller.seconds) },
        );
        return false;
      case 'wrong':
      case 'nobody': {
        const got = caller.kind === 'nobody' ? 'no password in either form' : 'a wrong password';
        const detail = `Unauthorized: got ${got}, wanted \`Authorization: Bearer <password>\` or \`X-BARE-PASSWORD: password <password>\``;
        exchange.refuse(401, detail, { 'www-authenticate': 'Bearer' });
        return false;
      }
    }
  }

  private route(exchange: Exchange, target: RequestTarget, method: string): Promise<void> | void {
    const verdict = this.judge(method, target.segments, exchange.administrator);
    exchange.route = verdict.route;
    if (!verdict.allowed) return exchange.refuse(verdict.status, verdict.detail);
    if (verdict.route === '/ready') return this.readiness(exchange, true);
    const admission = verdict.traits.turn ? this.turn(exchange) : undefined;
    // So that nobody sends a large body in vain; the slot itself is taken when the body has arrived.
    if (admission && this.turns.full) return admission.refuse();
    const { openRoutes } = this.options;
    if (verdict.traits.body === 'agent-file' && !openRoutes.has(RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER)) {
      return this.importAgent(exchange, target);
    }
    if (verdict.traits.body === 'mcp-server' && announcesBody(exchange.request)) {
      return this.tellOfMcpServer(exchange, target);
    }
    return this.forward(exchange, target, { admission, maxBodyBytes: verdict.traits.maxBodyBytes });
  }

  private forward(exchange: Exchange, target: RequestTarget, options: ForwardOptions): Promise<void> | void {
    const { letta, excuse } = this.options;
    return forwardToLetta(exchange, letta, target.raw, { ...options, excuse });
  }

  private turn(exchange: Exchange): Admission {
    return {
      admit: () => {
        const held = holdSlot(this.turns, exchange.response);
        const { turnsInFlight } = this.options;
        if (held && turnsInFlight) exchange.response.once('close', turnsInFlight.begin());
        return held;
      },
      refuse: () => {
        this.refusedTurns.add();
        exchange.refuse(
          429,
          `${this.turns.limit} turns are in flight in this task, the most that the LettaService prop \`maxConcurrentTurns\` allows`,
          { 'retry-after': '1' },
        );
      },
    };
  }

  /** Reads the agent file before anything of it goes on. */
  private async importAgent(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { request, response } = exchange;
    const { openRoutes, allowedEgress } = this.options;
    const later = { 'retry-after': '1' };
    const arrived = this.arrivingFiles.take();
    if (!arrived)
      return exchange.refuse(429, `${this.arrivingFiles.limit} agent files are being sent, the most at once`, later);
    response.once('close', arrived);
    try {
      const body = await readBody(request, MAX_AGENT_FILE_BYTES);
      arrived();
      if (!holdSlot(this.imports, response)) {
        return exchange.refuse(429, 'another agent file is being imported: they are, one at a time', later);
      }
      const judged = judgeImport(request.headers['content-type'], body, openRoutes, allowedEgress);
      if ('status' in judged) return exchange.refuse(judged.status, judged.detail);
      return await this.forward(exchange, target, { replacement: judged });
    } catch (error) {
      if (response.destroyed) return;
      if (error instanceof BodyTooLarge) return refuseLargeBody(exchange, MAX_AGENT_FILE_BYTES);
      throw error;
    }
  }

  private async tellOfMcpServer(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { allowedEgress } = this.options;
    try {
      const judged = judgeMcpBody(await readBody(exchange.request, MAX_MCP_BODY_BYTES), allowedEgress);
      if ('status' in judged) return exchange.refuse(judged.status, judged.detail);
      return await this.forward(exchange, target, { replacement: judged });
    } catch (error) {
      if (exchange.response.destroyed) return;
      if (error instanceof BodyTooLarge) return refuseLargeBody(exchange, MAX_MCP_BODY_BYTES);
      throw error;
    }
  }
}

/** Until the answer has ended or the client has gone. */
function holdSlot(slots: Slots, response: ServerResponse): boolean {
  // It has gone: no event would ever give the slot back.
  if (response.destroyed) return false;
  const release = slots.take();
  if (release) response.once('close', release);
  return release !== undefined;
}

/** Routes that need no password. */
const OPEN_TO_ALL: ReadonlyMap<string, 'health' | 'ready'> = new Map([
  ['/v1/health/', 'health'],
  ['/v1/health', 'health'],
  ['/v1/ready/', 'ready'],
  ['/v1/ready', 'ready'],
]);
