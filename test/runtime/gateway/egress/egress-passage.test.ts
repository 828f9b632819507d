import {
  createServer as createHttpServer,
  IncomingHttpHeaders,
  request as httpRequest,
  RequestListener,
} from 'node:http';
import { connect, createServer, Socket } from 'node:net';
import { createEgressProxy } from '../../../../runtime/gateway/egress/egress-proxy';
import { embeddedMetrics } from '../../../../runtime/gateway/metrics';
import { bodyOf, close, listening, rawExchange, recordingLog, until } from '../support';

// What a name leads to is `outside-connection`'s business: here every destination is a server of the test.

const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

async function start(destinationPort: number, { idleTimeoutSeconds = 10, reachable = true } = {}) {
  const log = recordingLog();
  const proxy = createEgressProxy({
    allow: new Set(['mcp.example.com:443', 'mcp.example.com:80']),
    connect: async () => {
      if (!reachable) throw new Error('no route to host');
      const socket = connect({ port: destinationPort, host: '127.0.0.1', allowHalfOpen: true });
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      return socket;
    },
    idleTimeoutSeconds,
    metrics: embeddedMetrics('Agents', log),
    log,
  });
  const { port } = await listening(proxy.server);
  toEnd.push(() => proxy.stop());
  return { proxy, port, log };
}

async function destination(serve: (socket: Socket) => void) {
  /** Those that have not been ended from the other side. */
  const sockets = new Set<Socket>();
  const all: Socket[] = [];
  const made = await listening(
    createServer({ allowHalfOpen: true }, (socket) => {
      all.push(socket);
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('end', () => sockets.delete(socket)).once('close', () => sockets.delete(socket));
      serve(socket);
    }),
  );
  toEnd.push(() => {
    all.forEach((socket) => socket.destroy());
    return close(made.server);
  });
  return { ...made, sockets };
}

/** A tunnel that stands; `early` is sent with the request itself. */
async function tunnelled(port: number, early = '') {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  toEnd.push(() => socket.destroy());
  let received = '';
  let ended = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (received += chunk));
  socket.on('error', () => undefined);
  socket.on('end', () => (ended = true)).on('close', () => (ended = true));
  socket.write(`CONNECT mcp.example.com:443 HTTP/1.1\r\nHost: mcp.example.com:443\r\n\r\n${early}`, 'latin1');
  const head = 'HTTP/1.1 200 Connection Established\r\n\r\n';
  await until(() => received.startsWith(head), 'the tunnel');
  return { socket, received: () => received.slice(head.length), ended: () => ended };
}

