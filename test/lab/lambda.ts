import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Account } from './account';
import { Container } from './container';
import type { IssuedKeys } from './credentials';
import type { Mount } from './image';
import type { LogFile } from './logs';
import type { TaskNamespace } from './namespace';
import { within } from './wait';

/** A function as its resource describes it, and what Lambda gives it. */
export interface FunctionOptions {
  readonly name: string;
  /** Folder of its code. */
  readonly code: string;
  /** Such as `index.onEvent`. */
  readonly handler: string;
  readonly environment: Record<string, string>;
  readonly timeoutSeconds: number;
  readonly keys: IssuedKeys;
  readonly namespace: TaskNamespace;
  readonly hosts: string;
  /** Folder with `bin/node`. */
  readonly node: string;
  /** PEM file of the lab's authority for AWS endpoints: Lambda's own trust. */
  readonly awsCa: string;
  /** What is put in place of files of the code, such as the authorities of RDS. */
  readonly replace: Mount[];
  readonly folder: string;
  readonly log: LogFile;
}

/** Loads the handler as Lambda's Node runtime does and prints its answer behind a mark. */
const bootstrap = `
const [mark, handler, milliseconds] = process.argv.slice(2);
const deadline = Date.now() + Number(milliseconds);
const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
const [file, name] = handler.split('.');
let input = '';
process.stdin.on('data', (chunk) => (input += chunk)).on('end', async () => {
  try {
    const answer = await require('/var/task/' + file)[name](JSON.parse(input), context);
    process.stdout.write('\\n' + mark + JSON.stringify({ answer }) + '\\n', () => process.exit(0));
  } catch (error) {
    process.stdout.write('\\n' + mark + JSON.stringify({ error: error.message, stack: error.stack }) + '\\n', () => process.exit(1));
  }
});
`;

/**
 * Invokes a function once, in a process of its own with Lambda's environment, on the Node that Lambda would run it on.
 *
 * @throws Error with the function's own message
 */
export async function invokeFunction(options: FunctionOptions, event: unknown): Promise<unknown> {
  mkdirSync(options.folder, { recursive: true });
  const mark = `lab-answer-${randomUUID()} `;
  const runtime = path.join(options.folder, `${options.name}-bootstrap.js`);
  writeFileSync(runtime, bootstrap);
  const container = Container.start({
    name: `function-${options.name}-${mark.slice(11, 19)}`,
    namespace: options.namespace.name,
    command: [
      '/usr/local/bin/node',
      '/var/runtime/bootstrap.js',
      mark,
      options.handler,
      `${options.timeoutSeconds * 1000}`,
    ],
    environment: {
      ...options.environment,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      AWS_REGION: Account.REGION,
      AWS_DEFAULT_REGION: Account.REGION,
      AWS_LAMBDA_FUNCTION_NAME: options.name,
      AWS_ACCESS_KEY_ID: options.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: options.keys.secretAccessKey,
      AWS_SESSION_TOKEN: options.keys.sessionToken,
      NODE_EXTRA_CA_CERTS: '/var/runtime/ca.pem',
      LAMBDA_TASK_ROOT: '/var/task',
    },
    user: '993:990',
    workingDirectory: '/var/task',
    mounts: [
      { source: options.node, target: '/usr/local' },
      { source: options.code, target: '/var/task' },
      { source: runtime, target: '/var/runtime/bootstrap.js' },
      { source: options.awsCa, target: '/var/runtime/ca.pem' },
      ...options.replace,
    ],
    volumes: [{ path: '/tmp', owner: '993:990' }],
    hosts: options.hosts,
    folder: options.folder,
    log: options.log,
    input: JSON.stringify(event),
  });
  const what = `function ${options.name} to answer`;
  try {
    await within(what, options.timeoutSeconds * 1000, container.ended(), () => options.log.tail());
  } catch (error) {
    await container.kill();
    throw error;
  }
  const line = options.log.lines().find(({ message }) => message.startsWith(mark));
  if (!line) throw new Error(`function ${options.name} ended without an answer:\n${options.log.tail()}`);
  const { answer, error } = JSON.parse(line.message.slice(mark.length)) as { answer?: unknown; error?: string };
  if (error !== undefined) throw new Error(error);
  return answer;
}
