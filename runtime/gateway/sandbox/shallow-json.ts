const MAX_DEPTH = 8;
const MAX_PARTS = 10_000;
const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');

/**
 * A value of few parts, however long its texts are. Megabytes of brackets would become gigabytes of objects, and hold up
 * everybody else while they are parsed.
 *
 * @throws Error that says what is wrong
 */
export function shallowJson(body: Buffer): unknown {
  let [depth, parts] = [0, 0];
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) at = endOfText(body, at);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
    else if (byte === COMMA) parts++;
    if (depth > MAX_DEPTH) throw new Error(`it is nested more than ${MAX_DEPTH} deep`);
    if (parts > MAX_PARTS) throw new Error(`it has more than ${MAX_PARTS} parts`);
  }
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // The parser's own words hold some of the text.
    throw new Error('it is not JSON');
  }
}

/** Where the quote is that ends the text, or the end of all. */
function endOfText(body: Buffer, begin: number): number {
  for (let at = begin + 1; at < body.length; at++) {
    if (body[at] === BACKSLASH) at++;
    else if (body[at] === QUOTE) return at;
  }
  return body.length;
}
