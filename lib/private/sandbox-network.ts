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

/** Every rule by which a group lets out, wherever in the app it is written, as far as it says to whom and on which port. */
function rulesOut(group: ec2.ISecurityGroup): ec2.CfnSecurityGroup.EgressProperty[] {
  const own = group.node.defaultChild;
  return group.node.root.node.findAll().flatMap((child) => {
    if (child instanceof ec2.CfnSecurityGroupEgress && child.groupId === group.securityGroupId) return [child];
    if (!(child instanceof ec2.CfnSecurityGroup) || child !== own) return [];
    const inline: ec2.CfnSecurityGroup.EgressProperty[] | undefined = Stack.of(child).resolve(
      child.securityGroupEgress,
    );
    return inline ?? [];
  });
}

/** A rule that stands for none: the CDK's and ours. */
function closes({ cidrIp, ipProtocol }: ec2.CfnSecurityGroup.EgressProperty): boolean {
  return cidrIp === '255.255.255.255/32' && ipProtocol === 'icmp';
}

/**
 * Messages for what a sandbox's group lets out though nobody declared it, by whomever it was opened: on other ports than those
 * of the ways out, or to everybody. To whom else the ports of the ways lead, `LettaChecks` judge.
 */
export function undeclaredRules(group: ec2.ISecurityGroup, declaredPorts: number[]): string[] {
  return rulesOut(group)
    .filter((rule) => !closes(rule))
    .filter(({ cidrIp, cidrIpv6, fromPort, toPort }) => {
      const declared = fromPort === toPort && declaredPorts.includes(Number(fromPort));
      return !declared || [cidrIp, cidrIpv6].some((range) => /\/0+$/.test(range ?? ''));
    })
    .map(
      ({ cidrIp, cidrIpv6, ipProtocol, fromPort, description }) =>
        `securityGroup lets callers' tools out to ${cidrIp ?? cidrIpv6 ?? 'another group'} on ${ipProtocol} ${fromPort ?? ''} ` +
        `('${description ?? ''}'), wanted one that lets out what is declared and nothing else: take the rule away, give a group ` +
        'that nothing else has, and name what tools need by allowFunction(fn) or allowEndpoint(host:port)',
    );
}
