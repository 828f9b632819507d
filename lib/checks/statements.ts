import { LettaParts } from './letta-parts';
import { keysIn, list, Properties, Resource, text } from './template';

/** A statement of a policy. */
export interface Statement {
  /** Resource that the policy is written in. */
  readonly resource: Resource;
  /** Where in it. */
  readonly location: string;
  readonly allows: boolean;
  readonly actions: string[];
  readonly resources: string[];
  /** What NotAction and NotResource leave out. */
  readonly except: { readonly actions: string[]; readonly resources: string[] };
  readonly principal: unknown;
  readonly conditions: Condition[];
}

/** One condition of a statement. */
export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: string[];
}

/**
 * Statements of a policy document. All but some is judged as all: NotAction allows what AWS has not invented yet, and
 * NotResource and NotPrincipal the resources and principals of everybody else.
 */
export function statementsIn(resource: Resource, location: string, document: unknown): Statement[] {
  return list((document as Properties | undefined)?.Statement).map((statement: Properties, index) => ({
    resource,
    location: `${location}/Statement/${index}`,
    allows: statement.Effect === 'Allow',
    actions: statement.NotAction === undefined ? list(statement.Action).map(text) : ['*'],
    resources: statement.NotResource === undefined ? list(statement.Resource).map(text) : ['*'],
    except: { actions: list(statement.NotAction).map(text), resources: list(statement.NotResource).map(text) },
    principal: statement.NotPrincipal === undefined ? statement.Principal : '*',
    conditions: Object.entries((statement.Condition ?? {}) as Record<string, Properties>).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => ({
        // Asks for one equal value at least, as the operator without it does; ForAllValues lets requests without pass.
        operator: operator.replace(/^ForAnyValue:/i, ''),
        key: key.toLowerCase(),
        values: list(values).map(text),
      })),
    ),
  }));
}

/** Statements of a role's own policies, wherever they are written. */
export function statementsOf(parts: LettaParts, role: Resource): readonly Statement[] {
  const known = ofRoles.get(role) ?? readStatements(parts, role);
  ofRoles.set(role, known);
  return known;
}

/** A resource belongs to one reading of the templates, in which many rules ask for its statements. */
const ofRoles = new WeakMap<Resource, readonly Statement[]>();

function readStatements(parts: LettaParts, role: Resource): Statement[] {
  const inline = list(role.properties.Policies).flatMap((policy: Properties, index) =>
    statementsIn(role, `Policies/${index}/PolicyDocument`, policy.PolicyDocument),
  );
  const attached = parts.templates
    .ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy')
    .filter(
      ({ properties, key }) =>
        keysIn(properties.Roles).includes(role.key) ||
        keysIn(properties.RoleName).includes(role.key) ||
        keysIn(role.properties.ManagedPolicyArns).includes(key),
    )
    .flatMap((policy) => statementsIn(policy, 'PolicyDocument', policy.properties.PolicyDocument));
  return [...inline, ...attached];
}

/** Whether a role may do more than the app says: by a policy that is managed outside of it, and not by AWS. */
export function isPartlyKnown(parts: LettaParts, role: Resource): boolean {
  const outside = (arn: unknown): boolean =>
    parts.templates.named(arn).length === 0 && !/:iam::aws:policy\//.test(text(arn));
  return role.imported === true || list(role.properties.ManagedPolicyArns).some(outside);
}

/** Whether a resource of a policy is one secret: its ARN, or the ARN of the name that it was given. */
export function isSecret(parts: LettaParts, resource: string, secret: string): boolean {
  if (resource === secret || resource === `${secret}-??????`) return true;
  const pattern = /:secret:(.+?)(-(\?{6}|\*))?$/.exec(resource)?.[1];
  return parts.templates.named(secret).some(({ properties: { Name: name } }) => name && pattern === text(name));
}

/** Whether a pattern of a policy (`*` and `?`) covers a text. */
export function covers(pattern: string, value: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern.toLowerCase() === value.toLowerCase();
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${expression}$`, 'i').test(value);
}

/** Whether a statement allows one of these actions. */
export function allowsAny(statement: Statement, actions: string[]): boolean {
  return statement.allows && statement.actions.some((pattern) => actions.some((action) => covers(pattern, action)));
}

/** The condition on a key that only lets equal values pass. */
export function equalCondition({ conditions }: Statement, key: string): Condition | undefined {
  return conditions.find(
    (condition) =>
      condition.key === key.toLowerCase() && /^(String|Arn)(Equals|Like)(IgnoreCase)?$/.test(condition.operator),
  );
}

/** Whether everybody is meant. */
export function isEverybody(principal: unknown): boolean {
  return list(principal).some((each) => (typeof each === 'object' ? list(each.AWS).includes('*') : each === '*'));
}

/** Roles of the tasks, by what they are for. */
export function taskRoles(parts: LettaParts, property: 'TaskRoleArn' | 'ExecutionRoleArn'): Resource[] {
  return parts.templates
    .named(parts.tasks.map(({ properties }) => properties[property]))
    .filter(({ type }) => type === 'AWS::IAM::Role');
}
