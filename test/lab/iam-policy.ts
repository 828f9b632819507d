/**
 * Decides as IAM does, for what our policies use: Allow and Deny with actions, resources and string conditions.
 * Anything else in a policy is an error, so that this stays honest.
 */

/** A statement of a policy document whose values are resolved. */
export interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource?: string | string[];
  readonly NotResource?: string | string[];
  readonly Condition?: Record<string, Record<string, string | string[]>>;
  /** In policies of endpoints; those of ours name everybody and restrict by condition. */
  readonly Principal?: '*' | { readonly AWS: '*' };
}

export interface AccessRequest {
  /** Such as `bedrock:InvokeModel`. */
  readonly action: string;
  /** ARN, or `*` for an action without a resource type. */
  readonly resource: string;
  /** Condition keys of the request, such as `bedrock:InferenceProfileArn`. */
  readonly context?: Record<string, string | undefined>;
}

const operators: Record<string, (value: string, pattern: string) => boolean> = {
  StringEquals: (value, pattern) => value === pattern,
  StringLike: matches,
  ArnEquals: matches,
  ArnLike: matches,
};

/** Whether the statements allow the request; nothing is allowed that no statement allows. */
export function isAllowed(statements: Statement[], request: AccessRequest): boolean {
  const hits = statements.filter((statement) => applies(statement, request));
  return hits.length > 0 && hits.every((statement) => statement.Effect === 'Allow');
}

function applies(statement: Statement, request: AccessRequest): boolean {
  for (const key of Object.keys(statement)) {
    const known = ['Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition', 'Sid', 'Principal'];
    if (
      !known.includes(key) ||
      (statement.Principal && JSON.stringify(statement.Principal).replace('{"AWS":"*"}', '"*"') !== '"*"')
    ) {
      throw new Error(`the lab's policy evaluator does not know '${key}' of statement ${JSON.stringify(statement)}`);
    }
  }
  const isAction = (action: string) => matches(request.action.toLowerCase(), action.toLowerCase());
  const isResource = (resource: string) => matches(request.resource, resource);
  return (
    named(statement.Action, statement.NotAction, isAction) &&
    named(statement.Resource, statement.NotResource, isResource) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => holds(operator, keys, request))
  );
}

/** Whether one of the patterns fits or, of those that except, none; a statement has exactly one of both lists. */
function named(
  patterns: string | string[] | undefined,
  excepted: string | string[] | undefined,
  fits: (pattern: string) => boolean,
): boolean {
  if ((patterns === undefined) === (excepted === undefined)) {
    throw new Error('a statement wants exactly one of Action and NotAction, and one of Resource and NotResource');
  }
  return patterns === undefined ? !list(excepted!).some(fits) : list(patterns).some(fits);
}

function holds(operator: string, keys: Record<string, string | string[]>, request: AccessRequest): boolean {
  return Object.entries(keys).every(([key, patterns]) => {
    const value = request.context?.[key];
    if (operator === 'Null')
      return list(patterns).some((wanted) => (value === undefined) === (String(wanted) === 'true'));
    const [name, optional] = [operator.replace(/IfExists$/, ''), operator.endsWith('IfExists')];
    if (!operators[name]) throw new Error(`the lab's policy evaluator does not know the operator '${operator}'`);
    if (value === undefined) return optional;
    return list(patterns).some((pattern) => operators[name](value, pattern));
  });
}

/** Compiled once: the lab asks the same policies at every call. */
const expressions = new Map<string, RegExp>();

function matches(value: string, pattern: string): boolean {
  const expression = expressions.get(pattern) ?? expressionOf(pattern);
  expressions.set(pattern, expression);
  return expression.test(value);
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern
    .split('')
    .map((character) =>
      character === '*' ? '.*' : character === '?' ? '.' : character.replace(/[\\^$+.()|[\]{}]/, '\\$&'),
    );
  return new RegExp(`^${parts.join('')}$`, 's');
}

function list(value: string | string[]): string[] {
  return Array.isArray(value) ? value : [value];
}
