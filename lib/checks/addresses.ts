import { Properties, Resource, Templates, list, text } from './template';

/** Private, shared, loopback, link-local and AWS's own ranges: RFC 1918, 6598, 1122, 3927, 4193, 4291. */
const PRIVATE_V4 =
  /^(0\.0\.0\.0\/32$|10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|255\.255\.255\.255\/32$)/;
const PRIVATE_V6 = /^(f[cde]|::1\/128$)/i;

/** A range as wide as a good part of the internet; private ones are at most a /8 or an fc00::/7. */
export function isWide(range: unknown): boolean {
  const length = Number(/\/(\d+)$/.exec(text(range ?? ''))?.[1] ?? NaN);
  return text(range).includes(':') ? length < 16 && !PRIVATE_V6.test(text(range)) : length < 8;
}

/** Whether a range, written as such, holds addresses of the internet. */
export function isPublic(range: unknown): boolean {
  const written = text(range ?? '');
  if (!/^[0-9a-f.:]+(\/\d+)?$/i.test(written)) return false;
  return isWide(written) || !(written.includes(':') ? PRIVATE_V6 : PRIVATE_V4).test(written);
}

/** Ranges that a rule or a route names, those of the app's own prefix lists among them. */
export function rangesOf(templates: Templates, properties: Properties): string[] {
  const { CidrIp, CidrIpv6, DestinationCidrBlock, DestinationIpv6CidrBlock } = properties;
  const lists = templates
    .named([properties.DestinationPrefixListId, properties.SourcePrefixListId].filter((each) => each !== undefined))
    .filter(({ type }: Resource) => type === 'AWS::EC2::PrefixList')
    .flatMap((each) => list(each.properties.Entries).map(({ Cidr }: Properties) => Cidr));
  return [CidrIp, CidrIpv6, DestinationCidrBlock, DestinationIpv6CidrBlock, ...lists].filter(
    (range) => typeof range === 'string',
  );
}
