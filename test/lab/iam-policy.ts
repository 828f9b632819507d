/**
 * Decides as IAM does, for what our policies use: Allow and Deny with actions, resources and string conditions.
 * Anything else in a policy is an error, so that this stays honest.
 */

/** A statement of a policy document whose values are resolved. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
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
    const known = ['Effect', 'Action', 'Resource', 'Condition', 'Sid', 'Principal'].includes(key);
    if (
      !known ||
      (statement.Principal && JSON.stringify(statement.Principal).replace('{"AWS":"*"}', '"*"') !== '"*"')
    ) {
      throw new Error(`the lab's policy evaluator does not know '${key}' of statement ${JSON.stringify(statement)}`);
    }
  }
  return (
    list(statement.Action).some((action) => matches(request.action.toLowerCase(), action.toLowerCase())) &&
    list(statement.Resource).some((resource) => matches(request.resource, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => holds(operator, keys, request))
  );
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

function matches(value: string, pattern: string): boolean {
  const expression = pattern
    .split('')
    .map((character) =>
      character === '*' ? '.*' : character === '?' ? '.' : character.replace(/[\\^$+.()|[\]{}]/, '\\$&'),
    )
    .join('');
  return new RegExp(`^${expression}$`, 's').test(value);
}

function list(value: string | string[]): string[] {
  return Array.isArray(value) ? value : [value];
}
