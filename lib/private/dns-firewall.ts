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
