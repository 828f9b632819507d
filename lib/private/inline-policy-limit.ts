import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { AT_LEAST, policySize, ROLE_POLICY_LIMIT } from './policy-size';

/**
 * Lets synth fail when an imported role would get more by inline policies than IAM takes. The CDK moves what is too much of a
 * role that is made to managed policies; of an imported one it does not.
 */
export function limitInlinePolicy(scope: Construct, prop: string, role?: iam.IRole): void {
  if (!role || iam.Role.isRole(role)) return;
  scope.node.addValidation({ validate: () => tooLong(prop, role) });
}

function tooLong(prop: string, role: iam.IRole): string[] {
  const policies = role.node.findAll().filter((child) => child instanceof iam.Policy);
  const sizes = policies.map((policy) => policySize(Stack.of(policy).resolve(policy.document), AT_LEAST));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  if (size <= ROLE_POLICY_LIMIT) return [];
  return [
    `what ${prop} needs is an inline policy of ${size} characters or more, wanted ${ROLE_POLICY_LIMIT} at most together with ` +
      `those that it has: give fewer models, or leave ${prop} out, since what a role that is made here needs is divided, or ` +
      'import it with mutable: false and allow it by managed policies of yours',
  ];
}
