import { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Where a proxied request wants to go. */
export interface EgressTarget {
  /** `host:port` in lower case, an IPv6 address in brackets and shortest form; `unknown` where it cannot be told. */
  readonly destination: string;
  readonly host: string;
  readonly port: number;
  /** Path and query of an absolute-form request. Unset for CONNECT. */
  readonly path?: string;
  /** Why the target cannot be served, allowed or not. */
  readonly malformed?: string;
}

type TargetedRequest = Pick<IncomingMessage, 'method' | 'url'> & { readonly headers?: IncomingHttpHeaders };

/** What tells where a message ends and goes. Without it a body would be read as another request. */
export const NEVER_HOP_BY_HOP: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'host']);

const MAX_DESTINATION_LENGTH = 260;
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):([0-9]{1,5})$/i;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/** Reads the authority form of CONNECT and the absolute form of everything else (RFC 9112, section 3.2). */
export function egressTarget({ method, url = '', headers }: TargetedRequest): EgressTarget {
  if (method === 'CONNECT') return authorityForm(url);
  const found = absoluteForm(url);
  const named = connectionOptions(headers).find((name) => NEVER_HOP_BY_HOP.has(name));
  if (named === undefined || found.malformed !== undefined) return found;
  return { ...found, malformed: `comes with a Connection header that names ${named}` };
}

/** The headers that go no further than the next neighbour, in lower case (RFC 9110, section 7.6.1). */
export function connectionOptions(headers: IncomingHttpHeaders = {}): string[] {
  return (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
}

/** `host:port` as `EgressTarget.destination` has it; undefined if it is none. */
export function canonicalDestination(text: string): string | undefined {
  const { destination, malformed } = authorityForm(text);
  return malformed === undefined ? destination : undefined;
}

function authorityForm(text: string): EgressTarget {
  const match = text.length <= MAX_DESTINATION_LENGTH ? AUTHORITY.exec(text) : null;
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) return unknown("is not 'host:port'");
  const [, ipv6, name] = match;
  if (ipv6 === undefined) return target(name.toLowerCase(), port);
  const literal = `http://[${ipv6}]`;
  return URL.canParse(literal) ? target(new URL(literal).hostname, port) : unknown('holds no IPv6 address in brackets');
}

function absoluteForm(text: string): EgressTarget {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return unknown("is not 'http://host:port/path'");
  const url = new URL(text);
  const port = Number(url.port) || DEFAULT_PORTS[url.protocol];
  // A host that needs escaping or is as long as this is no name that DNS knows.
  if (port === undefined || !AUTHORITY.test(`${url.hostname}:${port}`) || url.hostname.length > 255) {
    return unknown("is not 'http://host:port/path'");
  }
  const found = { ...target(url.hostname, port), path: `${url.pathname}${url.search}` };
  if (url.protocol !== 'http:') return { ...found, malformed: `is ${url.protocol}//, which wants CONNECT` };
  return url.username || url.password ? { ...found, malformed: 'holds user information' } : found;
}

function target(host: string, port: number): EgressTarget {
  return { destination: `${host}:${port}`, host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

function unknown(malformed: string): EgressTarget {
  return { destination: 'unknown', host: '', port: 0, malformed };
}
