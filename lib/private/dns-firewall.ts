import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as resolver from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';

export interface DnsFirewallProps {
  readonly vpc: ec2.IVpc;
  /** The domains that are answered, e.g. `*.corp.example.com`; a lazy list. */
  readonly domains: string[];
}

/**
 * The resolver of a VPC answers any name, and no security group filters what it is asked, so that data could leave in names
 * looked up: here it answers the names of a list and says of all others that they don't exist.
 *
 * While the firewall itself is out of order nothing is answered: that is the default of a VPC ("DNS Firewall VPC
 * configuration", Amazon Route 53 Developer Guide), and CloudFormation cannot change it.
 */
export class DnsFirewall extends Construct {
  constructor(scope: Construct, id: string, props: DnsFirewallProps) {
    super(scope, id);

    const known = new resolver.CfnFirewallDomainList(this, 'AllowedDomains', {
      domains: props.domains,
    });
    const all = new resolver.CfnFirewallDomainList(this, 'AllDomains', { domains: ['*'] });
    const rules = new resolver.CfnFirewallRuleGroup(this, 'Rules', {
      firewallRules: [
        {
          priority: 1,
          action: 'ALLOW',
          firewallDomainListId: known.attrId,
          // Who may answer for these names may also say where they lead.
          firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
        },
        { priority: 2, action: 'BLOCK', blockResponse: 'NXDOMAIN', firewallDomainListId: all.attrId },
      ],
    });
    new resolver.CfnFirewallRuleGroupAssociation(this, 'Association', {
      firewallRuleGroupId: rules.attrId,
      vpcId: props.vpc.vpcId,
      priority: 101,
    });
  }
}

const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
/** "FirewallDomainList", AWS CloudFormation Template Reference: an asterisk may stand in front, and there are 255 characters at most. */
const NAME = new RegExp(`^(?=.{1,255}$)(\\*\\.)?(${LABEL}\\.)*${LABEL}\\.?$`, 'i');

/** Names to be answered. Tokens pass. @throws for every name at once, for what is no name, and for a list that is a token */
export function requireNames(path: string, names: string[] = []): void {
  if (names.some((name) => Token.isUnresolved([name]))) {
    throw new Error(
      `SealedNetwork ${path}: allowedDomains is a list that is known only at deployment, wanted one whose length is known at ` +
        'synth (its items may be tokens): write the list out',
    );
  }
  for (const name of names) {
    if (Token.isUnresolved(name)) continue;
    const isAll = /^\*\.?$/.test(name);
    if (!isAll && NAME.test(name)) continue;
    throw new Error(
      `SealedNetwork ${path}: allowedDomains holds '${name}', which is ` +
        `${isAll ? 'every name, so that data can leave in names' : 'no name'}, wanted names such as 'mcp.example.com' or ` +
        `'*.corp.example.com': ${isAll ? 'name them, or say dnsFirewall: false' : 'change it'}`,
    );
  }
}
