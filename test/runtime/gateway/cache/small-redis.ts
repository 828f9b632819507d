import { Socket } from 'node:net';
import { createServer, TLSSocket } from 'node:tls';
import { ServerCertificate } from '../../../lab/parts/certificates';
import { close, listening } from '../support';

/** As much of a Redis as a relay meets: it answers in order, one connection after the other, and never without AUTH. */
export interface SmallRedis {
  readonly port: number;
  /** Every AUTH's password, in order. */
  readonly passwords: string[];
  readonly connections: ReadonlySet<TLSSocket>;
  /** Refuses these passwords from now on. */
  refuse(matching: (password: string) => boolean): void;
  /** Says something unasked to every connection. */
  say(bytes: string): void;
  stop(): Promise<void>;
}

export async function startSmallRedis(certificate: ServerCertificate): Promise<SmallRedis> {
  const passwords: string[] = [];
  const connections = new Set<TLSSocket>();
  let refused: (password: string) => boolean = () => false;
  const { server, port } = await listening(
    createServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
      connections.add(socket);
      socket.on('error', () => undefined).once('close', () => connections.delete(socket));
      serve(socket, (password) => {
        passwords.push(password);
        return !refused(password);
      });
    }),
  );
  server.on('tlsClientError', () => undefined);
  return {
    port,
    passwords,
    connections,
    refuse: (matching) => (refused = matching),
    say: (bytes) => connections.forEach((socket) => socket.write(bytes, 'latin1')),
    async stop() {
      connections.forEach((socket) => socket.destroy());
      await close(server);
    },
  };
}

function serve(socket: Socket, accepts: (password: string) => boolean): void {
  let buffer = Buffer.alloc(0);
  let authenticated = false;
  let queued: string[][] | undefined;
  let busy = false;

  const run = (words: string[]): string => {
    const [name, ...rest] = [words[0].toUpperCase(), ...words.slice(1)];
    if (name === 'AUTH') {
      const good = accepts(rest.at(-1)!);
      authenticated ||= good;
      return good ? '+OK\r\n' : '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
    }
    if (!authenticated) return '-NOAUTH Authentication required.\r\n';
    if (name === 'MULTI') {
      queued = [];
      return '+OK\r\n';
    }
    if (name === 'EXEC' && queued) {
      const all = queued.splice(0);
      queued = undefined;
      return `*${all.length}\r\n${all.map(run).join('')}`;
    }
    if (name === 'PING') return '+PONG\r\n';
    if (name === 'ECHO' || name === 'SLOW') return `$${Buffer.byteLength(rest[0], 'latin1')}\r\n${rest[0]}\r\n`;
    if (name === 'SUBSCRIBE') return rest.map((channel) => `*3\r\n$9\r\nsubscribe\r\n+${channel}\r\n:1\r\n`).join('');
    return `-ERR unknown command '${words[0]}'\r\n`;
  };

  const next = () => {
    while (!busy) {
      const command = firstCommand(buffer);
      if (!command) return;
      buffer = buffer.subarray(command.length);
      if (command.words.length === 0) continue;
      const slow = command.words[0].toUpperCase() === 'SLOW';
      if (queued && command.words[0].toUpperCase() !== 'EXEC') {
        queued.push(command.words);
        socket.write('+QUEUED\r\n');
      } else if (slow) {
        busy = true;
        setTimeout(() => {
          busy = false;
          socket.write(run(command.words), 'latin1');
          next();
        }, Number(command.words[2]));
      } else socket.write(run(command.words), 'latin1');
    }
  };
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    next();
  });
}

function firstCommand(buffer: Buffer): { words: string[]; length: number } | undefined {
  const text = buffer.toString('latin1');
  const line = /^([^\n]*?)\r?\n/.exec(text);
  if (!line) return undefined;
  if (!line[1].startsWith('*')) return { words: line[1].split(/\s+/).filter(Boolean), length: line[0].length };
  const words: string[] = [];
  let at = line[0].length;
  for (let left = Number(line[1].slice(1)); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (!size) return undefined;
    const end = at + size[0].length + Number(size[1]) + 2;
    if (text.length < end) return undefined;
    words.push(text.slice(at + size[0].length, end - 2));
    at = end;
  }
  return { words, length: at };
}
