import { IncomingMessage, Server, ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { EgressAudit } from './egress-audit';
import { forward, PassageEnd, tunnel } from './egress-passage';
import { EgressTarget, egressTarget } from './egress-target';
import { boundedServer, sendJson } from '../http-listener';
import { describeError, Log } from '../log';
import { Metrics } from '../metrics';
import { ClosedAddress, ConnectOutside } from './outside-connection';

export interface EgressProxyOptions {
  /** `EgressTarget.destination`s that are let out. */
  readonly allow: ReadonlySet<string>;
  readonly connect: ConnectOutside;
  /** How long nothing may pass before a passage is cut. */
  readonly idleTimeoutSeconds: number;
  /**
   * How long nothing may pass through a tunnel that one side has ended: a client that is gone looks like one that has
   * said all and waits for the answer.
   *
   * @default 60
   */
  readonly halfOpenTimeoutSeconds?: number;
  /** Who may go out at all; without an answer the client is asked for its password. @default - whoever can connect */
  readonly admit?: (authorization: string | undefined) => EgressPass | undefined;
  /** What opens a destination, for those that are refused. @default - the prop `allowedEgress` */
  readonly openedBy?: string;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Leave to go out, for a while. */
export interface EgressPass {
  /** Takes over a connection that was made with it: ends it with itself. @throws if it has ended or has too many */
  hold(upstream: Socket): void;
}

/** Where proxied clients are told that there is no way out. It answers at once: a silent drop holds Letta for minutes. */
export interface EgressProxy {
  readonly server: Server;
  /** Accepts nothing more, cuts what is open, writes the last counts. */
  stop(): void;
}

/** Far above what one task's tools and MCP clients open. */
const MAX_PASSAGES = 128;

class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

export function createEgressProxy({
  allow,
  connect,
  idleTimeoutSeconds,
  halfOpenTimeoutSeconds = 60,
  admit,
  openedBy = 'the prop allowedEgress of LettaService',
  metrics,
  log,
}: EgressProxyOptions): EgressProxy {
  const audit = new EgressAudit(metrics);
  const idleMs = idleTimeoutSeconds * 1000;
  const halfOpenMs = Math.min(idleMs, halfOpenTimeoutSeconds * 1000);
  const open = new Set<Socket>();
  /** Those that are still being connected included. */
  let passages = 0;

  /** @throws Refused, with what the client is told */
  const goOut = async (request: IncomingMessage, target: EgressTarget): Promise<Socket> => {
    const { destination, host, port, malformed } = target;
    const method = request.method!;
    const pass = admit?.(request.headers['proxy-authorization']);
    if (admit && pass === undefined) {
      audit.refused({ method, destination, reason: 'not admitted' });
      throw new Refused(407, 'the user and password of the proxy are not those of a run that is under way', {
        'proxy-authenticate': 'Basic realm="letta-gateway"',
      });
    }
    if (!allow.has(destination)) {
      audit.refused({ method, destination, reason: malformed === undefined ? 'not allowed' : 'malformed target' });
      if (destination === 'unknown') throw new Refused(400, `the target ${malformed}`);
      throw new Refused(
        403,
        `this deployment has no way out to ${destination}: the gateway refuses every outgoing connection but those to ` +
          `Amazon Bedrock and to what ${openedBy} names`,
      );
    }
    if (malformed !== undefined) throw new Refused(400, `the target ${malformed}`);
    if (passages >= MAX_PASSAGES) {
      log.warn('egress-failed', { destination, reason: `${MAX_PASSAGES} passages are open` });
      throw new Refused(503, `the gateway holds ${MAX_PASSAGES} outgoing connections already, try again later`, {
        'retry-after': '1',
      });
    }
    passages += 1;
    try {
      const upstream = await connect(host, port);
      holdBy(pass, upstream);
      open.add(upstream);
      upstream.once('close', () => {
        open.delete(upstream);
        passages -= 1;
      });
      return upstream;
    } catch (error) {
      passages -= 1;
      if (error instanceof ClosedAddress) {
        audit.refused({ method, destination, reason: 'closed address' });
        throw new Refused(403, `this deployment has no way out to ${destination}: ${error.message}`);
      }
      log.warn('egress-failed', { destination, reason: describeError(error) });
      throw new Refused(502, `${destination} could not be reached: ${describeError(error)}`);
    }
  };

  const passed = (event: string, destination: string, began: number, end: PassageEnd) => {
    log.info(event, { destination, ...end, ms: Date.now() - began });
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const target = egressTarget(request);
    const { destination, path = '/' } = target;
    const began = Date.now();
    try {
      const upstream = await goOut(request, target);
      const authority = target.port === 80 ? destination.replace(/:80$/, '') : destination;
      const end = await forward(request, response, { authority, path }, upstream, idleMs);
      passed('egress-request', destination, began, end);
      if (end.status === undefined) sendJson(response, 502, { detail: `${destination} did not answer: ${end.ended}` });
    } catch (error) {
      const { status, message, headers } = asRefusal(error);
      sendJson(response, status, { detail: message }, { connection: 'close', ...headers });
    }
  };

  const serveTunnel = async (request: IncomingMessage, client: Duplex, head: Buffer) => {
    // The client may hang up before it has read the answer.
    client.on('error', () => client.destroy());
    const target = egressTarget(request);
    const began = Date.now();
    try {
      const upstream = await goOut(request, target);
      passed('egress-tunnel', target.destination, began, await tunnel(client, head, upstream, { idleMs, halfOpenMs }));
    } catch (error) {
      endWith(client, asRefusal(error));
    }
  };

  const server = boundedServer((request, response) => void serve(request, response), { keepAliveSeconds: 5 });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    void serveTunnel(request, client, head);
  });
  return {
    server,
    stop() {
      server.close();
      for (const upstream of open) upstream.destroy(new Error('the gateway stops'));
      audit.flush();
    },
  };
}

function holdBy(pass: EgressPass | undefined, upstream: Socket): void {
  try {
    pass?.hold(upstream);
  } catch (error) {
    upstream.destroy();
    throw error;
  }
}

function asRefusal(error: unknown): Refused {
  return error instanceof Refused ? error : new Refused(502, describeError(error));
}

function endWith(client: Duplex, { status, message, headers }: Refused): void {
  const body = JSON.stringify({ detail: message });
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(body)}`,
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  client.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
