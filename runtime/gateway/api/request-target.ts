/** A request target that is in its one normal form: what is judged is, byte for byte, what is forwarded. */
export interface RequestTarget {
  /** Path and query exactly as received. */
  readonly raw: string;
  readonly path: string;
  /** Decoded path segments, without the empty one that a trailing slash makes. */
  readonly segments: readonly string[];
}

export type ParsedTarget = { readonly target: RequestTarget } | { readonly problem: string };

const MAX_TARGET_LENGTH = 8 * 1024;
/** RFC 3986 `pchar` without `;`, which some servers cut path parameters at. */
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})+$/;
const QUERY = /^[\x21\x24-\x5b\x5d-\x7e]*$/;
/** An encoded character that needs no encoding: a second spelling of the same path. */
const NEEDLESS_ESCAPE = /%(?:2D|2E|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)/i;
/** Characters that a server behind us might take for structure once it has decoded them. */
// eslint-disable-next-line no-control-regex
const STRUCTURAL = /[\u0000-\u001f\u007f-\u009f/\\%;?#]/;

/**
 * Parses an HTTP/1.1 request target. Nothing is rewritten: a target with two readings is refused, because whatever we
 * made of it, the server behind us might make something else of it.
 */
export function parseRequestTarget(raw: string): ParsedTarget {
  if (raw.length > MAX_TARGET_LENGTH)
    return { problem: `the request target is longer than ${MAX_TARGET_LENGTH} characters` };
  if (!raw.startsWith('/')) return { problem: 'the request target must be a path that starts with /' };
  const mark = raw.indexOf('?');
  const path = mark < 0 ? raw : raw.slice(0, mark);
  if (mark >= 0 && !QUERY.test(raw.slice(mark + 1)))
    return { problem: 'the query has a character that must be percent-encoded' };

  const parts = path.slice(1).split('/');
  if (parts.at(-1) === '') parts.pop();
  const segments: string[] = [];
  for (const part of parts) {
    const problem = segmentProblem(part);
    if (problem) return { problem: `the path is not in its normal form: ${problem}` };
    segments.push(decodeURIComponent(part));
  }
  return { target: { raw, path, segments } };
}

function segmentProblem(part: string): string | undefined {
  if (part === '') return 'it has an empty segment';
  if (part === '.' || part === '..') return 'it has a dot segment';
  if (!SEGMENT.test(part)) return 'a segment has a character that must be percent-encoded, or ;';
  if (NEEDLESS_ESCAPE.test(part)) return 'a character is percent-encoded that needs no encoding';
  let decoded: string;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    return 'a segment is not UTF-8';
  }
  return STRUCTURAL.test(decoded)
    ? 'a segment has an encoded slash, backslash, percent sign, semicolon or control character'
    : undefined;
}
