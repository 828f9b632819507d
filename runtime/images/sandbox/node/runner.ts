import { readFileSync, writeSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { inspect } from 'node:util';
import vm from 'node:vm';
import { toScript } from './script';

/** Where `import` and `require` of a tool look for packages: beside this file's folder. */
const TOOL = '/opt/sandbox/tool.mjs';
const LONGEST_TRACEBACK = 32 * 1024;

interface Job {
  readonly code: string;
  readonly environment: Record<string, string>;
}

/**
 * Runs one piece of JavaScript or TypeScript as a notebook does: its result is the value of its last expression.
 *
 * @throws whatever the code throws; SyntaxError if it is none
 */
async function run(code: string, language: string): Promise<unknown> {
  // Node reads these only at its start, before the run has them. An older one of `nodeBaseImage` cannot do that.
  if (process.env.HTTP_PROXY) process.getBuiltinModule('node:http').setGlobalProxyFromEnv?.(process.env);
  const javaScript = language === 'typescript' ? stripTypeScriptTypes(code, { mode: 'transform' }) : code;
  const script = new vm.Script(toScript(javaScript), {
    filename: TOOL,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  Object.assign(globalThis, { require: createRequire(TOOL) });
  return (await (script.runInThisContext() as Promise<unknown[]>))[0];
}

function describe(error: unknown): { name: string; value: string; traceback: string } {
  try {
    if (!(error instanceof Error)) return { name: 'Error', value: inspect(error), traceback: inspect(error) };
    const value = String(error.message).slice(0, LONGEST_TRACEBACK);
    const name = String(error.name).slice(0, 256);
    return { name, value, traceback: String(error.stack ?? `${name}: ${value}`).slice(0, LONGEST_TRACEBACK) };
  } catch {
    return { name: 'Error', value: '(it cannot be made a string)', traceback: '' };
  }
}

/** Leaves at once: what the tool has still going on is not waited for. */
function finish(answer: object): never {
  let data = Buffer.from(JSON.stringify(answer));
  while (data.length > 0) data = data.subarray(writeSync(4, data));
  process.exit(0);
}

const { code, environment } = JSON.parse(readFileSync(3, 'utf8')) as Job;
for (const name of Object.keys(process.env)) delete process.env[name];
Object.assign(process.env, environment);
process.on('uncaughtException', (error) => finish({ error: describe(error) }));
run(code, process.argv[2]).then(
  (value) =>
    finish(value === undefined || value === null ? {} : { result: typeof value === 'string' ? value : inspect(value) }),
  (error: unknown) => finish({ error: describe(error) }),
);
