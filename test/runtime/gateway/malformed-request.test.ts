import { once } from 'node:events';
import { RequestListener, Server } from 'node:http';
import { connect } from 'node:net';
import { boundedServer, BoundedServerOptions } from '../../../runtime/gateway/http-listener';
import { close, listening, rawExchange } from './support';

let server: Server;
afterEach(() => close(server));

async function start(listener: RequestListener, options: Partial<BoundedServerOptions> = {}) {
  const front = await listening(boundedServer(listener, { keepAliveSeconds: 5, ...options }));
  server = front.server;
  return front.port;
}

const answering: RequestListener = (request, response) => void response.end(`answer to ${request.url}`);
const GOOD = 'GET /good HTTP/1.1\r\nHost: x\r\n\r\n';

describe('what is no proper request', () => {
  const rows: [string, string, number][] = [
    ['garbage', 'hello\r\n\r\n', 400],
    [
      'length and chunked',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['headers above 32 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n', 417],
  ];

  test.each(rows)('%s never reaches the listener and is refused in JSON', async (_what, bytes, status) => {
    let heard = 0;
    const port = await start(() => heard++);
    const [head, body] = (await rawExchange(port, bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(JSON.parse(body)).toEqual({ detail: expect.any(String) });
    expect(heard).toBe(0);
  });

  test.each(rows)('%s is refused in the shape of its listener', async (_what, bytes, status) => {
    const port = await start(answering, {
      malformed: (refused) => ({ headers: { 'x-shape': 'mine' }, body: { refused } }),
    });
    const [head, body] = (await rawExchange(port, bytes)).split('\r\n\r\n');
    expect(head.toLowerCase()).toContain('x-shape: mine');
    expect(JSON.parse(body)).toEqual({ refused: { status, reason: expect.any(String) } });
  });

  test('behind a request that was answered is refused with a reason as well', async () => {
    const port = await start(answering);
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(GOOD));
    let answers = '';
    socket.on('data', (piece) => {
      if (answers === '') socket.write('nonsense\r\n\r\n');
      answers += piece.toString();
    });
    await once(socket, 'close');
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  test.each(['before', 'after'])('behind a request takes no answer from it, %s that began', async (when) => {
    let finish = () => undefined as unknown;
    const port = await start((_request, response) => {
      if (when === 'after') response.write('one ');
      finish = () => response.end('two');
    });
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${GOOD}nonsense\r\n\r\n`));
    let answer = '';
    socket.on('data', (piece) => (answer += piece.toString()));
    await once(socket, 'close');
    finish();
    expect(answer).not.toContain('400');
  });
});

test('a client that waits to be asked for its body is asked, and one of HTTP/1.0 needs no Host', async () => {
  const port = await start(answering);
  const asked =
    'POST /asked HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx';
  expect(await rawExchange(port, asked)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  expect(await rawExchange(port, 'GET /old HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 .*answer to \/old$/s);
});

describe('a client that is slow', () => {
  const timeouts = { headersMs: 100, requestMs: 200, checkMs: 20 };

  test.each([
    ['its headers', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['its body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx'],
  ])('in %s is told so, and its connection is closed', async (_what, bytes) => {
    const port = await start(() => undefined, { timeouts });
    expect(await rawExchange(port, bytes)).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n.*too slowly/s);
  });

  test('in a body whose answer has begun is cut, and nothing is written into the answer', async () => {
    const port = await start((_request, response) => void response.write('half an answer'), { timeouts });
    const answer = await rawExchange(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx');
    expect(answer).toMatch(/^HTTP\/1.1 200 .*half an answer/s);
    expect(answer).not.toContain('408');
  });

  test('has half a minute for its headers and five for all of the request', async () => {
    await start(answering);
    expect(server).toMatchObject({ headersTimeout: 30_000, requestTimeout: 300_000 });
  });
});

test('an answer to what is malformed is there to be read after its sender has gone on sending', async () => {
  const port = await start(answering);
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let failed: Error | undefined;
  socket.on('error', (error) => (failed = error));
  for (let sent = 0; sent < 20; sent++) {
    socket.write('nonsense\r\n'.repeat(1_000));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(failed).toBeUndefined();
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1.1 400 /);
  socket.destroy();
});
