import { Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/** Regions whose RDS authorities are in the images and the set-up function (`runtime/images/gateway/ca/rds.pem`). */
export const REGIONS_WITH_RDS_AUTHORITY: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ca-central-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'me-central-1',
  'me-south-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
];

/** Every connection verifies the server's certificate: where its authority isn't shipped, none would ever succeed. */
export function requireRdsAuthority(scope: Construct): void {
  requireAuthorityOf(scope, Stack.of(scope).region);
}

/**
 * The name of an instance tells its region, though the stack may not know its own: the region must have an authority, and
 * be the stack's, for which IAM tokens are signed.
 */
export function requireHostRegion(scope: Construct, host: string): void {
  if (Token.isUnresolved(host)) return;
  const region = /\.([a-z0-9-]+)\.rds\.amazonaws\.com(\.cn)?$/.exec(host)?.[1];
  if (region === undefined) return;
  requireAuthorityOf(scope, region);
  const own = Stack.of(scope).region;
  if (Token.isUnresolved(own) || own === region) return;
  throw new Error(
    `LettaDatabase ${scope.node.path}: \`host\` '${host}' is in region '${region}', wanted a database in the stack's region ` +
      `'${own}', for which logins by IAM are signed: use one there, or deploy the stack in '${region}'`,
  );
}

function requireAuthorityOf(scope: Construct, region: string): void {
  if (Token.isUnresolved(region) || REGIONS_WITH_RDS_AUTHORITY.includes(region)) return;
  throw new Error(
    `LettaDatabase ${scope.node.path}: the certificates shipped with this library hold no RDS authority of region ` +
      `'${region}', so the gateway could verify no database there; wanted one of ${REGIONS_WITH_RDS_AUTHORITY.join(', ')}`,
  );
}

/**
 * The region of a database, looked up in a mapping when only the deployment knows it: in a region without an authority
 * CloudFormation then refuses the template, before it makes anything.
 */
export function regionWithRdsAuthority(scope: Construct): string {
  requireRdsAuthority(scope);
  const { region } = Stack.of(scope);
  if (!Token.isUnresolved(region)) return region;
  const mapping = new CfnMapping(scope, 'RegionsWithRdsAuthority', {
    mapping: Object.fromEntries(REGIONS_WITH_RDS_AUTHORITY.map((name) => [name, { region: name }])),
  });
  return mapping.findInMap(Aws.REGION, 'region');
}
