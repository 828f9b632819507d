import { LettaParts } from './letta-parts';
import { Fault, fault } from './rule';
import { Sandbox, sandboxRole } from './sandbox-parts';
import { covers, Statement, statementsOf } from './statements';
import { keysIn, list, Resource, text } from './template';

/** Carried by requests of a function's code, and by them alone: what Lambda itself does by the role is without it. */
const FROM_CODE = 'lambda:sourcefunctionarn';

/** An action on a resource, both as patterns. */
type Call = [action: string, resource: string];

/** What code in the sandbox may do by the sandbox's role. What Lambda itself needs is refused to the code. */
export function codeOfSandboxMay(parts: LettaParts, sandbox: Sandbox): Fault[] {
  const role = sandboxRole(parts, sandbox);
  if (!role) return [];
  const statements = statementsOf(parts, role);
  const refusals = statements.filter((statement) => refusesCode(statement, sandbox.resource));
  const isHarmless = (call: Call): boolean =>
    left(refusals, call).every(([action, resource]) => isAllowedFunction(parts, action, resource));
  const allowed = statements
    .filter(({ allows }) => allows)
    .flatMap(({ resource, location, actions, resources }) => {
      const calls = actions.flatMap((action) => resources.map((on): Call => [action, on]));
      const found = calls.find((call) => !isHarmless(call));
      return found ? [fault(resource, location, found.join(' on '))] : [];
    });
  // What a managed policy says is not looked at: it is harmless if all is refused but to call what was allowed by name.
  const managed = list(role.properties.ManagedPolicyArns).map(text);
  const isSealed = refusals.some(
    ({ actions, resources, except }) =>
      actions.includes('*') &&
      resources.includes('*') &&
      except.actions.length === 0 &&
      except.resources.every((arn) => isAllowedFunction(parts, 'lambda:InvokeFunction', arn)),
  );
  return [...allowed, ...(isSealed ? [] : managed.map((arn) => fault(role, 'ManagedPolicyArns', arn)))];
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

/** What of a call the statements do not refuse: all of it, what the best of them leaves out, or nothing. */
function left(refusals: Statement[], [action, resource]: Call): Call[] {
  const leftBy = refusals
    .filter(
      ({ actions, resources, except }) =>
        actions.some((pattern) => covers(pattern, action)) &&
        !except.actions.some((pattern) => overlap(pattern, action)) &&
        resources.some((pattern) => covers(pattern, resource)),
    )
    .map(({ except }) =>
      except.resources
        .filter((excepted) => overlap(excepted, resource))
        .map((excepted): Call => [action, covers(resource, excepted) ? excepted : resource])
        .filter(([, excepted]) => /^(lambda:|\*$)/i.test(action) || !isFunction(excepted)),
    );
  return leftBy.reduce((best, each) => (each.length < best.length ? each : best), [[action, resource] as Call]);
}

function overlap(one: string, other: string): boolean {
  return covers(one, other) || covers(other, one);
}

/** ARNs of functions, and what only CloudFormation knows. */
function isFunction(arn: string): boolean {
  return /:lambda:.*:function:/.test(arn) || /^(<[^<>]+>|Fn::ImportValue\(.*\))$/.test(arn);
}

/** Calling one function that is named to the end and is no step of Letta's deployment. */
function isAllowedFunction(parts: LettaParts, action: string, resource: string): boolean {
  if (action !== 'lambda:InvokeFunction' || /[*?]/.test(resource) || !isFunction(resource)) return false;
  const own = parts.ofType('AWS::Lambda::Function').map(({ key }) => key);
  return !keysIn(resource).some((key) => own.includes(key));
}
