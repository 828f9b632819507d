import type { Template } from './template';

interface Rule {
  readonly GroupId: string;
  readonly SourceSecurityGroupId?: string;
  readonly DestinationSecurityGroupId?: string;
}

interface Service {
  readonly NetworkConfiguration: { readonly AwsvpcConfiguration: { readonly SecurityGroups: string[] } };
}

/** Security groups of the service's tasks. */
export function serviceGroups(template: Template): string[] {
  const [id] = template.only('AWS::ECS::Service');
  return template.properties<Service>(id).NetworkConfiguration.AwsvpcConfiguration.SecurityGroups;
}

/**
 * Which security groups somebody in some of them may send to: both sides have a rule that names the other, inside of the
 * group or beside it. The lab has one port for each peer, so ports don't count.
 */
export function reachableGroups(template: Template, groups: string[]): Set<string> {
  const rules = (type: string): Rule[] => template.ofType(type).map(([id]) => template.properties<Rule>(id));
  const admitted = rules('AWS::EC2::SecurityGroupIngress')
    .filter(({ SourceSecurityGroupId: source }) => source !== undefined && groups.includes(source))
    .map(({ GroupId }) => GroupId);
  const sent = rules('AWS::EC2::SecurityGroupEgress')
    .filter(({ GroupId }) => groups.includes(GroupId))
    .map(({ DestinationSecurityGroupId }) => DestinationSecurityGroupId);
  return new Set(admitted.filter((group) => sent.includes(group)));
}
