import type { Statement } from './iam-policy';
import type { Template } from './template';

interface PolicyDocument {
  readonly Statement: Statement[];
}

/** Statements of a role's inline policies, as the template attaches them. AWS's managed policies are not among them. */
export function rolePolicies(template: Template, roleId: string): Statement[] {
  const inline = (template.resource(roleId).Properties?.Policies ?? []) as { PolicyDocument: PolicyDocument }[];
  const attached = [...template.ofType('AWS::IAM::Policy'), ...template.ofType('AWS::IAM::ManagedPolicy')]
    .filter(([, policy]) => ((policy.Properties?.Roles ?? []) as { Ref?: string }[]).some(({ Ref }) => Ref === roleId))
    .map(([, policy]) => policy.Properties as unknown as { PolicyDocument: PolicyDocument });
  return [...inline, ...attached].flatMap(
    ({ PolicyDocument }) => (template.resolve(PolicyDocument) as PolicyDocument).Statement,
  );
}
