import { once } from 'node:events';
import { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { Pool } from 'undici';
import { Metric, RouteGroup } from '../../../runtime/contract';
import { ApiFrontOptions } from '../../../runtime/gateway/api-front';
import { ApiPassword } from '../../../runtime/gateway/api-password';
import { apiFront, AUTH, knownPassword, PASSWORD, READY } from './api-front-parts';
import { bodyOf, close, listening, rawExchange, recordingLog, until, upstream } from './support';

/** Who the API front lets in, how many at once, and what it answers by itself. */

const ADMINISTRATOR = { authorization: 'Bearer administrators only' };

let toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of toStop.splice(0)) await stop();
  toStop = [];
});

async function start({ answer, ...options }: { answer?: RequestListener } & Partial<ApiFrontOptions> = {}) {
  const seen: { method: string; url: string; body: string; contentType?: string }[] = [];
  const behind = await upstream(async (request, response) => {
    if (answer) return answer(request, response);
    const body = (await bodyOf(request)).toString();
    seen.push({ method: request.method!, url: request.url!, body, contentType: request.headers['content-type'] });
    response.end('{"ok":true}');
  });
  const log = recordingLog();
  const pool = new Pool(behind.origin);
  const front = await listening(await apiFront({ letta: pool, log, ...options }));
  toStop.push(
    () => close(front.server),
    () => pool.destroy(),
    () => close(behind.server),
  );
  const counted = (metric: Metric) =>
    log.lines.reduce((sum, { fields }) => sum + ((fields[metric] as number | undefined) ?? 0), 0);
  return { ...front, seen, log, counted };
}

async function metricsAfter(front: Awaited<ReturnType<typeof start>>, metric: Metric): Promise<number> {
  await close(front.server);
  return front.counted(metric);
}

describe('administrators', () => {
  async function startWithAdministrators(options: Partial<ApiFrontOptions> = {}) {
    const administratorPassword = await knownPassword('administrators only', recordingLog());
    return start({ administratorPassword, ...options });
  }

  test('reach routes that the others do not', async () => {
    const { origin, log } = await startWithAdministrators();
    const path = `${origin}/v1/admin/users/`;
    expect((await fetch(path, { headers: AUTH })).status).toBe(403);
    expect((await fetch(path, { headers: ADMINISTRATOR })).status).toBe(200);
    await until(() => log.lines.length === 2, 'two log lines');
    expect(log.lines.map(({ fields }) => fields.administrator)).toEqual([undefined, true]);
  });

  test('reach everything that is open, and nothing that a prop closes', async () => {
    const { origin } = await startWithAdministrators();
    expect((await fetch(`${origin}/v1/agents/`, { headers: ADMINISTRATOR })).status).toBe(200);
    const tool = await fetch(`${origin}/v1/tools/run`, { method: 'POST', headers: ADMINISTRATOR, body: '{}' });
    expect(tool.status).toBe(403);
  });

  test('are nobody while no password is configured for them', async () => {
    const { origin } = await start();
    const response = await fetch(`${origin}/v1/admin/users/`, { headers: AUTH });
    expect([response.status, await response.json()]).toEqual([
      403,
      { detail: expect.stringContaining('`administratorPassword`') },
    ]);
    expect((await fetch(`${origin}/v1/agents/`, { headers: ADMINISTRATOR })).status).toBe(401);
  });

  test('are nobody by a password that everybody has', async () => {
    const administratorPassword = await knownPassword(PASSWORD, recordingLog());
    const { origin } = await start({ administratorPassword });
    expect((await fetch(`${origin}/v1/admin/users/`, { headers: AUTH })).status).toBe(403);
  });
});

