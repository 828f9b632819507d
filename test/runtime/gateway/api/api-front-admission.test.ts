import { ApiFrontOptions } from '../../../../runtime/gateway/api/api-front';
import { Metric } from '../../../../runtime/contract';
import { ApiPassword } from '../../../../runtime/gateway/api/api-password';
import { apiFronts, AUTH, knownPassword, PASSWORD, READY } from './api-front-parts';
import { recordingLog, until } from '../support';

/** Who the API front lets in, and what it answers by itself. */

const ADMINISTRATOR = { authorization: 'Bearer administrators only' };

const start = apiFronts();

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
  let guesses = 0;
  const wrong = () => ({ authorization: `Bearer guess ${guesses++}` });

  async function guess(origin: string, address: string, times: number): Promise<number[]> {
    const statuses = [];
    for (let time = 0; time < times; time++) {
      statuses.push((await fetch(`${origin}/v1/agents/`, from(address, wrong()))).status);
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

  test('is not one whose client was left with an old password: the right one passes beside it', async () => {
    const front = await start();
    for (let time = 0; time < 20; time++) {
      const stale = await fetch(`${front.origin}/v1/agents/`, from('5.6.7.8', { 'x-bare-password': 'password stale' }));
      expect(stale.status).toBe(401);
    }
    expect((await fetch(`${front.origin}/v1/agents/`, from('5.6.7.8'))).status).toBe(200);
    expect(await front.counted(Metric.AUTHENTICATION_FAILED)).toBe(20);
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
      expect((await fetch(`${origin}/v1/ready/`, from('5.6.7.8', wrong()))).status).toBe(401);
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
    expect(await front.counted(Metric.AUTHENTICATION_FAILED)).toBe(0);
  });

  test('shows in a metric that sums up, not in a line for each guess', async () => {
    const front = await start();
    await guess(front.origin, '5.6.7.8', 4);
    expect(await front.counted(Metric.AUTHENTICATION_FAILED)).toBe(4);
    const lines = front.log.lines.filter(({ event }) => event === 'authentication-failed');
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(front.log.lines)).not.toContain('guess');
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
