import { createServer as createHttpServer } from 'node:http';
import { createServer, Server, Socket } from 'node:net';
import {
  bedrockCheck,
  cacheCheck,
  databaseCheck,
  lettaCheck,
  sandboxCheck,
} from '../../../runtime/gateway/readiness-checks';
import { close, listening, until } from './support';

const toStop: (() => void)[] = [];
afterEach(() => toStop.splice(0).forEach((stop) => stop()));

/** A server on loopback that counts its open connections. */
async function server(onConnection: (socket: Socket) => void) {
  const open = new Set<Socket>();
  const { server: started, port } = await listening(
    createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => open.delete(socket));
      onConnection(socket);
      // Unread bytes would hide that the other side has gone.
      socket.resume();
    }),
  );
  toStop.push(() => {
    open.forEach((socket) => socket.destroy());
    void close(started as Server);
  });
  return { address: { host: '127.0.0.1', port }, open };
}

async function closedAddress() {
  const { server: started, port } = await listening(createServer());
  await close(started as Server);
  return { host: '127.0.0.1', port };
}

const soon = () => AbortSignal.timeout(1_000);

function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${type}\0\0\0\0`), Buffer.from(body)]);
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', 'I');
const ROW = Buffer.concat([message('T', Buffer.alloc(2)), message('D', Buffer.alloc(2)), message('C', 'SELECT 1\0')]);

/** A Postgres that takes anybody and answers every query with `answer`; `undefined`: never. */
async function postgres(answer: Buffer | undefined, { pieces = false } = {}) {
  const seen: string[] = [];
  const found = await server((socket) => {
    const send = (bytes: Buffer) => {
      if (!pieces) return void socket.write(bytes);
      socket.setNoDelay(true);
      for (const byte of bytes) socket.write(Buffer.from([byte]));
    };
    socket.once('data', (startup) => {
      seen.push(startup.subarray(8).toString());
      send(Buffer.concat([AUTHENTICATED, message('S', 'server_version\x0016\0'), READY]));
      socket.on('data', (query) => {
        seen.push(query.toString('latin1').replace(/\W/g, ''));
        if (query[0] === 0x51 && answer) send(answer);
      });
    });
  });
  return { ...found, seen };
}

describe('database', () => {
  const role = { user: 'letta_runtime', database: 'letta' };

  test.each([false, true])('is well when a query has a row; bytes one by one: %s', async (pieces) => {
    const { address, seen, open } = await postgres(Buffer.concat([ROW, READY]), { pieces });
    expect(await databaseCheck(address, role)(soon())).toBeUndefined();
    await until(() => open.size === 0, 'the end of the connection');
    expect(seen).toEqual(['user\0letta_runtime\0database\0letta\0\0', 'QSELECT1', 'X']);
  });

  test.each([
    ['an error', message('E', 'SFATAL\0C57P01\0Mterminating secret-host\0\0'), 'it answered with the error 57P01'],
    ['no row', READY, 'it answered without a row'],
  ])('is not well with %s', async (_, answer, reason) => {
    const { address, open } = await postgres(answer);
    expect(await databaseCheck(address, role)(soon())).toBe(reason);
    await until(() => open.size === 0, 'the end of the connection');
  });

  test('is not well when a password is asked for, or the connection is closed', async () => {
    const asking = await server((socket) => socket.write(message('R', Buffer.from([0, 0, 0, 10]))));
    expect(await databaseCheck(asking.address, role)(soon())).toBe('it asks for a password');
    const closing = await server((socket) => socket.end());
    expect(await databaseCheck(closing.address, role)(soon())).toBe('it closed the connection');
  });

  test('a pooler whose database is dead keeps it waiting until the signal, and no connection stays', async () => {
    const { address, open } = await postgres(undefined);
    await expect(databaseCheck(address, role)(AbortSignal.timeout(100))).rejects.toThrow();
    await until(() => open.size === 0, 'the end of the connection');
  });

  test('an endless answer is given up', async () => {
    const { address, open } = await server((socket) => socket.write(Buffer.alloc(200_000, 1)));
    await expect(databaseCheck(address, role)(soon())).rejects.toThrow('too large');
    await until(() => open.size === 0, 'the end of the connection');
  });

  test('is not well when nobody listens', async () => {
    await expect(databaseCheck(await closedAddress(), role)(soon())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('cache', () => {
  test('is well when PING is answered', async () => {
    let asked = '';
    const { address, open } = await server((socket) =>
      socket.once('data', (command) => {
        asked = command.toString();
        socket.write('+PONG\r\n');
      }),
    );
    expect(await cacheCheck(address)(soon())).toBeUndefined();
    expect(asked).toBe('*1\r\n$4\r\nPING\r\n');
    await until(() => open.size === 0, 'the end of the connection');
  });

  test("is not well with the relay's error, of which only the log has the text", async () => {
    const { address } = await server((socket) => socket.end('-ERR the gateway could not reach secret-host\r\n'));
    const reason = await cacheCheck(address)(soon());
    expect(reason).toMatch(/^it answered with an error/);
    expect(reason).not.toContain('secret-host');
  });

  test('is not well when the connection is closed, or nothing comes', async () => {
    const closing = await server((socket) => socket.end());
    expect(await cacheCheck(closing.address)(soon())).toBe('it closed the connection');
    const silent = await server(() => undefined);
    await expect(cacheCheck(silent.address)(AbortSignal.timeout(100))).rejects.toThrow();
    await until(() => silent.open.size === 0, 'the end of the connection');
  });
});

describe('letta', () => {
  test.each([
    [200, undefined],
    [500, 'it answered with status 500'],
  ])('with status %s: %s', async (status, reason) => {
    const paths: unknown[] = [];
    const { server: started, port } = await listening(
      createHttpServer((request, response) => {
        paths.push(request.url);
        response.writeHead(status).end('{}');
      }),
    );
    toStop.push(() => void close(started));
    expect(await lettaCheck({ host: '127.0.0.1', port })(soon())).toBe(reason);
    expect(paths).toEqual(['/v1/health/']);
  });

  test('is not well while it starts, or when it hangs', async () => {
    await expect(lettaCheck(await closedAddress())(soon())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const { address, open } = await server(() => undefined);
    await expect(lettaCheck(address)(AbortSignal.timeout(100))).rejects.toThrow();
    await until(() => open.size === 0, 'the end of the connection');
  });
});

test('bedrock is as well as the list of models, which the look renews', async () => {
  let asked = 0;
  const list = (problem: string | undefined) => ({
    problem: () => problem,
    offered: async () => {
      asked++;
      if (problem) throw new Error('secret');
    },
  });
  expect(await bedrockCheck(list(undefined))(soon())).toBeUndefined();
  expect(await bedrockCheck(list('no list'))(soon())).toBe('no list');
  expect(asked).toBe(2);
});

test('the sandbox is not well when it was not there for the last run of a tool, and well again after the next', async () => {
  let problem: string | undefined = 'the tool sandbox is gone';
  const check = sandboxCheck({ problem: () => problem });
  expect(await check(new AbortController().signal)).toBe('the tool sandbox is gone');
  problem = undefined;
  expect(await check(new AbortController().signal)).toBeUndefined();
});
