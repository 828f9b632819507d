import { randomBytes } from 'node:crypto';

/** One part of a `multipart/form-data` body. */
export interface FormPart {
  readonly name: string;
  /** It came with a file name, which is not kept. */
  readonly isFile: boolean;
  readonly value: Buffer;
}

/** The body is not in the one form that is read here. */
export class MultipartError extends Error {}

const CONTENT_TYPE = /^multipart\/form-data; ?boundary=(?:"([^"\\]{1,70})"|([A-Za-z0-9'()+_,./:=?-]{1,70}))$/i;
const DISPOSITION = /^form-data; name="([^"\\]{1,128})"(; filename="[^"]*")?(; filename\*=[\w!#$%&+.^`|~'-]*)?$/i;
const PART_HEADERS = ['content-disposition', 'content-type', 'content-length'];
const MAX_PARTS = 64;

/**
 * Parses a form strictly (RFC 7578): what another parser might read differently is refused, not interpreted.
 *
 * @throws MultipartError
 */
export function parseMultipart(contentType: string | undefined, body: Buffer): FormPart[] {
  const found = CONTENT_TYPE.exec(contentType ?? '');
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) {
    throw new MultipartError(`the content type must be multipart/form-data with a boundary and nothing else`);
  }
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  if (!body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))) {
    throw new MultipartError('the body must begin with its boundary');
  }
  const parts: FormPart[] = [];
  let at = delimiter.length - 2;
  while (!isEnd(body, at)) {
    if (body[at] !== 13 || body[at + 1] !== 10) throw new MultipartError('a boundary must end its line');
    const end = body.indexOf(delimiter, at);
    if (end < 0) throw new MultipartError('the body must end with its boundary');
    parts.push(parsePart(body.subarray(at + 2, end)));
    if (parts.length > MAX_PARTS) throw new MultipartError(`the form has more than ${MAX_PARTS} fields`);
    at = end + delimiter.length;
  }
  return parts;
}

function isEnd(body: Buffer, at: number): boolean {
  const rest = body.subarray(at, at + 5).toString('latin1');
  if (rest.startsWith('--') && rest !== '--' && rest !== '--\r\n') {
    throw new MultipartError('something follows the last boundary');
  }
  return rest.startsWith('--');
}

function parsePart(part: Buffer): FormPart {
  const end = part.indexOf('\r\n\r\n');
  if (end < 0 || end > 2048) throw new MultipartError('a field has no headers, or too long ones');
  const headers = new Map<string, string>();
  for (const line of part.subarray(0, end).toString('utf8').split('\r\n')) {
    const [, name, value] = /^([A-Za-z-]+): ?([^\0\r\n]*)$/.exec(line) ?? [];
    const lower = (name ?? '').toLowerCase();
    if (!PART_HEADERS.includes(lower) || headers.has(lower)) {
      throw new MultipartError(`a field has the header ${JSON.stringify(line.slice(0, 64))}, unknown here or twice`);
    }
    headers.set(lower, value);
  }
  const disposition = DISPOSITION.exec(headers.get('content-disposition') ?? '');
  if (!disposition) throw new MultipartError('a field has no content disposition with a plain name');
  return { name: disposition[1], isFile: disposition[2] !== undefined, value: part.subarray(end + 4) };
}

/** Writes a form anew, with a boundary that no value can contain. */
export function buildMultipart(parts: readonly FormPart[]): { contentType: string; body: Buffer } {
  const boundary = randomBytes(24).toString('hex');
  const chunks: (Buffer | string)[] = [];
  for (const { name, isFile, value } of parts) {
    const file = isFile ? '; filename="file"\r\nContent-Type: application/json' : '';
    chunks.push(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`, value, '\r\n');
  }
  chunks.push(`--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))),
  };
}
