import { SandboxLanguage, SandboxMaximum } from '../../contract';
import { isObject, show } from '../foreign-json';
import { shallowJson } from './shallow-json';

/** Code that Letta wants run. */
export interface ExecuteRequest {
  readonly code: string;
  readonly language: SandboxLanguage;
  readonly environment: Readonly<Record<string, string>>;
  /** Set for a tool's run: Letta sets it last, after all that a user may set. */
  readonly toolId?: string;
  readonly agentId?: string;
}

/** Letta's request is none that the sandbox takes; the message is for the agent. */
export class InvalidRun extends Error {}

/** Bytes of a body: JSON may write a byte in six characters. */
export const MAX_EXECUTE_BODY = 6 * (SandboxMaximum.CODE + SandboxMaximum.ENVIRONMENT) + 64 * 1024;

/** As Letta names them: none for Python, `ts` for TypeScript tools, the rest for its own tool `run_code`. */
const LANGUAGES: ReadonlyMap<unknown, SandboxLanguage> = new Map<unknown, SandboxLanguage>([
  [undefined, 'python'],
  [null, 'python'],
  ['python', 'python'],
  ['js', 'javascript'],
  ['javascript', 'javascript'],
  ['ts', 'typescript'],
  ['typescript', 'typescript'],
]);
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const AGENT = /^agent-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOOL = /^tool-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param inherited environment of the sandbox, which the run's own goes before @throws InvalidRun */
export function executeRequest(body: Buffer, inherited: Readonly<Record<string, string>>): ExecuteRequest {
  const { code, language, env_vars: own } = parsed(body);
  if (typeof code !== 'string') throw new InvalidRun(`the code is ${show(code, 20)}, wanted text`);
  bounded('the code with its arguments', Buffer.byteLength(code), SandboxMaximum.CODE);
  const known = LANGUAGES.get(language);
  if (known === undefined) {
    throw new InvalidRun(
      `the tool sandbox runs Python, JavaScript and TypeScript, got the language ${show(language, 20)}`,
    );
  }
  const environment = environmentOf(isObject(own) ? { ...inherited, ...own } : (own ?? inherited));
  return {
    code,
    language: known,
    environment,
    toolId: TOOL.test(environment.LETTA_TOOL_ID ?? '') ? environment.LETTA_TOOL_ID : undefined,
    agentId: AGENT.test(environment.LETTA_AGENT_ID ?? '') ? environment.LETTA_AGENT_ID : undefined,
  };
}

/** Environment variables as Letta gives them. @throws InvalidRun */
export function environmentOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new InvalidRun('the environment is not an object');
  let bytes = 0;
  for (const [name, text] of Object.entries(value)) {
    // The value may be a secret, and the name is a caller's.
    if (!NAME.test(name))
      throw new InvalidRun('an environment variable has a name that is not of letters, digits and _');
    if (typeof text !== 'string') throw new InvalidRun(`the environment variable ${name} is not text`);
    if (text.includes('\0')) throw new InvalidRun(`the environment variable ${name} holds a NUL character`);
    bytes += name.length + Buffer.byteLength(text);
  }
  bounded('the environment variables together', bytes, SandboxMaximum.ENVIRONMENT);
  return value as Readonly<Record<string, string>>;
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = shallowJson(body);
  } catch (error) {
    throw new InvalidRun(`the request cannot be read: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new InvalidRun('the request is not a JSON object');
  return value;
}

function bounded(what: string, bytes: number, most: number): void {
  if (bytes > most) throw new InvalidRun(`${what} are ${bytes} bytes, more than the tool sandbox takes (${most})`);
}
