import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as resolver from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';

export interface DnsFirewallProps {
  readonly vpc: ec2.IVpc;
  /** Domains answered besides those of AWS, e.g. `*.corp.example.com`. */
  readonly allowedDomains: string[];
}

/**
 * The resolver of a VPC answers any name, so that data could leave in names looked up: here it answers names of AWS
 * and of the VPC's own hosts, and says of all others that they don't exist.
 */
export class DnsFirewall extends Construct {
  constructor(scope: Construct, id: string, props: DnsFirewallProps) {
    super(scope, id);

    const known = new resolver.CfnFirewallDomainList(this, 'AllowedDomains', {
      domains: [`*.${Stack.of(this).urlSuffix}`, '*.compute.internal', '*.ec2.internal', ...props.allowedDomains],
    });
    const all = new resolver.CfnFirewallDomainList(this, 'AllDomains', { domains: ['*'] });
    const rules = new resolver.CfnFirewallRuleGroup(this, 'Rules', {
      firewallRules: [
        {
          priority: 1,
          action: 'ALLOW',
          firewallDomainListId: known.attrId,
          // Who may answer for AWS's names may also say where they lead.
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
