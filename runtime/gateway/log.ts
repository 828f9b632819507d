/** One JSON object a line on standard output: no secret, no message text, no query string ever goes in. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export function jsonLog(write: (line: string) => unknown = standardOutput()): Log {
  const line =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void write(scrub(JSON.stringify({ time: timestamp(), level, event, ...fields })) + '\n');
  return { info: line('info'), warn: line('warn'), error: line('error') };
}

/**
 * Writes what is logged in one turn of the event loop in one go, since each write to a pipe waits for the kernel. What
 * is left at the end of the process is written before it ends, after a crash or `process.exit()` too.
 */
function standardOutput(): (line: string) => void {
  let pending = '';
  const flush = () => {
    const lines = pending;
    pending = '';
    if (lines !== '') process.stdout.write(lines);
  };
  process.once('exit', flush);
  return (line) => {
    if (pending === '') setImmediate(flush);
    pending += line;
    if (pending.length > MAX_PENDING) flush();
  };
}

/** A line that is held back is memory: a pipe takes this much at once. */
const MAX_PENDING = 64 * 1024;

let lastMillisecond = 0;
let lastTimestamp = '';

/** Hundreds of lines share a millisecond under load. */
function timestamp(): string {
  const now = Date.now();
  if (now !== lastMillisecond) {
    lastMillisecond = now;
    lastTimestamp = new Date(now).toISOString();
  }
  return lastTimestamp;
}

/** What may be said about an error in a log line or an answer: never its stack, never a signed URL. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return scrub(String(error));
  // Node answers a refused connection to a name with several addresses by an AggregateError without a message.
  const message = error.message || (error as NodeJS.ErrnoException).code || error.name;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return scrub(error.name === 'Error' ? `${message}${cause}` : `${error.name}: ${message}${cause}`);
}

/** Presigned URLs are passwords (RDS and ElastiCache tokens): a library's message must not carry one into a log. */
function scrub(text: string): string {
  // Nearly every line is without one, and looking for that costs less than replacing nothing.
  if (!/x-amz-/i.test(text)) return text;
  return text.replace(/(X-Amz-(?:Signature|Security-Token|Credential))=[^&\s"\\]+/gi, '$1=removed');
}
