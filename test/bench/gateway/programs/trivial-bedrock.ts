import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { type Message, wholeMessage } from './http-messages';

/**
 * Stands in Bedrock's place where the gateway's hop is measured: `trivial-bedrock.js HOST PORT CERT_FILE KEY_FILE FRAME_FILE`.
 * Every model says the same at once, and no signature is looked at, whoever calls.
 */
const [host, port, certFile, keyFile, framesFile] = process.argv.slice(2);
const json = JSON.stringify({
  id: 'msg_bench',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [{ type: 'text', text: 'Good morning.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 4000, output_tokens: 4, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
});
const plain = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amzn-requestid: bench\r\ncontent-length: ${json.length}\r\n\r\n${json}`;
const head =
  'HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nx-amzn-requestid: bench\r\ntransfer-encoding: chunked\r\n\r\n';
/** Events of a whole answer, each in a chunk of its own. */
const frames = (JSON.parse(readFileSync(framesFile, 'utf8')) as string[]).map((frame) => {
  const bytes = Buffer.from(frame, 'base64');
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
});

tls
  .createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ['http/1.1'] }, (socket) => {
    let received = '';
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text: string) => {
      received += text;
      for (let message = wholeMessage(received); message; message = wholeMessage(received)) {
        received = received.slice(message.length);
        answer(socket, message);
      }
    });
  })
  .listen({ port: Number(port), host }, () => console.log('ready'));

function answer(socket: tls.TLSSocket, message: Message): void {
  if (!/^POST \S+\/invoke-with-response-stream /.test(message.head)) return void socket.write(plain);
  socket.write(head);
  for (const frame of frames) socket.write(frame);
  socket.write('0\r\n\r\n');
}
