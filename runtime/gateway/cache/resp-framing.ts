/**
 * Where commands and replies of Redis' protocol begin and end, found in bytes as they pass ("Redis serialization protocol
 * specification", RESP2 and RESP3). Of their content no more is kept than the line or the command's name being read.
 */

/** The bytes are none of Redis' protocol. */
export class MalformedFrame extends Error {
  constructor(what: string) {
    super(`the bytes are not in Redis' protocol: ${what}`);
    this.name = 'MalformedFrame';
  }
}

/** A command as it was asked; a frame without one (an empty line) is not answered by Redis. */
export interface RequestFrame {
  /** Its first two words in upper case. */
  readonly words: readonly string[];
  /** How many words it has. */
  readonly length: number;
  /** Whether quotes on its line, or a NUL, may make other words for Redis than they do here. */
  readonly quoted: boolean;
}

export interface ReplyFrame {
  /** Whether nobody asked for it (RESP3). */
  readonly push: boolean;
}

/** Redis' own limits: `proto-max-bulk-len`, `PROTO_INLINE_MAX_SIZE`, the most parts of a command. */
const MAX_STRING_BYTES = 512 * 1024 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
const MAX_PARTS = 1024 * 1024;
/** More values than this still to come: a reply that does not end. */
const MAX_VALUES = 2 ** 32;
const MAX_WORD_BYTES = 32;

const LF = 0x0a;
/** C's `isspace`, no more: JavaScript's `\s` knows others, which Redis reads as a word. */
const INLINE_SPACE = /[ \t\n\v\f\r]+/;

/** What lines and strings mean, in one direction. */
interface Grammar<Frame> {
  /** @returns the length of the string that follows the line, if one does. @throws MalformedFrame */
  line(text: string): number | undefined;
  string(beginning: string): void;
  /** The frame that the last line or string ended, if it did. */
  ended(): Frame | undefined;
}

/** Finds frames in chunks that are cut anywhere. */
export class FrameScanner<Frame> {
  private text = '';
  /** Bytes of the current string still to come, its end included; 0 while a line is read. */
  private missing = 0;
  /** Whether a line has begun and not ended. */
  private unfinished = false;
  private between = true;

  constructor(private readonly grammar: Grammar<Frame>) {}

  /** Whether the last frame has ended and none has begun. */
  get atBoundary(): boolean {
    return this.between;
  }

  /** @returns the frames that end in the chunk, and where. @throws MalformedFrame */
  scan(chunk: Buffer): { readonly end: number; readonly frame: Frame }[] {
    const found: { end: number; frame: Frame }[] = [];
    for (let at = 0; at < chunk.length;) {
      this.between = false;
      at = this.missing > 0 ? this.string(chunk, at) : this.line(chunk, at);
      if (this.missing > 0 || this.unfinished) continue;
      const frame = this.grammar.ended();
      if (frame === undefined) continue;
      this.between = true;
      found.push({ end: at, frame });
    }
    return found;
  }

  private line(chunk: Buffer, at: number): number {
    const newline = chunk.indexOf(LF, at);
    const end = newline < 0 ? chunk.length : newline;
    if (this.text.length + end - at > MAX_LINE_BYTES) throw new MalformedFrame('a line does not end');
    this.text += chunk.toString('latin1', at, end);
    this.unfinished = newline < 0;
    if (this.unfinished) return end;
    const text = this.text;
    this.text = '';
    const length = this.grammar.line(text);
    if (length !== undefined) this.missing = length + 2;
    return newline + 1;
  }

  private string(chunk: Buffer, at: number): number {
    const taken = Math.min(this.missing, chunk.length - at);
    const content = Math.min(taken, Math.max(0, this.missing - 2), MAX_WORD_BYTES - this.text.length);
    if (content > 0) this.text += chunk.toString('latin1', at, at + content);
    // Its end are two bytes, each in whichever chunk it comes.
    for (let i = Math.max(0, this.missing - 2); i < taken; i++) {
      if (chunk[at + i] !== (this.missing - i === 2 ? 0x0d : LF))
        throw new MalformedFrame('a string is longer than it says');
    }
    this.missing -= taken;
    if (this.missing === 0) {
      const beginning = this.text;
      this.text = '';
      this.grammar.string(beginning);
    }
    return at + taken;
  }
}

/** What a client sends: arrays of strings, or words on a line. */
export function requestScanner(): FrameScanner<RequestFrame> {
  let parts = 0;
  let words: string[] = [];
  let length = 0;
  let quoted = false;
  return new FrameScanner<RequestFrame>({
    line(text) {
      if (parts > 0) {
        if (text[0] !== '$') throw new MalformedFrame('a command is not made of strings');
        return numberIn(text, 0, MAX_STRING_BYTES);
      }
      const inline = text[0] !== '*';
      parts = inline ? 0 : Math.max(0, numberIn(text, -MAX_PARTS, MAX_PARTS));
      const onLine = inline ? text.split(INLINE_SPACE).filter(Boolean) : [];
      words = onLine.slice(0, 2).map((word) => word.toUpperCase());
      length = inline ? onLine.length : parts;
      quoted = inline && ['"', "'", '\0'].some((mark) => text.includes(mark));
      return undefined;
    },
    string(beginning) {
      if (words.length < 2) words.push(beginning.toUpperCase());
      parts -= 1;
    },
    ended: () => (parts === 0 ? { words, length, quoted } : undefined),
  });
}

/** What Redis answers. Depth needs no stack: only how many values are still to come. */
export function replyScanner(): FrameScanner<ReplyFrame> {
  let values = 0;
  let push = false;
  return new FrameScanner<ReplyFrame>({
    line(text) {
      const type = text[0];
      if (values === 0) {
        values = 1;
        push = type === '>';
      }
      if (!text.endsWith('\r')) throw new MalformedFrame('a line ends without a carriage return');
      if ('+-:,#_('.includes(type)) values -= 1;
      else if ('$=!'.includes(type)) {
        const length = numberIn(text, -1, MAX_STRING_BYTES);
        if (length >= 0) return length;
        values -= 1;
      } else if ('*~>'.includes(type)) values += Math.max(0, numberIn(text, -1, MAX_VALUES)) - 1;
      else if (type === '%') values += 2 * numberIn(text, 0, MAX_VALUES) - 1;
      // Attributes come before the value they belong to.
      else if (type === '|') values += 2 * numberIn(text, 0, MAX_VALUES);
      else throw new MalformedFrame('a value is of no known type');
      if (values > MAX_VALUES) throw new MalformedFrame('a reply does not end');
      return undefined;
    },
    string() {
      values -= 1;
    },
    ended: () => (values === 0 ? { push } : undefined),
  });
}

/** A command as clients send it. */
export function respCommand(...parts: readonly string[]): string {
  return `*${parts.length}\r\n` + parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('');
}

function numberIn(text: string, least: number, most: number): number {
  const number = /^.-?\d{1,10}\r$/.test(text) ? Number(text.slice(1, -1)) : NaN;
  if (!(number >= least && number <= most)) throw new MalformedFrame('a length is no number, or out of bounds');
  return number;
}
