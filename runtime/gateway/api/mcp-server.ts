import { canonicalDestination } from '../egress/egress-target';
import { Fields, isObject, show } from '../foreign-json';
import { boundsExceeded } from './json-bounds';

/** Why something of an MCP server does not go on to Letta. */
export interface McpRefusal {
  readonly status: 400 | 403;
  readonly detail: string;
}

/** A body that may go on to Letta, written anew, or why not. */
export type JudgedMcpBody = { readonly contentType: string; readonly body: Buffer } | McpRefusal;

/** A server's address, headers and a token: far below this. */
export const MAX_MCP_BODY_BYTES = 64 * 1024;

/** Strict, so that Python's reading of it can be no other one: no user information, backslash, blank or control character. */
const SERVER_URL = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?(?:[/?#][\x21-\x5b\x5d-\x7e]*)?$/i;
const STDIO = 'stdio';

/**
 * Judges what a caller says of an MCP server on the routes that keep one or connect to it. Letta takes the body for
 * whichever kind of server its fields fit best, whatever type it names, so each field that starts a process is refused.
 *
 * @param allowed `host:port` each, as the egress proxy lets through
 */
export function judgeMcpBody(body: Buffer, allowed: ReadonlySet<string>): JudgedMcpBody {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const exceeded = boundsExceeded(text);
    if (exceeded !== undefined) return malformed(`is ${exceeded}; no prop changes this limit`);
    value = JSON.parse(text);
  } catch {
    return malformed('is not JSON in UTF-8');
  }
  if (!isObject(value)) return malformed('is not a JSON object');
  const { config } = value;
  if (config !== undefined && !isObject(config)) return malformed('has a "config" that is not an object');
  const refusal = judgeMcpServer(value, allowed) ?? (config && judgeMcpServer(config, allowed));
  return refusal ?? { contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}

/** Why Letta may not be told of this server; undefined if it may. Fields that name no server are nobody's concern. */
export function judgeMcpServer(server: Fields, allowed: ReadonlySet<string>): McpRefusal | undefined {
  const types = [server.type, server.mcp_server_type, server.server_type];
  if (types.includes(STDIO) || isGiven(server.command) || isGiven(server.stdio_config)) {
    return {
      status: 403,
      detail:
        'an MCP server over stdio is a process in the Letta container, which is closed for good: run the server ' +
        'elsewhere, speak HTTP or SSE to it and give its `server_url`',
    };
  }
  const { server_url: url } = server;
  if (!isGiven(url)) return undefined;
  const match = typeof url === 'string' ? SERVER_URL.exec(url) : null;
  const [, scheme = '', host = '', port] = match ?? [];
  const destination = canonicalDestination(`${host}:${port ?? (scheme.toLowerCase() === 'https' ? 443 : 80)}`);
  if (destination === undefined) {
    return {
      status: 400,
      detail:
        'the `server_url` of the MCP server is not one that can be judged, wanted http:// or https://, a host, a port if ' +
        'it is another than 80 or 443, and a path, without user information: put credentials into `custom_headers`',
    };
  }
  if (allowed.has(destination)) return undefined;
  return {
    status: 403,
    detail: `the MCP server's ${show(destination)} is not reachable from here; what allows it is the LettaService prop \`allowedEgress\``,
  };
}

/** Letta takes null for what is not there. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function malformed(problem: string): McpRefusal {
  return {
    status: 400,
    detail: `the body ${problem}: what an MCP server is must be judged before Letta is told of it`,
  };
}
