import { IncomingHttpHeaders, RequestListener } from 'node:http';
import { Metric } from '../../../../runtime/contract';
import { ApiFrontOptions, createApiFront } from '../../../../runtime/gateway/api/api-front';
import { ApiPassword } from '../../../../runtime/gateway/api/api-password';
import { lettaPool } from '../../../../runtime/gateway/api/letta-pool';
import { Log } from '../../../../runtime/gateway/log';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { Readiness } from '../../../../runtime/gateway/readiness';
import { bodyOf, close, listening, recordingLog, upstream } from '../support';

export const PASSWORD = 'correct horse battery staple';
export const AUTH = { authorization: `Bearer ${PASSWORD}` };

export const READY: Readiness = {
  report: async () => ({ ready: true, checks: { letta: { ok: true } } }),
  unhealthy: () => undefined,
};

/** An API front with what a test says, and with what it does not care about. */
export async function apiFront(
  options: Pick<ApiFrontOptions, 'letta'> & { readonly log: Log } & Partial<ApiFrontOptions>,
) {
  return createApiFront({
    password: options.password ?? (await knownPassword(PASSWORD, options.log)),
    openRoutes: new Set(),
    allowedEgress: new Set(),
    corsOrigins: new Set(['https://ade.example.com']),
    idleTimeoutSeconds: 30,
    maxConcurrentTurns: 64,
    readiness: READY,
    metrics: embeddedMetrics('AgentsService', options.log),
    ...options,
  });
}

export async function knownPassword(password: string, log: Log): Promise<ApiPassword> {
  const known = new ApiPassword(async () => [password], log);
  await known.start();
  return known;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An API front before an upstream that answers everything, or as a test says. */
export async function startApiFront({
  answer,
  ...options
}: { answer?: RequestListener } & Partial<ApiFrontOptions> = {}) {
  const seen: Seen[] = [];
  const behind = await upstream(async (request, response) => {
    if (answer) return answer(request, response);
    // A body that the gateway breaks off is not one that Letta has seen.
    const body = await bodyOf(request).catch(() => undefined);
    if (body === undefined) return;
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
    // As Letta answers a browser.
    response.setHeader('access-control-allow-origin', '*');
    response.end('{"ok":true}');
  });
  const log = recordingLog();
  const pool = lettaPool(behind.origin, options.idleTimeoutSeconds ?? 30);
  const front = await listening(await apiFront({ letta: pool, log, ...options }));
  return {
    ...front,
    behind,
    seen,
    log,
    /** Closes the front, which writes what it has counted. */
    counted: async (metric: Metric) => {
      await close(front.server);
      return log.lines.reduce((sum, { fields }) => sum + ((fields[metric] as number | undefined) ?? 0), 0);
    },
    stop: async () => {
      await close(front.server);
      await pool.destroy();
      await close(behind.server);
    },
  };
}

/** Starts API fronts for the tests of a file, each stopped after the test that started it. */
export function apiFronts(): typeof startApiFront {
  const toStop: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of toStop.splice(0)) await stop();
  });
  return async (...options) => {
    const front = await startApiFront(...options);
    toStop.push(front.stop);
    return front;
  };
}
