import net from 'node:net';

/** Streams to keep open: the argument of `open-streams.js`, as JSON. */
export interface StreamsOptions {
  readonly host: string;
  readonly port: number;
  /** The whole request of one stream; one that has ended is opened again on the same connection. */
  readonly request: string;
  readonly streams: number;
  /** Milliseconds that they are kept open. */
  readonly window: number;
}

/** What `open-streams.js` prints at the end, as JSON. */
export interface StreamsFigures {
  /** Streams that came to their end, and those that did not. */
  readonly whole: number;
  readonly failures: number;
  /** Most that were open at the same time. */
  readonly mostAtOnce: number;
  readonly events: number;
  /** Milliseconds from the sending of an event to its arrival. */
  readonly delayP50: number;
  readonly delayP99: number;
}

const options = JSON.parse(process.argv[2]) as StreamsOptions;
let [whole, failures, open, mostAtOnce, events, over] = [0, 0, 0, 0, 0, false];
/** Milliseconds are counted one by one: a list of all delays would grow, and with it the pauses of this process. */
const delays = new Uint32Array(10_001);

function stream(): void {
  const socket = net.connect({ host: options.host, port: options.port, noDelay: true });
  let running = false;
  const send = () => {
    running = false;
    socket.write(options.request);
  };
  socket.setEncoding('latin1');
  socket.on('connect', send);
  socket.on('data', (text: string) => {
    if (!running && text.startsWith('HTTP/1.1 200')) {
      running = true;
      mostAtOnce = Math.max(mostAtOnce, ++open);
    }
    for (const match of text.matchAll(/"sent":(\d+)/g)) {
      events++;
      delays[Math.min(Math.max(Date.now() - Number(match[1]), 0), 10_000)]++;
    }
    if (!running) failures++;
    if (!text.endsWith('0\r\n\r\n')) return;
    open--;
    whole++;
    if (over) socket.destroy();
    else send();
  });
  const lost = () => {
    socket.destroy();
    if (over) return;
    failures++;
    if (running) open--;
    setTimeout(stream, 200);
  };
  socket.on('error', lost);
  socket.on('end', lost);
}

function delay(share: number): number {
  let left = delays.reduce((sum, count) => sum + count, 0) * share;
  return delays.findIndex((count) => (left -= count) <= 0);
}

// Not all in the same millisecond: clients of a server do not come so either.
for (let number = 0; number < options.streams; number++) setTimeout(stream, number * 2);
setTimeout(() => {
  over = true;
  const figures: StreamsFigures = {
    whole,
    failures,
    mostAtOnce,
    events,
    delayP50: delay(0.5),
    delayP99: delay(0.99),
  };
  process.stdout.write(JSON.stringify(figures), () => process.exit());
}, options.window);
