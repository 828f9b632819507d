export class MalformedJson extends Error {}

/** Letta reads with Python's parser, which goes a thousand levels deep at most, calls of its own included. */
const MAX_DEPTH = 200;
/** Python refuses to read an integer of more than 4300 digits (`sys.set_int_max_str_digits`). */
const MAX_NUMBER = 4_000;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** NaN and the infinities are what Python's encoder writes for them. */
const WORD = /true|false|null|NaN|-?Infinity/y;
/** Between two escapes: one expression for a whole string would try them again and again where its end is missing. */
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\x00-\x1f]*/y;
const ESCAPED = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Finds the members of a JSON object (Python's dialect) without making values of them: JavaScript's numbers would not be
 * the same ones afterwards.
 */
export class JsonSpans {
  private at = 0;
  private readonly members = new Map<string, string>();

  /** @throws MalformedJson unless the text is one object, nothing before or after it */
  constructor(private readonly text: string) {
    this.space();
    if (this.text[this.at] !== '{') throw new MalformedJson('it begins with something else');
    this.container(0, (name, value) => this.members.set(name, value));
    this.space();
    if (this.at !== text.length) throw new MalformedJson('something follows it');
  }

  /** The text of a member's value, of the last one of that name, as Python takes it. */
  member(name: string): string | undefined {
    return this.members.get(name);
  }

  private value(depth: number): string {
    const begin = this.at;
    const first = this.text[begin];
    if (first === '{' || first === '[') this.container(depth + 1);
    else if (first === '"') return this.string();
    else if (!this.take(WORD)) {
      if (!this.take(NUMBER)) throw new MalformedJson(`no value at character ${begin}`);
      if (this.at - begin > MAX_NUMBER) throw new MalformedJson(`it holds a number of more than ${MAX_NUMBER} digits`);
    }
    return this.text.slice(begin, this.at);
  }

  private container(depth: number, found?: (name: string, value: string) => void): void {
    if (depth > MAX_DEPTH) throw new MalformedJson(`it is nested more than ${MAX_DEPTH} deep`);
    const object = this.text[this.at++] === '{';
    const end = object ? '}' : ']';
    this.space();
    if (this.text[this.at] === end) return void this.at++;
    for (;;) {
      const name = object ? this.name() : '';
      const begin = this.at;
      this.value(depth);
      found?.(name, writableJson(this.text.slice(begin, this.at)));
      this.space();
      const next = this.text[this.at++];
      if (next === end) return;
      if (next !== ',') throw new MalformedJson(`wanted , or ${end} at character ${this.at - 1}`);
      this.space();
    }
  }

  private name(): string {
    const name = JSON.parse(this.string()) as string;
    this.space();
    if (this.text[this.at++] !== ':') throw new MalformedJson(`wanted : at character ${this.at - 1}`);
    this.space();
    return name;
  }

  private string(): string {
    const begin = this.at;
    if (this.text[this.at++] !== '"') throw new MalformedJson(`no string at character ${begin}`);
    do this.take(PLAIN);
    while (this.take(ESCAPED));
    if (this.text[this.at++] !== '"') throw new MalformedJson(`the string at character ${begin} has no end`);
    return this.text.slice(begin, this.at);
  }

  private space(): void {
    this.take(SPACE);
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }
}

const ESCAPE =
  /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2}|0000)|.)/gs;

/** Half a surrogate pair and NUL are replaced: Letta could not write them into its database, and the turn would fail. */
function writableJson(json: string): string {
  return json.replace(ESCAPE, (escape, _pair: unknown, unwritable: unknown) =>
    unwritable === undefined ? escape : '\\ufffd',
  );
}
