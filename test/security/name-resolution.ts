import type { Deployment } from './deployment';

interface FirewallRule {
  readonly Action: string;
  readonly FirewallDomainListId: string;
  readonly Priority: number;
}

/** What the VPC's resolver answers: the DNS firewall's rules in their order; a name that none is about is answered. */
export function isResolved(deployment: Deployment, name: string): boolean {
  const lists = new Map(
    deployment
      .ofType('AWS::Route53Resolver::FirewallDomainList')
      .map((list) => [
        list.template.resolve({ 'Fn::GetAtt': [list.id, 'Id'] }),
        deployment.properties<{ Domains: string[] }>(list).Domains,
      ]),
  );
  const associated = deployment
    .ofType('AWS::Route53Resolver::FirewallRuleGroupAssociation')
    .map((association) => deployment.properties<{ FirewallRuleGroupId: string }>(association).FirewallRuleGroupId);
  const rules = deployment
    .ofType('AWS::Route53Resolver::FirewallRuleGroup')
    .filter((group) => associated.includes(String(group.template.resolve({ 'Fn::GetAtt': [group.id, 'Id'] }))))
    .flatMap((group) => deployment.properties<{ FirewallRules: FirewallRule[] }>(group).FirewallRules)
    .sort((one, other) => one.Priority - other.Priority);
  const decisive = rules.find(({ FirewallDomainListId }) =>
    lists.get(FirewallDomainListId)!.some((domain) => covers(domain, name)),
  );
  return decisive?.Action !== 'BLOCK';
}

/** `*.x` covers what is below x and not x itself. Source: "Resolver DNS Firewall domain lists", Route 53 Developer Guide. */
function covers(domain: string, name: string): boolean {
  if (domain === '*') return true;
  return domain.startsWith('*.') ? name.endsWith(domain.slice(1)) : name === domain;
}
