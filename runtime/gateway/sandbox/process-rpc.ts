import { Fields, isObject, objectOf } from '../foreign-json';

/**
 * The one call of E2B's envd that Letta makes, `process.Process/Start`: JSON in the envelopes of the Connect protocol
 * (connectrpc.com/docs/protocol, "Server-streaming"; e2b 2.0.0, `sandbox_async/commands/command.py`).
 */
export class MalformedCall extends Error {}

export const PROCESS_CONTENT_TYPE = 'application/connect+json';
const HEADER_BYTES = 5;
const END_OF_STREAM = 2;

/** The shell command of a `StartRequest`. @throws MalformedCall */
export function shellCommand(body: Buffer): string {
  const { cmd, args } = objectOf(message(body).process);
  if (cmd === '/bin/bash' && Array.isArray(args) && args.length === 3) {
    const [login, commands, command] = args as unknown[];
    if (login === '-l' && commands === '-c' && typeof command === 'string') return command;
  }
  throw new MalformedCall('wanted a process /bin/bash -l -c <command>, as Letta starts them');
}

/** The whole answer: the process started, wrote this and ended. */
export function commandAnswer({ stderr, exitCode }: { readonly stderr: string; readonly exitCode: number }): Buffer {
  const events = [
    { start: { pid: 1 } },
    ...(stderr === '' ? [] : [{ data: { stderr: Buffer.from(stderr).toString('base64') } }]),
    { end: { exitCode, exited: true, status: `exit status ${exitCode}` } },
  ];
  return Buffer.concat([...events.map((event) => envelope(0, { event })), envelope(END_OF_STREAM, {})]);
}

/** The one message of a request. */
function message(body: Buffer): Fields {
  if (body.length < HEADER_BYTES) throw new MalformedCall('the body is shorter than an envelope');
  if (body[0] !== 0) throw new MalformedCall('the envelope is compressed or of a kind that is not known');
  if (body.readUInt32BE(1) !== body.length - HEADER_BYTES)
    throw new MalformedCall('the envelope is not as long as it says');
  try {
    const value: unknown = JSON.parse(body.toString('utf8', HEADER_BYTES));
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  throw new MalformedCall('the message is not a JSON object');
}

function envelope(flags: number, value: object): Buffer {
  const data = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = flags;
  header.writeUInt32BE(data.length, 1);
  return Buffer.concat([header, data]);
}
