import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsService } from '../aws-service';
import { ServiceEndpoint } from '../endpoint-source';

export function requireOneSourceEach(path: string, sources: ServiceEndpoint[]): void {
  const names = sources.map(({ service }) => service.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new Error(`${path}: sources names ${twice} twice, wanted each service once: leave one out`);
}

export function requireOrganization(path: string, id?: string): void {
  if (id === undefined || Token.isUnresolved(id) || /^o-[a-z0-9]{10,32}$/.test(id)) return;
  throw new Error(
    `${path}: organizationId is '${id}', wanted the id of an organization like 'o-a1b2c3d4e5': ` +
      '`aws organizations describe-organization` shows it',
  );
}

export function requirePrefixList(path: string, id?: string): void {
  if (id === undefined || Token.isUnresolved(id) || /^pl-[0-9a-f]+$/.test(id)) return;
  throw new Error(
    `${path}: s3PrefixListId is '${id}', wanted the id of a prefix list like 'pl-63a5400a': ` +
      '`aws ec2 describe-managed-prefix-lists` shows it; or leave s3PrefixListId out, and the deployment looks it up',
  );
}

/** Private DNS needs both attributes of the VPC ("DNS attributes for your VPC", Amazon VPC User Guide). */
export function requireNames(path: string, service: AwsService, vpc: ec2.IVpc): void {
  if (!(vpc instanceof ec2.Vpc)) return;
  const { dnsHostnamesEnabled: enableDnsHostnames, dnsSupportEnabled: enableDnsSupport } = vpc;
  const attributes = Object.entries({ enableDnsHostnames, enableDnsSupport });
  const off = attributes.flatMap(([name, enabled]) => (enabled ? [] : [name])).join(' and ');
  if (off === '') return;
  throw new Error(
    `${path}: the endpoint of ${service.name} has private DNS names, which EC2 refuses in a VPC with ${off} false, wanted ` +
      `true: set ${off} of ${vpc.node.path}, or give the endpoint as EndpointSource.imported(…)`,
  );
}

/** Subnets that were imported by their ids alone don't know their route tables. */
export function requireRouteTables(path: string, { subnets, isPendingLookup }: ec2.SelectedSubnets): void {
  if (isPendingLookup || subnets.every(({ routeTable }) => routeTable?.routeTableId)) return;
  throw new Error(
    `${path}: the S3 gateway stands in route tables, got subnets whose route tables are not known: give them with the VPC ` +
      '(`isolatedSubnetRouteTableIds` of Vpc.fromVpcAttributes), or, if the VPC has the gateway already, ' +
      '{ service: AwsService.S3, source: EndpointSource.imported() } in `sources`',
  );
}
