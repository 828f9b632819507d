import { SandboxLimits, SandboxMaximum, SandboxSettings } from '../../contract';
import { canonicalDestination } from '../egress/egress-target';
import { Fields, isObject, show } from '../foreign-json';

const FUNCTION_ARN = /^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?$/;
/** AgentCore API reference, StartCodeInterpreterSession. */
const CODE_INTERPRETER_ID = /^(aws\.codeinterpreter\.v1|[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10})$/;
const MOST_RUNS_PER_AGENT = 1_000;
/** The longest that a session may last at AgentCore: 8 hours. */
const MOST_SESSION_SECONDS = 28_800;

/** What the gateway is told of the tool sandbox, validated. @throws Error that says what is wrong */
export function sandboxSettings(value: unknown): SandboxSettings {
  if (!isObject(value)) throw new Error(`got ${show(value)}, wanted an object`);
  const limits: SandboxLimits = {
    timeoutSeconds: integer(value, 'timeoutSeconds', SandboxMaximum.TIMEOUT_SECONDS),
    maxRunsPerAgent: integer(value, 'maxRunsPerAgent', MOST_RUNS_PER_AGENT),
  };
  switch (value.kind) {
    case 'function':
      return {
        kind: 'function',
        ...limits,
        functionArn: matching(value, 'functionArn', FUNCTION_ARN),
        allowedEndpoints: endpoints(value.allowedEndpoints),
      };
    case 'codeInterpreter':
      return {
        kind: 'codeInterpreter',
        ...limits,
        codeInterpreterId: matching(value, 'codeInterpreterId', CODE_INTERPRETER_ID),
        sessionIdleSeconds: integer(value, 'sessionIdleSeconds', MOST_SESSION_SECONDS),
      };
    default:
      throw new Error(`kind is ${show(value.kind)}, wanted function or codeInterpreter`);
  }
}

function integer(fields: Fields, name: string, most: number): number {
  const value = fields[name];
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
  throw new Error(`${name} is ${show(value)}, wanted an integer from 1 to ${most}`);
}

function matching(fields: Fields, name: string, pattern: RegExp): string {
  const value = fields[name];
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new Error(`${name} is ${show(value)}, wanted ${pattern}`);
}

function endpoints(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error(`allowedEndpoints is ${show(value)}, wanted a list of host:port`);
  return value.map((item: unknown) => {
    const destination = typeof item === 'string' ? canonicalDestination(item) : undefined;
    if (destination === undefined)
      throw new Error(`allowedEndpoints holds ${show(item)}, wanted host:port such as api.example.com:443`);
    return destination;
  });
}
