import net from 'node:net';

/** What to do to the API front: the argument of `abuse.js`, as JSON. */
export interface AbuseOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer token of those who know it; the others guess. */
  readonly password: string;
  /** Milliseconds that it goes on. */
  readonly window: number;
}

/** What `abuse.js` prints, as JSON: connections made, bytes sent. */
export interface AbuseFigures {
  readonly connections: number;
  readonly megabytes: number;
}

const options = JSON.parse(process.argv[2]) as AbuseOptions;
let [connections, bytes] = [0, 0];
const block = Buffer.alloc(64 * 1024, 'a');

/** Connects anew for ever. Each kind comes from an address of its own, so that one's back-off does not spare the other. */
function again(localAddress: string, act: (socket: net.Socket) => void, seconds: number): void {
  const socket = net.connect({ host: options.host, port: options.port, localAddress });
  connections++;
  const timer = setTimeout(() => socket.destroy(), seconds * 1000);
  socket.on('connect', () => act(socket));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(timer);
    setTimeout(() => again(localAddress, act, seconds), 20);
  });
}

const head = (line: string, ...headers: string[]) => [line, 'Host: bench', ...headers, '', ''].join('\r\n');
const authorization = `Authorization: Bearer ${options.password}`;

function pour(socket: net.Socket): void {
  const send = () => {
    while (!socket.destroyed) {
      bytes += block.length;
      if (!socket.write(block)) return void socket.once('drain', send);
    }
  };
  send();
}

const kinds: [number, number, (socket: net.Socket) => void][] = [
  // Guesses a password and never reads the answer.
  [
    10,
    2,
    (socket) => socket.resume().write(head('GET /v1/agents/ HTTP/1.1', `Authorization: Bearer ${Math.random()}`)),
  ],
  // A body far above the limit, to whoever has the password.
  [
    4,
    5,
    (socket) => {
      socket.resume().write(head('POST /v1/agents/a/messages HTTP/1.1', authorization, 'Transfer-Encoding: chunked'));
      const chunk = `${block.length.toString(16)}\r\n${block.toString('latin1')}\r\n`;
      const send = () => {
        while (!socket.destroyed) {
          bytes += chunk.length;
          if (!socket.write(chunk)) return void socket.once('drain', send);
        }
      };
      send();
    },
  ],
  // Headers without an end.
  [10, 5, (socket) => (socket.resume().write('GET /v1/agents/ HTTP/1.1\r\nX: '), pour(socket))],
  // One header now and then.
  [50, 10, (socket) => void socket.resume().write('GET /v1/agents/ HTTP/1.1\r\nHost: bench\r\n')],
  // Asks for 100 MB and does not read them.
  [20, 10, (socket) => void socket.pause().write(head('GET /v1/agents/?bytes=100000000 HTTP/1.1', authorization))],
  // Opens a stream and goes away.
  [
    20,
    0.3,
    (socket) => void socket.resume().write(head('GET /v1/agents/?events=1000&every=50 HTTP/1.1', authorization)),
  ],
];
kinds.forEach(([count, seconds, act], kind) => {
  for (let number = 0; number < count; number++) again(`127.0.1.${kind + 1}`, act, seconds);
});

setTimeout(() => {
  const figures: AbuseFigures = { connections, megabytes: bytes / 2 ** 20 };
  process.stdout.write(JSON.stringify(figures), () => process.exit());
}, options.window);
