const DEEPEST = 64;
const MOST_VALUES = 50_000;

/**
 * Whether a JSON text is nested so deeply, or has so many values, that to parse and write it would hold up everybody: V8
 * takes seconds for 2 MiB of nested lists, as it looks for each in all that it stands in. What is no JSON counts up to
 * where the parser gives up.
 *
 * @returns what is wrong
 */
export function boundsExceeded(text: string): string | undefined {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
      continue;
    }
    if (code === QUOTE) inString = true;
    else if (code === COMMA) values++;
    else if (code === BRACKET || code === BRACE) {
      values++;
      if (++depth > DEEPEST) return `nested deeper than ${DEEPEST} levels`;
    } else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) depth--;
    if (values > MOST_VALUES) return `of more than ${MOST_VALUES} values`;
  }
  return undefined;
}

const [QUOTE, COMMA, BRACKET, BACKSLASH, CLOSING_BRACKET, BRACE, CLOSING_BRACE] = [...'",[\\]{}'].map((character) =>
  character.charCodeAt(0),
);
