import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/** @throws for public subnets, as far as synth can tell them */
export function forbidPublicSubnets(scope: Construct, vpc: ec2.IVpc, vpcSubnets: ec2.SubnetSelection): void {
  const selected = vpc.selectSubnets(vpcSubnets);
  if (selected.isPendingLookup) return;
  const publicIds = new Set(vpc.publicSubnets.map(({ subnetId }) => subnetId));
  const found = selected.subnets.filter(({ subnetId }) => publicIds.has(subnetId));
  if (!selected.hasPublic && found.length === 0) return;
  const paths = found.map(({ node }) => node.path).join(', ') || 'a public one';
  throw new Error(
    `${scope.node.path}: vpcSubnets has public subnets (${paths}), wanted isolated ones: callers' tools run there and must ` +
      'have no way out; change vpcSubnets, or leave it out',
  );
}

/** What a security group lets out, tools can reach: that of a brought one cannot be told here, unless it says so. */
export function validateSandboxGroup(scope: Construct, group: ec2.ISecurityGroup | undefined): void {
  if (!group?.allowAllOutbound) return;
  throw new Error(
    `${scope.node.path}: securityGroup lets everything out, or was imported without a word about it, wanted one that lets ` +
      "nothing out, because callers' tools run behind it: close it and give it with allowAllOutbound: false, or leave it out",
  );
}

/** Messages for a group that is opened to everybody after all, by whomever. What else it is opened to, `LettaChecks` judges. */
export function openedToEverybody(group: ec2.ISecurityGroup): string[] {
  const rules: (ec2.CfnSecurityGroup.EgressProperty | ec2.CfnSecurityGroupEgress)[] = group.node
    .findAll()
    .flatMap((child) => {
      if (child instanceof ec2.CfnSecurityGroupEgress) return [child];
      return child instanceof ec2.CfnSecurityGroup ? (Stack.of(child).resolve(child.securityGroupEgress) ?? []) : [];
    });
  const ranges = rules
    .flatMap(({ cidrIp, cidrIpv6 }) => [cidrIp, cidrIpv6])
    .filter((range) => /\/0+$/.test(range ?? ''));
  return ranges.map(
    (range) =>
      `securityGroup lets callers' tools out to everybody (${range}), wanted one that lets nothing out: take the rule away, and ` +
      'name what tools need by allowFunction(fn) or allowEndpoint(host:port)',
  );
}
