/**
 * Bytes a failure's message may take in CloudFormation's answer, JSON escapes included. The whole answer may have
 * 4,096; ARNs, ids and what CDK's provider framework adds need the rest.
 */
export const MAX_MESSAGE_BYTES = 3300;

/**
 * Takes out of a text what logs in: passwords in URIs, presigned tokens, access keys, bearer tokens. Lengths are bounded,
 * so that a megabyte of log takes no longer than its length.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(/\b([a-z][\w+.-]{0,30}:\/\/[^\s:@/]{0,128}):[^\s/]{0,4096}@/gi, '$1:***@')
    .replace(/(X-Amz-[\w-]+)(=|%3D)[^&\s"',;]+/gi, '$1$2***')
    .replace(/\b(A[KS]IA)[A-Z0-9]{12,}/g, '$1***')
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 ***')
    .replace(/((?:password|passwd|secret|token)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi, '$1***');
}

/**
 * Cuts a text to so many bytes as it takes inside JSON, keeping its end or its start, never half a character.
 *
 * @param keep which part of the text stays
 */
export function cut(text: string, bytes: number, keep: 'start' | 'end'): string {
  if (jsonBytes(text) <= bytes) return text;
  const characters = Array.from(text);
  if (keep === 'end') characters.reverse();
  const kept: string[] = [];
  let left = bytes - jsonBytes('…');
  for (const character of characters) {
    left -= jsonBytes(character);
    if (left < 0) break;
    kept.push(character);
  }
  return keep === 'end' ? `…${kept.reverse().join('')}` : `${kept.join('')}…`;
}

export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** Makes an error that CDK's provider framework can hand to CloudFormation whole: short, and without a secret. */
export function failure(error: unknown): Error {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const brief = new Error(cut(withoutSecrets(text), MAX_MESSAGE_BYTES, 'start'));
  // The framework appends every line of the stack but the first: lines of the message would come twice.
  brief.stack = `Error: ${brief.message.split('\n', 1)[0]}`;
  return brief;
}

/** Wraps a handler so that what it throws is a {@link failure}; the stack goes to the function's log. */
export function explained<Event, Answer>(
  handler: (event: Event) => Promise<Answer>,
): (event: Event) => Promise<Answer> {
  return async (event) => {
    try {
      return await handler(event);
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      console.error(JSON.stringify({ level: 'error', message: withoutSecrets(stack) }));
      throw failure(error);
    }
  };
}
