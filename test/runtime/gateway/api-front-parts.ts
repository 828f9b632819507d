import { ApiFrontOptions, createApiFront } from '../../../runtime/gateway/api-front';
import { ApiPassword } from '../../../runtime/gateway/api-password';
import { Log } from '../../../runtime/gateway/log';
import { embeddedMetrics } from '../../../runtime/gateway/metrics';
import { Readiness } from '../../../runtime/gateway/readiness';

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
