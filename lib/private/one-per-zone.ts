import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/**
 * The first subnet of each availability zone: of two in one zone, EC2 refuses an endpoint (`DuplicateSubnetsInSameZone`) and
 * Elastic Load Balancing a load balancer. The CDK's own `onePerAz` has no effect on a list that is written out.
 */
export function onePerZone(selection: ec2.SubnetSelection): ec2.SubnetSelection {
  const { subnets } = selection;
  if (!subnets) return { ...selection, onePerAz: true };
  const zones = subnets.map(zoneOf);
  return { subnets: subnets.filter((_, index) => zones[index] === undefined || zones.indexOf(zones[index]) === index) };
}

function zoneOf(subnet: ec2.ISubnet): string | undefined {
  try {
    const zone = subnet.availabilityZone;
    // A list of zones that only CloudFormation knows is one string here, which says nothing of each.
    return Token.isUnresolved([zone]) ? undefined : zone;
  } catch {
    // A subnet that was imported by its id alone does not know its zone.
    return undefined;
  }
}
