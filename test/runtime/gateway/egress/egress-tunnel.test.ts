import { Socket } from 'node:net';
import { rawExchange, until } from '../support';
import { EgressStand, TO_DESTINATION } from './egress-stand';

const stand = new EgressStand();
afterEach(() => stand.end());

describe('a tunnel', () => {
  test('passes bytes unchanged both ways, also those sent with the request', async () => {
    const { port } = await stand.destination((socket) => void socket.pipe(socket));
    const proxy = await stand.proxy(port);
    const { socket, received } = await stand.tunnel(proxy.port, '\x16\x03\x01');
    const much = '\0\xff\r\n'.repeat(500_000);
    socket.write(much, 'latin1');
    await until(() => received().length === much.length + 3, 'all bytes back');
    expect(received() === `\x16\x03\x01${much}`).toBe(true);
  });

  test('stays half open: who has said all still gets the rest', async () => {
    const { port } = await stand.destination((socket) => {
      socket.on('end', () => setTimeout(() => socket.end('the rest'), 20)).resume();
    });
    const proxy = await stand.proxy(port);
    const { socket, received, ended } = await stand.tunnel(proxy.port);
    socket.end('all');
    await until(ended, 'the end of the answer');
    expect(received()).toBe('the rest');
  });

  test('is told in the log when it ends: destination, bytes, time, and no more', async () => {
    const { port } = await stand.destination((socket) => void socket.once('data', () => socket.end('secret answer')));
    const proxy = await stand.proxy(port);
    const { socket, ended } = await stand.tunnel(proxy.port);
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
    const { port, sockets } = await stand.destination((socket) => void socket.resume());
    const proxy = await stand.proxy(port, { idleTimeoutSeconds: 0.1 });
    const { ended } = await stand.tunnel(proxy.port);
    await until(ended, 'the cut');
    await until(() => sockets.size === 0, 'the end at the destination');
    expect(proxy.log.lines[0].fields).toMatchObject({ ended: 'idle' });
  });

  test.each([
    ['the client', async (client: Socket) => void client.resetAndDestroy()],
    ['the destination', async (_client: Socket, sockets: Set<Socket>) => sockets.forEach((s) => s.resetAndDestroy())],
  ])('that %s breaks off takes the other side with it', async (_who, breakOff) => {
    const { port, sockets } = await stand.destination((socket) => void socket.resume());
    const proxy = await stand.proxy(port);
    const { socket, ended } = await stand.tunnel(proxy.port);
    await until(() => sockets.size === 1, 'the connection');
    await breakOff(socket, sockets);
    await until(() => ended() && sockets.size === 0, 'the end of both');
    await until(() => proxy.log.lines.length === 1, 'its line');
  });

  test('holds back a side that sends faster than the other reads', async () => {
    let sent = 0;
    const { port } = await stand.destination((socket) => {
      const more = () => {
        while (socket.write(Buffer.alloc(65_536))) sent += 65_536;
        sent += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    const proxy = await stand.proxy(port);
    const { socket } = await stand.tunnel(proxy.port);
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
    const { port } = await stand.destination((socket) => void socket.resume());
    const proxy = await stand.proxy(port);
    const { ended } = await stand.tunnel(proxy.port);
    proxy.proxy.stop();
    await until(ended, 'the end');
    expect(proxy.log.lines[0].fields.ended).toContain('the gateway stops');
  });

  test('beyond 128 gets 503 and a time to come back, until one ends', async () => {
    const { port } = await stand.destination((socket) => void socket.resume());
    const proxy = await stand.proxy(port);
    const all = await Promise.all(Array.from({ length: 128 }, () => stand.tunnel(proxy.port)));
    expect(await rawExchange(proxy.port, TO_DESTINATION)).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1\r\n/);
    all[0].socket.resetAndDestroy();
    await until(() => proxy.log.lines.some(({ event }) => event === 'egress-tunnel'), 'the end of one');
    await stand.tunnel(proxy.port);
  });

  test('whose client leaves before it stands gives its place back and leaves nothing open', async () => {
    const { port, all, sockets } = await stand.destination((socket) => void socket.resume());
    const standing: (() => void)[] = [];
    const proxy = await stand.proxy(port, { before: () => new Promise<void>((resolve) => standing.push(resolve)) });
    const clients = await Promise.all(Array.from({ length: 128 }, () => stand.client(proxy.port, TO_DESTINATION)));
    await until(() => standing.length === 128, 'every try');
    for (const client of clients) client.resetAndDestroy();
    await stand.gone(proxy.proxy.server);
    standing.forEach((connect) => connect());
    await until(() => all.length === 128 && sockets.size === 0, 'the end at the destination');
    const next = stand.tunnel(proxy.port);
    await until(() => standing.length === 129, 'one more try');
    standing[128]();
    await next;
  });

  test('whose client has said all is cut when nothing comes any more, long before the idle time-out', async () => {
    const { port, sockets } = await stand.destination((socket) => void socket.resume());
    const proxy = await stand.proxy(port, { halfOpenTimeoutSeconds: 0.1 });
    const { socket, ended } = await stand.tunnel(proxy.port);
    socket.end('all');
    await until(() => sockets.size === 0, 'the end of what the client says');
    await until(ended, 'the cut');
    expect(proxy.log.lines[0].fields).toMatchObject({ sentBytes: 3, ended: 'half open and idle' });
  });

  test('whose destination has said all is cut when the client says nothing any more', async () => {
    const { port } = await stand.destination((socket) => void socket.resume().end('all'));
    const proxy = await stand.proxy(port, { halfOpenTimeoutSeconds: 0.1 });
    const { received } = await stand.tunnel(proxy.port);
    await until(() => proxy.log.lines.length === 1, 'the cut');
    expect(received()).toBe('all');
    expect(proxy.log.lines[0].fields).toMatchObject({ ended: 'half open and idle' });
  });

  test('to a destination that cannot be reached is 502, and no try to leave', async () => {
    const proxy = await stand.proxy(1, { before: () => Promise.reject(new Error('no route to host')) });
    expect(await rawExchange(proxy.port, TO_DESTINATION)).toMatch(/^HTTP\/1.1 502 [^]*no route to host/);
    expect(proxy.log.lines.map(({ event }) => event)).toEqual(['egress-failed']);
  });
});
