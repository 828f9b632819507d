import net from 'node:net';
import { type Message, wholeMessage } from './http-messages';

/**
 * Stands in Letta's place where the gateway alone is measured: `trivial-letta.js PORT`. Bytes in, bytes out, without an
 * HTTP library, so that it takes as little of the core that it shares with the load as can be. The query says what comes:
 *
 *     ?events=40&every=100   a stream of 40 events, one each 100 ms, each with the time it was sent at
 *     ?bytes=1000000         so many bytes, as fast as they are taken
 *     (nothing)              a kilobyte of JSON
 */
const json = JSON.stringify({ id: 'agent-0', text: 'x'.repeat(1000) });
const plain = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`;
const stream = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

net
  .createServer({ noDelay: true }, (socket) => {
    let received = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text) => {
      received += text;
      for (let message = wholeMessage(received); message; message = wholeMessage(received)) {
        received = received.slice(message.length);
        answer(socket, message);
      }
    });
  })
  .listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 1024 }, () => console.log('ready'));

function answer(socket: net.Socket, { head }: Message): void {
  const query = new URLSearchParams(/^\S+ \S+?\?(\S*)/.exec(head)?.[1] ?? '');
  if (query.has('events')) return sendEvents(socket, Number(query.get('events')), Number(query.get('every')));
  if (query.has('bytes')) return sendBytes(socket, Number(query.get('bytes')));
  socket.write(plain);
}

function sendEvents(socket: net.Socket, events: number, every: number): void {
  socket.write(stream);
  let left = events;
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    const event = `data: ${JSON.stringify({ sent: Date.now(), text: 'x'.repeat(200) })}\n\n`;
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    if (--left > 0) return;
    clearInterval(timer);
    socket.write('0\r\n\r\n');
  }, every);
}

function sendBytes(socket: net.Socket, bytes: number): void {
  const piece = Buffer.alloc(64 * 1024, 'x');
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${bytes}\r\n\r\n`);
  let left = bytes;
  const send = () => {
    while (left > 0 && !socket.destroyed) {
      const next = left < piece.length ? piece.subarray(0, left) : piece;
      left -= next.length;
      if (!socket.write(next)) return void socket.once('drain', send);
    }
  };
  send();
}
