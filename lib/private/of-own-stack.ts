import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, Dependable } from 'constructs';
import { refersElsewhere } from './endpoint-policy';

/**
 * A role that was brought along, as one of the stack that uses it.
 *
 * The CDK puts the policy of an imported role into the stack where it was imported. That stack would then need what the
 * policy names, and be deployed after the tasks that need the policy. So a role of another stack is imported again.
 *
 * @throws for a role that is made in another stack, whose policy can stand nowhere else
 */
export function roleOfOwnStack(scope: Construct, prop: string, role?: iam.IRole): iam.IRole | undefined {
  const stack = Stack.of(scope);
  if (!role || Stack.of(role) === stack || isImmutable(role)) return role;
  if (!refersElsewhere(role.roleArn, stack))
    return iam.Role.fromRoleArn(scope, `Imported${capital(prop)}`, role.roleArn);
  throw new Error(
    `${scope.node.path}: ${prop} is made in the stack '${Stack.of(role).node.path}', wanted one of '${stack.node.path}' or an ` +
      'imported one: its policy would stand there and name what is made here, while this stack needs the role; make it in this ' +
      `stack, or give ${prop}: iam.Role.fromRoleArn(…, 'arn:…') with its ARN as text`,
  );
}

/**
 * A security group that was brought along, as one of the stack that uses it: the CDK puts rules between it and what is made
 * here into the group's stack, which this one may need.
 */
export function securityGroupOfOwnStack(
  scope: Construct,
  prop: string,
  group?: ec2.ISecurityGroup,
): ec2.ISecurityGroup | undefined {
  if (!group || Stack.of(group) === Stack.of(scope)) return group;
  const { allowAllOutbound } = group;
  return ec2.SecurityGroup.fromSecurityGroupId(scope, `Imported${capital(prop)}`, group.securityGroupId, {
    allowAllOutbound,
    mutable: takesRules(group),
  });
}

/** A role that was imported as immutable stands for another one, and drops what is added to it. */
export function isImmutable(role: iam.IRole): boolean {
  return Dependable.of(role).dependencyRoots[0] !== role;
}

/** A group that was imported as immutable does not say so: the rule that it drops does. */
function takesRules(group: ec2.ISecurityGroup): boolean {
  if (group instanceof ec2.SecurityGroup) return true;
  const before = new Set(group.node.children);
  group.addIngressRule(ec2.Peer.ipv4('192.0.2.1/32'), ec2.Port.tcp(1));
  const added = group.node.children.filter((child) => !before.has(child));
  added.forEach((child) => group.node.tryRemoveChild(child.node.id));
  return added.length > 0;
}

function capital(prop: string): string {
  return prop[0].toUpperCase() + prop.slice(1);
}
