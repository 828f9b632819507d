import { once } from 'node:events';
import { ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { Metric, RouteGroup } from '../../../../runtime/contract';
import { AUTH, PASSWORD, startApiFront } from './api-front-parts';
import { until } from '../support';

/** What a client that sends its body slowly keeps from the others: nothing. */

const LARGE = 200_000;

const toStop: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0).reverse()) await stop();
});

async function startHolding(openRoutes: RouteGroup[] = []) {
  const held: ServerResponse[] = [];
  const front = await startApiFront({
    answer: (request, response) => {
      request.on('error', () => undefined).on('end', () => void held.push(response));
      request.resume();
    },
    maxConcurrentTurns: 1,
    openRoutes: new Set(openRoutes),
  });
  toStop.push(front.stop);
  /** Sends a head and a part of the body, and waits until the front has them. */
  const slow = async (path: string, headers: string, part: string): Promise<Socket> => {
    const socket = connect(front.port, '127.0.0.1').setEncoding('latin1');
    toStop.push(() => socket.destroy());
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\n${headers}\r\n`;
    socket.write(head + part);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return socket;
  };
  return { ...front, held, slow };
}

const TURN = '/v1/agents/agent-1/messages';
const turn = (origin: string) => fetch(origin + TURN, { method: 'POST', headers: AUTH, body: '{}' });

describe.each([
  ['a small body', 'Content-Length: 10\r\n', '{"a', '":12345'],
  ['a large body', `Content-Length: ${LARGE}\r\n`, 'x'.repeat(LARGE - 1), 'x'],
  ['a body in chunks', 'Transfer-Encoding: chunked\r\n', '5\r\n{"a":\r\n', '2\r\n1}\r\n0\r\n\r\n'],
])('a turn whose client sends %s slowly', (_what, headers, part, rest) => {
  test('takes its slot when the body has arrived', async () => {
    const { origin, held, slow } = await startHolding();
    const socket = await slow(TURN, headers, part);
    const other = turn(origin);
    await until(() => held.length === 1, 'the other turn');
    held.pop()!.end('{}');
    expect((await other).status).toBe(200);
    socket.write(rest);
    await until(() => held.length === 1, 'the slow turn');
    expect((await turn(origin)).status).toBe(429);
    held[0].end('{}');
    expect((await once(socket, 'data'))[0]).toMatch(/^HTTP\/1.1 200 /);
  });

  test('is refused if none is free by then, and never reaches Letta whole', async () => {
    const front = await startHolding();
    const { origin, held, slow } = front;
    const socket = await slow(TURN, headers, part);
    const other = turn(origin);
    await until(() => held.length === 1, 'the other turn');
    socket.write(rest);
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toMatch(/^HTTP\/1.1 429 /);
    expect(answer).toContain('`maxConcurrentTurns`');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(held).toHaveLength(1);
    held[0].end('{}');
    expect((await other).status).toBe(200);
    expect(await front.counted(Metric.TURNS_REFUSED)).toBe(1);
  });
});

describe('agent files', () => {
  const IMPORT = '/v1/agents/import';
  const importing = (origin: string) => {
    const file = { agents: [], groups: [], blocks: [], files: [], sources: [], tools: [], mcp_servers: [] };
    const body = new FormData();
    body.set('file', new Blob([JSON.stringify(file)]), 'agent.af');
    return fetch(origin + IMPORT, { method: 'POST', headers: AUTH, body });
  };

  test('are imported one at a time; one that still arrives holds nobody up', async () => {
    const { origin, held, slow } = await startHolding([RouteGroup.AGENT_IMPORT]);
    await slow(IMPORT, 'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n', '--b');
    const first = importing(origin);
    await until(() => held.length === 1, 'the first import');
    const second = await importing(origin);
    expect([second.status, second.headers.get('retry-after'), await second.json()]).toEqual([
      429,
      '1',
      { detail: 'another agent file is being imported: they are, one at a time' },
    ]);
    held.pop()!.end('{}');
    expect((await first).status).toBe(200);
  });

  test('arrive eight at a time', async () => {
    const { origin, slow } = await startHolding([RouteGroup.AGENT_IMPORT]);
    const head = 'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n';
    const sockets = await Promise.all(Array.from({ length: 8 }, () => slow(IMPORT, head, '--b')));
    const refused = await importing(origin);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      { detail: '8 agent files are being sent, the most at once' },
    ]);
    sockets[0].destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await slow(IMPORT, head, '--b')).destroyed).toBe(false);
  });
});
