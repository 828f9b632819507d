/** One whole HTTP message at the start of `text`: its head, and how many characters it has; undefined if more is needed. */
export interface Message {
  readonly head: string;
  readonly length: number;
}

const END_OF_HEAD = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/**
 * Finds the end of a message as far as the bench's own programs need it: by length, or by the last chunk. A chunked
 * message must end what was received; no program of the bench sends another right behind it.
 */
export function wholeMessage(text: string): Message | undefined {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const body = end + END_OF_HEAD.length;
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    return text.length > body && text.endsWith(LAST_CHUNK) ? { head, length: text.length } : undefined;
  }
  const length = body + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length >= length ? { head, length } : undefined;
}
