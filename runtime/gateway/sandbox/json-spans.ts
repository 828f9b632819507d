export class MalformedJson extends Error {}

/** Letta reads with Python's parser, which goes a thousand levels deep at most, calls of its own included. */
const MAX_DEPTH = 200;
/** Python refuses to read an integer of more than 4300 digits (`sys.set_int_max_str_digits`). */
const MAX_NUMBER = 4_000;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** NaN and the infinities are what Python's encoder writes for them. */
const WORD = /true|false|null|NaN|-?Infinity/y;
/** After its backslash. */
const ESCAPED = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const [QUOTE, BACKSLASH, BLANK, N] = [0x22, 0x5c, 0x20, 0x6e];

/**
 * Finds the members of a JSON object (Python's dialect) without making values of them: JavaScript's numbers would not be
 * the same ones afterwards. By character codes where there are many of them: an expression for each would hold up
 * everybody else for half a second.
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
    else if (this.take(NUMBER)) {
      if (this.at - begin > MAX_NUMBER) throw new MalformedJson(`it holds a number of more than ${MAX_NUMBER} digits`);
    } else if (!this.take(WORD)) throw new MalformedJson(`no value at character ${begin}`);
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
      found?.(JSON.parse(name) as string, writableJson(this.text.slice(begin, this.at)));
      this.space();
      const next = this.text[this.at++];
      if (next === end) return;
      if (next !== ',') throw new MalformedJson(`wanted , or ${end} at character ${this.at - 1}`);
      this.space();
    }
  }

  private name(): string {
    const name = this.string();
    this.space();
    if (this.text[this.at++] !== ':') throw new MalformedJson(`wanted : at character ${this.at - 1}`);
    this.space();
    return name;
  }

  private string(): string {
    const begin = this.at;
    if (this.text.charCodeAt(this.at++) !== QUOTE) throw new MalformedJson(`no string at character ${begin}`);
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      const escapes = code === BACKSLASH;
      // Of the end of the text too, which is no number.
      if (!escapes && !(code >= BLANK)) throw new MalformedJson(`the string at character ${begin} has no end`);
      this.at++;
      if (code === QUOTE) return this.text.slice(begin, this.at);
      if (escapes && this.text.charCodeAt(this.at) === N) this.at++;
      else if (escapes && !this.take(ESCAPED)) throw new MalformedJson(`the string at character ${begin} has no end`);
    }
  }

  private space(): void {
    for (; ; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code !== BLANK && code !== 0x09 && code !== 0x0a && code !== 0x0d) return;
    }
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }
}

/** Half a surrogate pair and NUL are replaced: Letta could not write them into its database, and the turn would fail. */
function writableJson(json: string): string {
  let [written, from, at] = ['', 0, 0];
  while ((at = json.indexOf('\\', at)) >= 0) {
    const unit = unicodeEscape(json, at);
    if (unit === undefined) at += 2;
    else if (isHigh(unit) && isLow(unicodeEscape(json, at + 6))) at += 12;
    else {
      if (isHigh(unit) || isLow(unit) || unit === 0) {
        written += `${json.slice(from, at)}\\ufffd`;
        from = at + 6;
      }
      at += 6;
    }
  }
  return written + json.slice(from);
}

/** The code unit that an escape stands for, if one in digits is there. */
function unicodeEscape(json: string, at: number): number | undefined {
  return json.startsWith('\\u', at) ? parseInt(json.slice(at + 2, at + 6), 16) : undefined;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 0xdc00 && unit <= 0xdfff;
}
