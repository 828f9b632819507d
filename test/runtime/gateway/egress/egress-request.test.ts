import {
  createServer as createHttpServer,
  IncomingHttpHeaders,
  request as httpRequest,
  RequestListener,
} from 'node:http';
import { bodyOf, close, listening, rawExchange, until } from '../support';
import { EgressStand } from './egress-stand';

const stand = new EgressStand();
afterEach(() => stand.end());

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
    stand.atEnd(() => close(made.server));
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
    const proxy = await stand.proxy(port);
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

  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n';
  const plain = `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
  const inChunks = `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;

  test('a body in chunks stays one body, also where a method has none as a rule', async () => {
    const { port, seen } = await web();
    const proxy = await stand.proxy(port);
    const headers = { 'transfer-encoding': 'chunked' };
    await send(proxy.port, 'GET', 'http://mcp.example.com/', headers, smuggled);
    expect(seen).toMatchObject([{ method: 'GET', url: '/', body: smuggled }]);
  });

  test.each([
    ['content-length', plain],
    ['Transfer-Encoding', inChunks],
    ['x-hop, HOST', plain],
  ])('whose Connection header names %s is 400, and nothing of it arrives', async (connection, body) => {
    const { port, seen } = await web();
    const proxy = await stand.proxy(port);
    const head = `DELETE http://mcp.example.com/ HTTP/1.1\r\nHost: mcp.example.com\r\nConnection: ${connection}\r\n`;
    expect(await rawExchange(proxy.port, head + body)).toMatch(/^HTTP\/1\.1 400 [^]*a Connection header/);
    expect(seen).toEqual([]);
  });

  test('gets an answer whose Connection header names its length whole', async () => {
    const { port } = await stand.destination((socket) => {
      socket.once('data', () => {
        socket.end(
          'HTTP/1.1 200 OK\r\nConnection: content-length, x-hop\r\nX-Hop: 1\r\nContent-Length: 6\r\n\r\nanswer',
        );
      });
    });
    const proxy = await stand.proxy(port);
    const answer = await send(proxy.port, 'GET', 'http://mcp.example.com/', {});
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '6' }, body: 'answer' });
    expect(answer.headers).not.toHaveProperty('x-hop');
  });

  test('gets an answer in pieces as they come', async () => {
    const { port } = await web((_request, response) => {
      response.write('one');
      setTimeout(() => response.end('two'), 50);
    });
    const proxy = await stand.proxy(port);
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
    const proxy = await stand.proxy(port);
    await expect(send(proxy.port, 'GET', 'http://mcp.example.com/', {})).rejects.toThrow(/aborted|ECONNRESET/);
  });

  test('a destination that hangs up without an answer is 502', async () => {
    const { port } = await web((request) => void request.socket.destroy());
    const proxy = await stand.proxy(port);
    expect(await send(proxy.port, 'GET', 'http://mcp.example.com/', {})).toMatchObject({ status: 502 });
  });

  test.each([
    ['GET', ''],
    ['POST', 'question'],
  ])('%s, and a destination that switches protocols unasked, is 502 and leaves nothing open', async (method, body) => {
    const { port, all, sockets } = await stand.destination((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      );
    });
    const proxy = await stand.proxy(port);
    const answer = await send(proxy.port, method, 'http://mcp.example.com/', {}, body);
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('mcp.example.com:80 did not answer: it switched protocols');
    await until(() => all.length === 1 && sockets.size === 0, 'the end at the destination');
    expect(proxy.log.lines.map(({ event }) => event)).toEqual(['egress-request']);
  });

  test('a destination that says nothing is 502 after the idle time-out', async () => {
    const { port } = await web(() => undefined);
    const proxy = await stand.proxy(port, { idleTimeoutSeconds: 0.1 });
    const answer = await send(proxy.port, 'GET', 'http://mcp.example.com/', {});
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('silent for 0.1 s');
  });

  test('whose client leaves before it gets out leaves nothing open', async () => {
    const { port, all, sockets } = await stand.destination((socket) => void socket.resume());
    let connect: (() => void) | undefined;
    const proxy = await stand.proxy(port, { before: () => new Promise<void>((resolve) => (connect = resolve)) });
    const get = 'GET http://mcp.example.com/ HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n';
    const client = await stand.client(proxy.port, get);
    await until(() => connect !== undefined, 'the try');
    client.resetAndDestroy();
    await stand.gone(proxy.proxy.server);
    connect!();
    await until(() => all.length === 1 && sockets.size === 0, 'the end at the destination');
    await until(() => proxy.log.lines.length === 1, 'its line');
  });
});
