import { LettaParts } from './letta-parts';
import { Fault, fault } from './rule';
import { Sandbox, sandboxRole } from './sandbox-parts';
import { covers, Statement, statementsOf } from './statements';
import { keysIn, list, Resource, text } from './template';

/** Carried by requests of a function's code, and by what Lambda writes into the function's log. */
const FROM_CODE = 'lambda:sourcefunctionarn';

/** Writing its own log cannot be refused to the code without refusing it to Lambda. */
const OWN_LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** An action on a resource, both as patterns. */
type Call = [action: string, resource: string];

/** What code in the sandbox may do by the sandbox's role. What Lambda itself needs is refused to the code. */
export function codeOfSandboxMay(parts: LettaParts, sandbox: Sandbox): Fault[] {
  const role = sandboxRole(parts, sandbox);
  if (!role) return [];
  const statements = statementsOf(parts, role);
  const refusals = statements.filter((statement) => refusesCode(statement, sandbox.resource));
  const isHarmless = (call: Call): boolean =>
    left(refusals, call).every(
      (each) => !isPossible(parts, each) || isAllowedFunction(parts, each) || isOwnLog(sandbox, each),
    );
  const allowed = statements
    .filter(({ allows }) => allows)
    .flatMap(({ resource, location, actions, resources }) => {
      const calls = actions.flatMap((action) => resources.map((on): Call => [action, on]));
      const found = calls.find((call) => !isHarmless(call));
      return found ? [fault(resource, location, found.join(' on '))] : [];
    });
  // What a managed policy says is not looked at: it is harmless if all is refused but what was allowed by name.
  const managed = list(role.properties.ManagedPolicyArns).map(text);
  const open = isHarmless(['*', '*']) ? [] : managed;
  return [...allowed, ...open.map((arn) => fault(role, 'ManagedPolicyArns', arn))];
}

/** A statement that refuses something to the code of this function, whatever else stands in the request. */
function refusesCode({ allows, conditions }: Statement, sandbox: Resource): boolean {
  const isAboutCode = ({ key, operator, values }: Statement['conditions'][number]): boolean => {
    if (key !== FROM_CODE || sandbox.type !== 'AWS::Lambda::Function') return false;
    if (/^Null$/i.test(operator)) return values.every((value) => value === 'false');
    const own = values.some((value) => value === '*' || keysIn(value).includes(sandbox.key));
    return own && /^(String|Arn)(Equals|Like)(IfExists)?$/.test(operator);
  };
  return !allows && conditions.every(isAboutCode);
}

/** What of a call the statements do not refuse: all of it, what they leave out, or nothing. */
function left(refusals: Statement[], call: Call): Call[] {
  let calls = [call];
  // One statement may refuse what another one leaves out, whichever comes first.
  for (const refusal of [...refusals, ...refusals]) calls = calls.flatMap((each) => without(each, refusal));
  return calls;
}

function without([action, resource]: Call, { actions, resources, except }: Statement): Call[] {
  const isMeant =
    actions.some((pattern) => covers(pattern, action)) && resources.some((pattern) => covers(pattern, resource));
  if (!isMeant) return [[action, resource]];
  return [
    ...common(except.actions, action).map((each): Call => [each, resource]),
    ...common(except.resources, resource).map((each): Call => [action, each]),
  ];
}

/** The narrower one of each pattern and a text, where they meet. */
function common(patterns: string[], wanted: string): string[] {
  return patterns.flatMap((pattern) => {
    if (covers(wanted, pattern)) return [pattern];
    return covers(pattern, wanted) ? [wanted] : [];
  });
}

/** Actions act on resources of their own service: what is left of one on a resource of another is nothing. */
function isPossible(parts: LettaParts, [action, resource]: Call): boolean {
  const [service] = action.toLowerCase().split(':');
  const named = /^<[^<>]+>$/.test(resource) ? parts.templates.named(resource)[0]?.type.split('::')[1] : undefined;
  const own = (named ?? /^arn:(?:<[^<>]+>|[^:]*):([a-z0-9-]+):/.exec(resource)?.[1])?.toLowerCase();
  return own === undefined || service === '*' || service === own;
}

/** Calling one function that is named to the end and is no step of Letta's deployment. */
function isAllowedFunction(parts: LettaParts, [action, resource]: Call): boolean {
  const isNamed = /:lambda:.*:function:/.test(resource) || /^(<[^<>]+>|Fn::ImportValue\(.*\))$/.test(resource);
  if (action !== 'lambda:InvokeFunction' || /[*?]/.test(resource) || !isNamed) return false;
  const own = parts.ofType('AWS::Lambda::Function').map(({ key }) => key);
  return !keysIn(resource).some((key) => own.includes(key));
}

function isOwnLog({ resource: sandbox }: Sandbox, [action, resource]: Call): boolean {
  const group = keysIn(sandbox.properties.LoggingConfig?.LogGroup)[0];
  return OWN_LOG.includes(action) && group !== undefined && keysIn(resource)[0] === group;
}
