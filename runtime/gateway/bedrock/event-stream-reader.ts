/** One message of an AWS event stream: header bytes, payload bytes and all of it, views into what was read. */
export type OnMessage = (headers: Buffer, payload: Buffer, message: Buffer) => void;

/** Total length, length of the headers, checksum of the two (Amazon Transcribe guide, "Event stream encoding"). */
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const LEAST_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES;
/** Far above any event of a model; whatever claims to be larger is not held to look at it. */
const MOST_BYTES = 1024 * 1024;

/**
 * Reads along with an AWS event stream that passes in pieces of any size. It never throws and never holds more than one
 * message; checksums are the receiver's business.
 */
export class EventStreamReader {
  private pieces: Buffer[] = [];
  private held = 0;
  /** Bytes to hold before there is anything to look at. */
  private wanted = LEAST_BYTES;
  private lost = false;

  constructor(private readonly onMessage: OnMessage) {}

  /** False once something came that is no event stream: from there on nothing is read. */
  get readable(): boolean {
    return !this.lost;
  }

  /** Everything so far was whole messages: another one could follow. */
  get betweenMessages(): boolean {
    return !this.lost && this.held === 0;
  }

  push(piece: Buffer): void {
    if (this.lost || piece.length === 0) return;
    this.pieces.push(piece);
    this.held += piece.length;
    if (this.held < this.wanted) return;
    const bytes = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces, this.held);
    this.hold(bytes.subarray(this.read(bytes)));
  }

  /** @returns how many of the bytes were whole messages. */
  private read(bytes: Buffer): number {
    let at = 0;
    this.wanted = LEAST_BYTES;
    while (bytes.length - at >= LEAST_BYTES) {
      const length = bytes.readUInt32BE(at);
      const payload = at + PRELUDE_BYTES + bytes.readUInt32BE(at + 4);
      if (length > MOST_BYTES || payload > at + length - CHECKSUM_BYTES) {
        this.lost = true;
        return bytes.length;
      }
      if (bytes.length - at < length) {
        this.wanted = length;
        break;
      }
      this.onMessage(
        bytes.subarray(at + PRELUDE_BYTES, payload),
        bytes.subarray(payload, at + length - CHECKSUM_BYTES),
        bytes.subarray(at, at + length),
      );
      at += length;
    }
    return at;
  }

  private hold(rest: Buffer): void {
    this.pieces = rest.length > 0 ? [rest] : [];
    this.held = rest.length;
  }
}

/** The value of a header that is a string, as all of Bedrock's are. */
export function stringHeader(headers: Buffer, name: Buffer): string | undefined {
  for (let at = 0; at < headers.length;) {
    const nameEnd = at + 1 + headers[at];
    // Type 7 is a string: two bytes of length, then the text.
    if (headers[nameEnd] !== 7 || nameEnd + 3 > headers.length) return undefined;
    const valueEnd = nameEnd + 3 + headers.readUInt16BE(nameEnd + 1);
    // Bytes, not text: a text for each header of each event was a fifth of a stream's processor time.
    if (headers.compare(name, 0, name.length, at + 1, nameEnd) === 0) {
      return headers.toString('utf8', nameEnd + 3, valueEnd);
    }
    at = valueEnd;
  }
  return undefined;
}
