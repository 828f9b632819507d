import { Annotations, Fn, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { isIP } from 'net';
import { isClosedAddress } from '../../runtime/contract';
import { shown } from './kinds';

/** A literal name as DNS has it; a last label of digits would be read as an address by some and as a name by others. */
const NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?!\d+$|0x[0-9a-f]*$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const WANTED = "wanted a host and a port such as 'mcp.example.com:443', '10.2.0.7:8443' or '[2001:db8::7]:443'";

/** The destinations as the egress proxy is told them, with a warning. Tokens pass. @throws for what is no destination */
export function allowedEgress(scope: Construct, destinations: string[] = []): string[] {
  const path = scope.node.path;
  requireKnownLength(path, destinations);
  const checked = destinations.map((destination) => destinationOf(path, destination));
  if (checked.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cdk-letta:LettaService.allowedEgress',
      `${path} lets the task out to ${checked.join(', ')}: whatever agents know can be sent there, by any caller whose ` +
        'agent, tool, provider or MCP server names it; leave allowedEgress out to close it',
    );
  }
  return checked;
}

/** The names that a resolver must answer for these destinations; addresses need none. */
export function domainsOf(path: string, destinations: string[] = [], prop = 'allowedEgress'): string[] {
  requireKnownLength(path, destinations, prop);
  const hosts = destinations.map((destination) =>
    Token.isUnresolved(destination)
      ? Fn.select(0, Fn.split(':', destination))
      : hostOf(destinationOf(path, destination, prop)),
  );
  return [...new Set(hosts.filter((host) => isIP(host) === 0))];
}

function requireKnownLength(path: string, destinations: string[], prop = 'allowedEgress'): void {
  if (!Array.isArray(destinations)) {
    throw new Error(`${path}: ${prop} is '${String(destinations)}', wanted a list: give ['${String(destinations)}']`);
  }
  if (Token.isUnresolved(destinations)) {
    throw new Error(
      `${path}: ${prop} is a list that is known only at deployment, wanted one whose length is known at synth ` +
        '(its items may be tokens): write the list out',
    );
  }
}

/** One destination as an egress proxy is told it. Tokens pass. @throws for what is no destination */
export function destinationOf(path: string, destination: string, prop = 'allowedEgress'): string {
  if (typeof destination !== 'string') {
    throw new Error(`${path}: ${prop} holds ${shown(destination)}, which is no text, ${WANTED}: change ${prop}`);
  }
  if (Token.isUnresolved(destination)) return destination;
  const refuse = (problem: string): never => {
    throw new Error(`${path}: ${prop} holds '${destination}', ${problem}: change ${prop}`);
  };
  const lower = destination.toLowerCase();
  const port = /:(\d{1,5})$/.exec(lower)?.[1];
  if (port === undefined) return refuse(`which names no port, ${WANTED}`);
  if (port !== `${Number(port)}` || Number(port) < 1 || Number(port) > 65_535) {
    return refuse(`whose port is no number from 1 to 65535, ${WANTED}`);
  }
  const host = hostOf(lower);
  if (host.includes('*')) return refuse(`a wildcard, ${WANTED}: name each host`);
  const bracketed = lower.startsWith('[');
  const family = host.includes('%') ? 0 : isIP(host);
  if (bracketed ? family !== 6 : family !== 4 && !NAME.test(host)) return refuse(`which is no host, ${WANTED}`);
  if (host === 'localhost' || host.endsWith('.localhost') || (family !== 0 && isClosedAddress(host))) {
    return refuse(
      'a loopback, link-local, unspecified, multicast or reserved address, where the task itself and its credentials ' +
        'are: name a host outside',
    );
  }
  return lower;
}

function hostOf(destination: string): string {
  return destination.slice(0, destination.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
