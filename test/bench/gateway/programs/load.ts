import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { wholeMessage } from './http-messages';
import { processorSeconds } from '../../process-figures';
import { quantile } from '../../statistics';

/** What to send, to whom, and how many at once: the argument of `load.js`, as JSON. */
export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  /** Speak TLS to this name, by this authority. */
  readonly tls?: { readonly name: string; readonly caFile: string };
  /** The whole request. */
  readonly request: string;
  readonly connections: number;
  /** Milliseconds that are measured, after those that warm up. */
  readonly window: number;
  readonly warmUp: number;
  /** Process whose processor time is wanted. */
  readonly watch?: number;
}

/** What `load.js` prints, as JSON. Times are milliseconds. */
export interface LoadFigures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** To the first byte of the body. */
  readonly firstByteP50: number;
  /** Answers that were not 200, or that broke off. */
  readonly failures: number;
  /** Share of a core that this process took. */
  readonly processorUse: number;
  /** Microseconds of processor time a request that the watched process took. */
  readonly watchedMicroseconds?: number;
}

/** Sends one request after the other on each of its connections, on raw sockets: it must not be what is measured. */
const options = JSON.parse(process.argv[2]) as LoadOptions;
const request = Buffer.from(options.request, 'latin1');
const times: number[] = [];
const firstBytes: number[] = [];
let failures = 0;
let measuring = false;
let over = false;

function connect(): net.Socket {
  const { host, port, tls: secure } = options;
  if (!secure) return net.connect({ host, port, noDelay: true });
  const socket = tls.connect({ host, port, servername: secure.name, ca: readFileSync(secure.caFile) });
  return socket.setNoDelay(true);
}

function client(): void {
  const socket = connect();
  let [started, firstByte, received] = [0, 0, ''];
  const send = () => {
    [started, firstByte, received] = [performance.now(), 0, ''];
    socket.write(request);
  };
  const replace = () => {
    socket.destroy();
    if (over) return;
    failures++;
    setTimeout(client, 100);
  };
  socket.setEncoding('latin1');
  socket.once(options.tls ? 'secureConnect' : 'connect', send);
  socket.on('data', (text: string) => {
    received = received ? received + text : text;
    if (firstByte === 0) {
      const end = received.indexOf('\r\n\r\n');
      if (end >= 0 && received.length > end + 4) firstByte = performance.now();
    }
    if (!wholeMessage(received)) return;
    if (measuring) {
      times.push(performance.now() - started);
      firstBytes.push(firstByte - started);
      if (!received.startsWith('HTTP/1.1 200')) failures++;
    }
    if (over) socket.destroy();
    else send();
  });
  socket.on('error', replace);
  socket.on('end', replace);
}

for (let number = 0; number < options.connections; number++) client();
setTimeout(() => {
  measuring = true;
  const { watch } = options;
  const [from, used, watched] = [performance.now(), process.cpuUsage(), watch && processorSeconds(watch)];
  setTimeout(() => {
    over = true;
    measuring = false;
    const seconds = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(used);
    const figures: LoadFigures = {
      perSecond: times.length / seconds,
      p50: quantile(times, 0.5),
      p90: quantile(times, 0.9),
      p99: quantile(times, 0.99),
      firstByteP50: quantile(firstBytes, 0.5),
      failures,
      processorUse: (user + system) / 1e6 / seconds,
      watchedMicroseconds: watch && ((processorSeconds(watch) - watched!) / times.length) * 1e6,
    };
    process.stdout.write(JSON.stringify(figures), () => process.exit());
  }, options.window);
}, options.warmUp);
