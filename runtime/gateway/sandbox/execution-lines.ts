/** What Letta's client reads while code runs: one JSON object a line (e2b-code-interpreter 2.0.0, `parse_output`). */
export type ExecutionLine =
  | { readonly type: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'result'; readonly text: string }
  | { readonly type: 'error'; readonly name: string; readonly value: string; readonly traceback: string };

/** In characters of the code's own error. */
const MAX_ERROR = 64 * 1024;

export function executionLine(line: ExecutionLine): string {
  switch (line.type) {
    case 'result':
      return encode({ ...line, is_main_result: true });
    case 'error':
      return encode({
        type: 'error',
        name: line.name.slice(0, 200),
        value: line.value.slice(0, MAX_ERROR),
        // What matters of a traceback is its end.
        traceback: line.traceback.slice(-MAX_ERROR),
      });
    default:
      // In nanoseconds; Letta reads it and does nothing with it.
      return encode({ ...line, timestamp: Date.now() * 1_000_000 });
  }
}

/**
 * In ASCII: the client takes U+0085 and U+2028 for ends of a line. Half a surrogate pair and NUL are replaced: Letta could
 * not write them into its database, and the turn would end with the server's error, not the tool's.
 */
function encode(value: object): string {
  const json = JSON.stringify(value, (_, item: unknown) => (typeof item === 'string' ? writable(item) : item));
  return `${asciiJson(json)}\n`;
}

function writable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\ufffd');
}

/** JSON text with nothing but ASCII in it, of the same value. */
export function asciiJson(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