describe('a tunnel', () => {
  test('passes bytes unchanged both ways, also those sent with the request', async () => {
    const { port } = await destination((socket) => void socket.pipe(socket));
    const proxy = await start(port);
    const { socket, received } = await tunnelled(proxy.port, '\x16\x03\x01');
    const much = '\0\xff\r\n'.repeat(500_000);
    socket.write(much, 'latin1');
    await until(() => received().length === much.length + 3, 'all bytes back');
    expect(received() === `\x16\x03\x01${much}`).toBe(true);
  });

  test('stays half open: who has said all still gets the rest', async () => {
    const { port } = await destination((socket) => {
      socket.on('end', () => setTimeout(() => socket.end('the rest'), 20)).resume();
    });
    const proxy = await start(port);
    const { socket, received, ended } = await tunnelled(proxy.port);
    socket.end('all');
    await until(ended, 'the end of the answer');
    expect(received()).toBe('the rest');
  });

  test('is told in the log when it ends: destination, bytes, time, and no more', async () => {
    const { port } = await destination((socket) => void socket.once('data', () => socket.end('secret answer')));
    const proxy = await start(port);
    const { socket, ended } = await tunnelled(proxy.port);
    socket.write('secret question');
    await until(ended, 'the answer');
    socket.end();
    await until(() => proxy.log.lines.length > 0, 'the line');
    expect(proxy.log.lines).toEqual([
      {
        level: 'info',
        event: 'egress-tunnel',
        fields: {
          destination: 'mcp.example.com:443',
          sentBytes: 15,
          receivedBytes: 13,
          ended: 'closed',
          ms: expect.any(Number),
        },
      },
    ]);
  });

  test('is cut when nothing passes for the idle time-out', async () => {
    const { port, sockets } = await destination((socket) => void socket.resume());
    const proxy = await start(port, { idleTimeoutSeconds: 0.1 });
    const { ended } = await tunnelled(proxy.port);
    await until(ended, 'the cut');
    await until(() => sockets.size === 0, 'the end at the destination');
    expect(proxy.log.lines[0].fields).toMatchObject({ ended: 'idle' });
  });

  test.each([
    ['the client', async (client: Socket) => void client.resetAndDestroy()],
    ['the destination', async (_client: Socket, sockets: Set<Socket>) => sockets.forEach((s) => s.resetAndDestroy())],
  ])('that %s breaks off takes the other side with it', async (_who, breakOff) => {
    const { port, sockets } = await destination((socket) => void socket.resume());
    const proxy = await start(port);
    const { socket, ended } = await tunnelled(proxy.port);
    await until(() => sockets.size === 1, 'the connection');
    await breakOff(socket, sockets);
    await until(() => ended() && sockets.size === 0, 'the end of both');
    await until(() => proxy.log.lines.length === 1, 'its line');
  });

  test('holds back a side that sends faster than the other reads', async () => {
    let sent = 0;
    const { port } = await destination((socket) => {
      const more = () => {
        while (socket.write(Buffer.alloc(65_536))) sent += 65_536;
        sent += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    const proxy = await start(port);
    const { socket } = await tunnelled(proxy.port);
    socket.pause();
    let before = -1;
    await until(() => {
      const still = sent === before;
      before = sent;
      return still && sent > 0;
    }, 'the sender to stand still');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  test('ends when the proxy stops', async () => {
    const { port } = await destination((socket) => void socket.resume());
    const proxy = await start(port);
    const { ended } = await tunnelled(proxy.port);
    proxy.proxy.stop();
    await until(ended, 'the end');
    expect(proxy.log.lines[0].fields.ended).toContain('the gateway stops');
  });

  test('beyond 128 gets 503 and a time to come back, until one ends', async () => {
    const { port } = await destination((socket) => void socket.resume());
    const proxy = await start(port);
    const all = await Promise.all(Array.from({ length: 128 }, () => tunnelled(proxy.port)));
    const request = 'CONNECT mcp.example.com:443 HTTP/1.1\r\nHost: mcp.example.com:443\r\n\r\n';
    expect(await rawExchange(proxy.port, request)).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n/);
    all[0].socket.resetAndDestroy();
    await until(() => proxy.log.lines.some(({ event }) => event === 'egress-tunnel'), 'the end of one');
    await tunnelled(proxy.port);
  });

  test('to a destination that cannot be reached is 502, and no try to leave', async () => {
    const proxy = await start(1, { reachable: false });
    const request = 'CONNECT mcp.example.com:443 HTTP/1.1\r\nHost: mcp.example.com:443\r\n\r\n';
    expect(await rawExchange(proxy.port, request)).toMatch(/^HTTP\/1.1 502 [^]*no route to host/);
    expect(proxy.log.lines.map(({ event }) => event)).toEqual(['egress-failed']);
  });
});

describe('an absolute request', () => {
  interface Seen {
    readonly method?: string;
    readonly url?: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }

  async function web(listener?: RequestListener) {
    const seen: Seen[] = [];
    const made = await listening(
      createHttpServer((request, response) => {
        if (listener) return listener(request, response);
        void bodyOf(request).then((body) => {
          seen.push({ method: request.method, url: request.url, headers: request.headers, body: body.toString() });
          response.writeHead(201, { 'x-answer': '1', connection: 'x-private', 'x-private': '1' });
          response.end('answer');
        });
      }),
    );
    toEnd.push(() => close(made.server));
    return { ...made, seen };
  }

  function send(port: number, method: string, path: string, headers: Record<string, string>, body?: string) {
    return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
        bodyOf(response).then(
          (bytes) => resolve({ status: response.statusCode!, headers: response.headers, body: bytes.toString() }),
          reject,
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  test('passes with its body, without what was meant for the proxy, and under the name of its target', async () => {
    const { port, seen } = await web();
    const proxy = await start(port);
    const headers = {
      host: 'other.example.com',
      'proxy-authorization': 'Basic secret',
      'proxy-connection': 'keep-alive',
      connection: 'x-hop',
      'x-hop': '1',
      'x-end': '1',
    };
    const answer = await send(proxy.port, 'POST', 'http://mcp.example.com/a/b?c=d', headers, 'question');
    expect(answer).toMatchObject({ status: 201, headers: { 'x-answer': '1' }, body: 'answer' });
    expect(answer.headers).not.toHaveProperty('x-private');
    expect(seen).toMatchObject([{ method: 'POST', url: '/a/b?c=d', body: 'question' }]);
    expect(seen[0].headers).toMatchObject({ host: 'mcp.example.com', 'x-end': '1' });
    for (const name of ['proxy-authorization', 'proxy-connection', 'x-hop'])
      expect(seen[0].headers).not.toHaveProperty(name);
    expect(proxy.log.lines).toMatchObject([
      { event: 'egress-request', fields: { destination: 'mcp.example.com:80', status: 201, ended: 'closed' } },
    ]);
    expect(JSON.stringify(proxy.log.lines)).not.toMatch(/secret|question|a\/b/);
  });

  test('a body in chunks stays one body, also where a method has none as a rule', async () => {
    const { port, seen } = await web();
    const proxy = await start(port);
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n';
    const headers = { 'transfer-encoding': 'chunked' };
    await send(proxy.port, 'GET', 'http://mcp.example.com/', headers, smuggled);
    expect(seen).toMatchObject([{ method: 'GET', url: '/', body: smuggled }]);
  });

  test('gets an answer in pieces as they come', async () => {
    const { port } = await web((_request, response) => {
      response.write('one');
      setTimeout(() => response.end('two'), 50);
    });
    const proxy = await start(port);
    const pieces: string[] = [];
    await new Promise<void>((resolve) => {
      httpRequest(
        { port: proxy.port, host: '127.0.0.1', path: 'http://mcp.example.com/', agent: false },
        (response) => {
          response.on('data', (piece) => pieces.push(String(piece))).on('end', resolve);
        },
      ).end();
    });
    expect(pieces).toEqual(['one', 'two']);
  });

  test('an answer that breaks off is cut for the client too', async () => {
    const { port } = await web((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const proxy = await start(port);
    await expect(send(proxy.port, 'GET', 'http://mcp.example.com/', {})).rejects.toThrow(/aborted|ECONNRESET/);
  });

  test('a destination that hangs up without an answer is 502', async () => {
    const { port } = await web((request) => void request.socket.destroy());
    const proxy = await start(port);
    expect(await send(proxy.port, 'GET', 'http://mcp.example.com/', {})).toMatchObject({ status: 502 });
  });

  test('a destination that says nothing is 502 after the idle time-out', async () => {
    const { port } = await web(() => undefined);
    const proxy = await start(port, { idleTimeoutSeconds: 0.1 });
    const answer = await send(proxy.port, 'GET', 'http://mcp.example.com/', {});
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('silent for 0.1 s');
  });
});
