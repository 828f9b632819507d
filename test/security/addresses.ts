/** A range of IPv4 addresses, or everything of IPv6. */
interface Range {
  readonly first: number;
  readonly last: number;
}

function range(cidr: string): Range | undefined {
  if (cidr.includes(':')) return undefined;
  const [address, bits] = cidr.split('/');
  const octets = address.split('.').map(Number);
  const size = 2 ** (32 - Number(bits ?? 32));
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1 };
}

/** Whether two ranges share an address. IPv6 meets IPv6 alone: our VPCs have none, so nothing is there to be met. */
export function meet(one: string, other: string): boolean {
  const [a, b] = [range(one), range(other)];
  if (!a || !b) return !a && !b;
  return a.first <= b.last && b.first <= a.last;
}

/** Whether a range leads outside the VPC as well, to an address that could be somebody's. */
export function leavesTheVpc(cidr: string, vpc: string): boolean {
  const [a, inside] = [range(cidr), range(vpc)];
  if (!a || !inside) return true;
  return a.first < inside.first || a.last > inside.last;
}

/** The broadcast address is nobody's: the CDK writes it where a rule must match nothing. */
export function isNobody(cidr: string): boolean {
  return range(cidr)?.first === 0xffffffff;
}
