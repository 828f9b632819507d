import { IncomingHttpHeaders } from 'node:http';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const HEADER_LIST = /^[A-Za-z0-9\-, ]{1,1024}$/;

/** Headers for an answer to a browser of a configured origin; empty for everybody else. */
export function corsHeaders(headers: IncomingHttpHeaders, origins: ReadonlySet<string>): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined || !origins.has(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-request-id, retry-after',
    vary: 'Origin',
  };
}

export function isPreflight(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

/** A preflight carries no password, so it is answered here and never forwarded. `undefined`: origin not configured. */
export function preflightHeaders(
  headers: IncomingHttpHeaders,
  origins: ReadonlySet<string>,
): Record<string, string> | undefined {
  const allowed = corsHeaders(headers, origins);
  if (allowed['access-control-allow-origin'] === undefined) return undefined;
  const requested = headers['access-control-request-headers'];
  return {
    ...allowed,
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers':
      typeof requested === 'string' && HEADER_LIST.test(requested)
        ? requested
        : 'authorization, content-type, x-bare-password',
    'access-control-max-age': '600',
  };
}
