import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { IConstruct } from 'constructs';

/** What a store needs of the subnets it stands in. */
export interface PlacementRequirement {
  /** Fewest availability zones. */
  readonly zones: number;
  /** Why that many, and what else would do: ends the error message. */
  readonly reason: string;
}

/**
 * The subnets of a store: those asked for, or the VPC's isolated ones. Fails when there are none or when they span too
 * few availability zones; what a token hides is left to the deployment.
 */
export function isolatedPlacement(
  scope: IConstruct,
  vpc: ec2.IVpc,
  vpcSubnets: ec2.SubnetSelection | undefined,
  requirement: PlacementRequirement,
): ec2.SubnetSelection {
  const selection = vpcSubnets ?? { subnets: vpc.isolatedSubnets };
  const selected = vpc.selectSubnets(selection);
  if (selected.isPendingLookup || Token.isUnresolved(selected.subnetIds)) return selection;
  const where = `${scope.constructor.name} ${scope.node.path}`;
  if (selected.subnets.length === 0) {
    throw new Error(
      `${where}: no subnet to stand in: expected isolated subnets, got a VPC with ` +
        `${vpc.publicSubnets.length} public, ${vpc.privateSubnets.length} private with egress and ` +
        `${vpc.isolatedSubnets.length} isolated subnets; give a VPC with isolated subnets, or name others by ` +
        '`vpcSubnets`',
    );
  }
  if (requirement.zones > 1 && zones(selected) < requirement.zones) {
    throw new Error(
      `${where}: expected subnets in at least ${requirement.zones} availability zones, got ${zones(selected)}: ` +
        requirement.reason,
    );
  }
  return selection;
}

function zones(selected: ec2.SelectedSubnets): number {
  if (selected.subnets.length < 2) return selected.subnets.length;
  return new Set(selected.availabilityZones).size;
}