describe('an address that guesses passwords', () => {
  const from = (address: string, headers: object = AUTH) => ({
    headers: { ...headers, 'x-forwarded-for': `1.1.1.1, ${address}` } as Record<string, string>,
  });
  const wrong = { authorization: 'Bearer guess' };

  async function guess(origin: string, address: string, times: number): Promise<number[]> {
    const statuses = [];
    for (let time = 0; time < times; time++) {
      statuses.push((await fetch(`${origin}/v1/agents/`, from(address, wrong))).status);
    }
    return statuses;
  }

  test('is told to wait, and the right password is refused with the wrong ones', async () => {
    const { origin } = await start();
    expect(await guess(origin, '5.6.7.8', 7)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const response = await fetch(`${origin}/v1/agents/`, from('5.6.7.8'));
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      429,
      '1',
      { detail: 'too many wrong passwords from this address: wait 1 s, until then no password is looked at' },
    ]);
    expect((await fetch(`${origin}/v1/agents/`, from('5.6.7.9'))).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await fetch(`${origin}/v1/agents/`, from('5.6.7.8'))).status).toBe(200);
  });

  test('cannot look at more passwords by asking for all of them at once', async () => {
    const { origin } = await start();
    const statuses = await Promise.all(Array.from({ length: 40 }, () => guess(origin, '5.6.7.8', 1)));
    expect(statuses.flat().filter((status) => status === 401).length).toBe(5);
  });

  test('is who presents a password: who presents none may go on', async () => {
    const { origin } = await start();
    for (let time = 0; time < 10; time++) {
      expect((await fetch(`${origin}/v1/agents/`, from('5.6.7.8', {}))).status).toBe(401);
    }
    expect((await fetch(`${origin}/v1/agents/`, from('5.6.7.8'))).status).toBe(200);
  });

  test('gets no hint from the readiness either', async () => {
    const { origin } = await start();
    for (let time = 0; time < 5; time++) {
      expect((await fetch(`${origin}/v1/ready/`, from('5.6.7.8', wrong))).status).toBe(401);
    }
    expect((await fetch(`${origin}/v1/ready/`, from('5.6.7.8'))).status).toBe(429);
  });

  test('is not who presents a password that was changed a moment ago', async () => {
    let passwords = ['first'];
    let at = 1_000_000;
    const password = new ApiPassword(
      async () => passwords,
      recordingLog(),
      () => at,
    );
    await password.start();
    const front = await start({ password });
    passwords = ['second', 'first'];
    for (let time = 0; time < 10; time++) {
      at += 60_000;
      passwords = [`password ${time}`];
      const headers = { authorization: `Bearer password ${time}` };
      expect((await fetch(`${front.origin}/v1/agents/`, { headers })).status).toBe(200);
    }
    expect(await metricsAfter(front, Metric.AUTHENTICATION_FAILED)).toBe(0);
  });

  test('shows in a metric that sums up, not in a line for each guess', async () => {
    const front = await start();
    await guess(front.origin, '5.6.7.8', 4);
    expect(await metricsAfter(front, Metric.AUTHENTICATION_FAILED)).toBe(4);
    const lines = front.log.lines.filter(({ event }) => event === 'authentication-failed');
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(front.log.lines)).not.toContain('guess');
  });
});

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
    expect(await metricsAfter(front, Metric.TURNS_REFUSED)).toBe(1);
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

describe('readiness', () => {
  const readiness = {
    ...READY,
    report: async () => ({
      ready: false,
      checks: { letta: { ok: true }, database: { ok: false, reason: 'it refuses the connection' } },
    }),
  };

  test.each(['/v1/ready', '/v1/ready/'])(
    '%s tells everybody what fails, and why to who has the password',
    async (path) => {
      const { origin, seen } = await start({ readiness });
      const stranger = await fetch(origin + path);
      expect([stranger.status, await stranger.json()]).toEqual([
        503,
        { status: 'failing', checks: { letta: 'ok', database: 'failing' } },
      ]);
      expect(await (await fetch(origin + path, { headers: AUTH })).json()).toEqual({
        status: 'failing',
        checks: { letta: 'ok', database: 'failing' },
        reasons: { database: 'it refuses the connection' },
      });
      expect(seen).toEqual([]);
    },
  );

  test('is 200 when everything answers', async () => {
    const { origin } = await start();
    const response = await fetch(`${origin}/v1/ready/`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready', checks: { letta: 'ok' } }]);
  });

  test('health is not, for a gateway that must not look healthy, without asking Letta', async () => {
    const { origin, seen } = await start({ readiness: { ...READY, unhealthy: () => 'no chat model is listed' } });
    const response = await fetch(`${origin}/v1/health/`);
    expect([response.status, await response.json()]).toEqual([503, { detail: 'no chat model is listed' }]);
    expect(seen).toEqual([]);
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
    expect(seen).toMatchObject([{ url: '/v1/agents/import', body: expect.stringContaining('"send_message"') }]);
    expect(seen[0].body).toContain('name="override_existing_tools"\r\n\r\nfalse\r\n');
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
    expect(seen[0].body).toContain('import os');
    expect(seen[0].body).not.toContain('override_existing_tools');
  });

  test('is refused if it is too large to be read', async () => {
    const { origin, seen } = await start({ openRoutes: new Set([RouteGroup.AGENT_IMPORT]) });
    const response = await send(origin, [{ ...own, description: 'x'.repeat(9 * 1024 * 1024) }]);
    expect([response.status, await response.json()]).toEqual([
      413,
      { detail: expect.stringContaining('wanted at most 8388608 bytes') },
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
    expect(performance.now() - began).toBeLessThan(1_000);
    const answers = (await flood).match(/HTTP\/1\.1 200/g)!.length;
    expect(answers).toBeGreaterThan(50);
    expect(answers).toBeLessThan(200);
  });
});
