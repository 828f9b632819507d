import { Lazy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/** Matches nothing: EC2 removes its own rule, which lets everything out, when a group is made with any other. */
const NOTHING: ec2.CfnSecurityGroup.EgressProperty = {
  cidrIp: '255.255.255.255/32',
  description: 'Disallow all traffic',
  ipProtocol: 'icmp',
  fromPort: 252,
  toPort: 86,
};

/**
 * A security group that lets nothing in or out but what is added to it.
 *
 * `allowAllOutbound: false` alone leaves the group without a rule of its own once the first rule to another group is
 * added, because that one is a resource beside it; whether EC2's rule then goes is left to CloudFormation. Here a rule
 * that matches nothing stays, so that the group is closed from the moment it is made.
 */
export function closedSecurityGroup(
  scope: Construct,
  id: string,
  props: { readonly vpc: ec2.IVpc; readonly description: string },
): ec2.SecurityGroup {
  const group = new ec2.SecurityGroup(scope, id, { ...props, allowAllOutbound: false });
  const resource = group.node.defaultChild as ec2.CfnSecurityGroup;
  const rules = resource.securityGroupEgress;
  resource.securityGroupEgress = Lazy.uncachedAny({
    produce: (context) => {
      const own = context.resolve(rules);
      return own?.length ? own : [NOTHING];
    },
  });
  return group;
}
