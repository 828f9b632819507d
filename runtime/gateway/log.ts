/** One JSON object a line on standard output: no secret, no message text, no query string ever goes in. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

export function jsonLog(write: (line: string) => unknown = (line) => process.stdout.write(line)): Log {
  const line =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void write(scrub(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })) + '\n');
  return { info: line('info'), warn: line('warn'), error: line('error') };
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
  return text.replace(/(X-Amz-(?:Signature|Security-Token|Credential))=[^&\s"\\]+/gi, '$1=removed');
}
