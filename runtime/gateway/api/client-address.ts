import { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Who is on the other side, as one key: an IPv4 address, or the /64 that one IPv6 client has to itself. The last entry
 * of `X-Forwarded-For` is the one that the load balancer appended (ELB user guide, "X-Forwarded-For"); those before it
 * are whatever the client wrote.
 */
export function clientAddress(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-for'];
  const last = typeof forwarded === 'string' ? withoutPort(forwarded.slice(forwarded.lastIndexOf(',') + 1).trim()) : '';
  return networkOf(isIP(last) ? last : (request.socket.remoteAddress ?? ''));
}

/** A load balancer that is told to keep the client's port writes it behind the address. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(entry);
  return bracketed ? bracketed[1] : entry.replace(/^([\d.]+):\d+$/, '$1');
}

function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1];
  // The URL parser writes every spelling of an address the same way.
  const canonical = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head, tail] = canonical.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
  }
  return `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`;
}
