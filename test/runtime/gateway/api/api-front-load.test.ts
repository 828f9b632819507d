import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Metric, RouteGroup } from '../../../../runtime/contract';
import { TurnsInFlight } from '../../../../runtime/gateway/turns-in-flight';
import { apiFronts, AUTH, PASSWORD } from './api-front-parts';
import { rawExchange, until } from '../support';

/** How much the API front takes at once, and what it reads before it passes it on. */

const start = apiFronts();

describe('turns', () => {
  const turn = (origin: string, init: RequestInit = {}) =>
    fetch(`${origin}/v1/agents/agent-1/messages`, { method: 'POST', headers: AUTH, body: '{}', ...init });

  async function startHolding() {
    const held: ServerResponse[] = [];
    const hold = (_request: IncomingMessage, response: ServerResponse) => void held.push(response);
    const front = await start({ answer: hold, maxConcurrentTurns: 2 });
    return { ...front, held };
  }

  test('over the limit are refused with 429, naming the prop; other routes are not', async () => {
    const front = await startHolding();
    const { origin, held } = front;
    const first = [turn(origin), turn(origin)];
    await until(() => held.length === 2, 'two turns in flight');
    const refused = await turn(origin);
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      429,
      '1',
      { detail: expect.stringMatching(/^2 turns are in flight .* `maxConcurrentTurns` allows$/) },
    ]);
    const other = fetch(`${origin}/v1/agents/agent-1/messages`, { headers: AUTH });
    await until(() => held.length === 3, 'a list of messages in flight');
    for (const response of held) response.end('{}');
    for (const answer of [...first, other]) expect((await answer).status).toBe(200);
    expect(await front.counted(Metric.TURNS_REFUSED)).toBe(1);
  });

  test('are in flight from their admission to the end of their answer; other requests are none', async () => {
    const held: ServerResponse[] = [];
    const turnsInFlight = new TurnsInFlight({ record: () => undefined });
    const { origin } = await start({ answer: (_, response) => void held.push(response), turnsInFlight });
    const other = fetch(`${origin}/v1/agents/agent-1/messages`, { headers: AUTH });
    await until(() => held.length === 1, 'a list of messages in flight');
    expect(turnsInFlight.oldest()).toBeUndefined();
    const one = turn(origin);
    await until(() => held.length === 2, 'a turn in flight');
    expect(turnsInFlight.oldest()).toBeGreaterThanOrEqual(0);
    for (const response of held) response.end('{}');
    await Promise.all([one, other]);
    await until(() => turnsInFlight.oldest() === undefined, 'the end of the turn');
  });

  test.each([
    ['answered', (held: ServerResponse) => void held.end('{}')],
    ['broken off by Letta', (held: ServerResponse) => void held.socket?.destroy()],
    ['broken off in its stream', (held: ServerResponse) => (held.write('data: x'), held.socket?.destroy())],
  ])('that were %s make room for others', async (_how, end) => {
    const { origin, held } = await startHolding();
    for (let time = 0; time < 6; time++) {
      const answer = turn(origin).then(
        (response) => response.text().catch(() => 'cut'),
        () => 'cut',
      );
      await until(() => held.length === 1, 'the turn in flight');
      end(held.pop()!);
      await answer;
    }
  });

  test('whose client went away make room for others', async () => {
    const { origin, held } = await startHolding();
    for (let time = 0; time < 6; time++) {
      const controller = new AbortController();
      const answer = turn(origin, { signal: controller.signal }).catch(() => 'gone');
      await until(() => held.length === 1, 'the turn in flight');
      const closed = once(held.pop()!, 'close');
      controller.abort();
      await Promise.all([answer, closed]);
    }
  });

  test('whose client went away in its body make room for others', async () => {
    const { origin, port, held } = await startHolding();
    for (let time = 0; time < 6; time++) {
      const socket = connect(port, '127.0.0.1');
      const head = `POST /v1/agents/agent-1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\n`;
      socket.write(`${head}Content-Length: 10\r\n\r\n{"a`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      socket.destroy();
    }
    const last = turn(origin);
    await until(() => held.length === 1, 'a turn in flight');
    held[0].end('{}');
    expect((await last).status).toBe(200);
  });
});

describe('an import of agents', () => {
  const file = (tools: object[]) =>
    new Blob([JSON.stringify({ agents: [], groups: [], blocks: [], files: [], sources: [], tools, mcp_servers: [] })]);
  const send = (origin: string, tools: object[]) => {
    const body = new FormData();
    body.set('file', file(tools), 'agent.af');
    return fetch(`${origin}/v1/agents/import`, { method: 'POST', headers: AUTH, body });
  };
  const spy = { id: 'tool-0', tool_type: 'custom', name: 'spy', source_code: 'import os' };
  const own = { id: 'tool-0', tool_type: 'letta_core', name: 'send_message' };

  test('passes without tool source, written anew', async () => {
    const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.AGENT_IMPORT]) });
    expect((await send(origin, [own])).status).toBe(200);
    expect(seen.map(({ url }) => url)).toEqual(['/v1/agents/import']);
    expect(String(seen[0].body)).toContain('"send_message"');
    expect(String(seen[0].body)).toContain('name="override_existing_tools"\r\n\r\nfalse\r\n');
  });

  test('never reaches Letta with tool source', async () => {
    const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.AGENT_IMPORT]) });
    const response = await send(origin, [own, spy]);
    expect([response.status, await response.json()]).toEqual([403, { detail: expect.stringContaining('tool "spy"') }]);
    expect(seen).toEqual([]);
  });

  test('passes as it is once callers may bring tools', async () => {
    const { origin, seen } = await start({
      openRoutes: new Set([RouteGroup.AGENT_IMPORT, RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER]),
    });
    expect((await send(origin, [spy])).status).toBe(200);
    expect(String(seen[0].body)).toContain('import os');
    expect(String(seen[0].body)).not.toContain('override_existing_tools');
  });

  test('is refused if it is too large to be read', async () => {
    const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.AGENT_IMPORT]) });
    const response = await send(origin, [{ ...own, description: 'x'.repeat(9 * 1024 * 1024) }]);
    expect([response.status, await response.json()]).toEqual([
      413,
      { detail: expect.stringContaining('wanted at most 2097152 bytes') },
    ]);
    expect(seen).toEqual([]);
  });
});

describe('requests that are sent without waiting for answers', () => {
  const get = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\n${more}\r\n`;

  test('are answered in their order, one at a time', async () => {
    let [inFlight, most] = [0, 0];
    const { port } = await start({
      answer: (request, response) => {
        most = Math.max(most, ++inFlight);
        setTimeout(() => (inFlight--, response.end(request.url)), 2);
      },
    });
    const paths = Array.from({ length: 20 }, (_, at) => `/v1/agents/agent-${at}`);
    const requests = paths.map((path, at) => get(path, at === 19 ? 'Connection: close\r\n' : ''));
    const answers = await rawExchange(port, requests.join(''));
    expect(answers.match(/\/v1\/agents\/agent-\d+/g)).toEqual(paths);
    expect(most).toBe(1);
  });

  test('by the thousand are cut short, and hold nobody else up', async () => {
    const { port, origin } = await start({ answer: (_request, response) => void setTimeout(() => response.end(), 5) });
    const flood = rawExchange(port, get('/v1/agents/').repeat(20_000));
    const began = performance.now();
    expect((await fetch(`${origin}/v1/agents/`, { headers: AUTH })).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(3_000);
    const answers = (await flood).match(/HTTP\/1\.1 200/g)!.length;
    expect(answers).toBeGreaterThan(50);
    expect(answers).toBeLessThan(200);
  });
});
