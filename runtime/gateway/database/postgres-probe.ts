import { connect, Socket } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** PostgreSQL protocol, "SSLRequest": length 8, code 80877103. A server answers one byte without asking anybody else. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
/** "StartupMessage", protocol 3.0. */
const PROTOCOL_VERSION = 196608;
/** An answer to `SELECT 1`, the server's parameters included, is some hundred bytes. */
const MOST_BYTES = 64 * 1024;

/** Whether something that speaks PostgreSQL's protocol answers; it does not tell whether the database behind it does. */
export function speaksPostgres(port: number, host: string, timeoutMs: number): Promise<boolean> {
  return probe(port, host, timeoutMs, SSL_REQUEST, (answer) => answer === 'N' || answer === 'S');
}

export function acceptsConnections(port: number, host: string, timeoutMs: number): Promise<boolean> {
  return probe(port, host, timeoutMs);
}

function probe(
  port: number,
  host: string,
  timeoutMs: number,
  send?: Buffer,
  accepts?: (answer: string) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('connect', () => {
      if (!send || !accepts) return done(true);
      socket.once('data', (chunk) => done(accepts(chunk.toString('latin1', 0, 1))));
      socket.write(send);
    });
  });
}

/**
 * Runs `SELECT 1` on a connection of its own, for a server that asks for no password, as PgBouncer on loopback. Made by
 * hand, because a client library is a hundred times as large and keeps connections.
 *
 * @returns why there is no result, without the server's message, which names hosts; undefined if there is one
 */
export async function selectOne(
  { host, port }: Address,
  { user, database }: { readonly user: string; readonly database: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const socket = connect({ host, port, signal });
  // There for the socket's whole life: an error that nobody listens to would end the process.
  socket.on('error', () => undefined);
  try {
    socket.write(startupMessage(user, database));
    let asked = false;
    let answered = false;
    for await (const { type, body } of messages(socket)) {
      if (type === 'E') return `it answered with the error ${sqlState(body)}`;
      if (type === 'R' && body.readInt32BE(0) !== 0) return 'it asks for a password';
      if (type === 'D') answered = true;
      if (type !== 'Z') continue;
      if (asked) return answered ? undefined : 'it answered without a row';
      socket.write(message('Q', 'SELECT 1\0'));
      asked = true;
    }
    return 'it closed the connection';
  } finally {
    // Taken leave of politely, so that PgBouncer keeps the server's connection for the next client.
    socket.end(message('X', ''));
    socket.destroySoon();
  }
}

function startupMessage(user: string, database: string): Buffer {
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(PROTOCOL_VERSION, 4);
  return Buffer.concat([head, parameters]);
}

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

/** @throws if the connection fails or the answer is too large to be one. */
async function* messages(socket: Socket): AsyncGenerator<{ type: string; body: Buffer }> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length > MOST_BYTES) throw new Error('the answer is too large');
    while (bytes.length >= 5 && bytes.length > bytes.readUInt32BE(1)) {
      const end = 1 + bytes.readUInt32BE(1);
      yield { type: bytes.toString('latin1', 0, 1), body: bytes.subarray(5, end) };
      bytes = bytes.subarray(end);
    }
  }
}

/** PostgreSQL protocol, "Error and Notice Message Fields": `C` is the SQLSTATE code. */
function sqlState(fields: Buffer): string {
  const code = fields
    .toString('latin1')
    .split('\0')
    .find((field) => field.startsWith('C'));
  return code && /^C[0-9A-Z]{5}$/.test(code) ? code.slice(1) : 'without a code';
}
