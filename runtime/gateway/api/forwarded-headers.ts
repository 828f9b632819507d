import { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { HOP_BY_HOP } from '../hop-by-hop';

/**
 * What of a client's headers reaches Letta. The list is closed: `user_id` (an unknown one silently becomes the default
 * user), `X-Experimental-*` (other sandboxes), `X-Billing-*` and both password headers never pass.
 */
const REQUEST_HEADERS = [
  'accept',
  'cache-control',
  'content-type',
  'last-event-id',
  'user-agent',
  'x-forwarded-for',
  'x-letta-source',
  'x-project-id',
  'x-stainless-package-version',
];

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i;

export function requestHeadersForLetta(headers: IncomingHttpHeaders, requestId: string): Record<string, string> {
  const forwarded: Record<string, string> = { 'x-api-request-log-id': requestId };
  for (const name of REQUEST_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string') forwarded[name] = value;
  }
  // Letta's redirects to the path with a slash carry the scheme that the load balancer saw, as it stands.
  const scheme = headers['x-forwarded-proto'];
  if (scheme === 'http' || scheme === 'https') forwarded['x-forwarded-proto'] = scheme;
  if (headers.host !== undefined && HOST.test(headers.host)) forwarded.host = headers.host;
  if (headers['content-length'] !== undefined) forwarded['content-length'] = headers['content-length'];
  return forwarded;
}

const NOT_FOR_THE_CLIENT = new Set([...HOP_BY_HOP, 'date', 'server']);

/** Letta's answer headers without hop-by-hop ones and without its own CORS headers, which name an origin of its own. */
export function responseHeadersForClient(
  upstream: IncomingHttpHeaders,
  requestId: string,
  cors?: Readonly<Record<string, string>>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name in upstream) {
    if (!NOT_FOR_THE_CLIENT.has(name) && !name.startsWith('access-control-')) headers[name] = upstream[name];
  }
  headers['x-request-id'] = requestId;
  return cors ? Object.assign(headers, cors) : headers;
}

const REQUEST_ID = /^[A-Za-z0-9._:=-]{1,128}$/;

/** The caller's `X-Request-Id` if it is a harmless one. */
export function acceptedRequestId(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : undefined;
}
