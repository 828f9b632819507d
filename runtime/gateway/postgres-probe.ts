import { connect } from 'node:net';

/** PostgreSQL protocol, "SSLRequest": length 8, code 80877103. A server answers one byte without asking anybody else. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

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
