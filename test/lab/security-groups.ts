import type { Template } from './template';

interface Rule {
  readonly GroupId: string;
  readonly SourceSecurityGroupId?: string;
  readonly DestinationSecurityGroupId?: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
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

/** Ports on which somebody in one group may send to somebody in another: both sides have a rule for them. */
export function openPorts(template: Template, from: string[], to: string[]): number[] {
  const rules = (type: string): Rule[] => template.ofType(type).map(([id]) => template.properties<Rule>(id));
  const admitted = rules('AWS::EC2::SecurityGroupIngress').filter(
    ({ GroupId, SourceSecurityGroupId: source }) =>
      to.includes(GroupId) && source !== undefined && from.includes(source),
  );
  const sent = rules('AWS::EC2::SecurityGroupEgress').filter(
    ({ GroupId, DestinationSecurityGroupId: peer }) =>
      from.includes(GroupId) && peer !== undefined && to.includes(peer),
  );
  const admittedPorts = admitted.map(onePort);
  return [...new Set(sent.map(onePort))].filter((port) => admittedPorts.includes(port));
}

function onePort({ FromPort, ToPort }: Rule): number {
  if (FromPort === undefined || FromPort !== ToPort) {
    throw new Error(`the lab knows rules of one port only, got ${FromPort} to ${ToPort}`);
  }
  return FromPort;
}
