import { InterpreterSessions, SessionLimits } from '../../../../runtime/gateway/sandbox/interpreter-sessions';

const never = new AbortController().signal;

function stand(limits: Partial<SessionLimits> = {}) {
  const began: string[] = [];
  const ended: string[] = [];
  const [clock, fault] = [{ now: 0 }, { start: undefined as Error | undefined }];
  const service = {
    start: async () => {
      if (fault.start) throw fault.start;
      began.push(`session-${began.length + 1}`);
      return began.at(-1)!;
    },
    stop: async (id: string) => void ended.push(id),
  };
  const sessions = new InterpreterSessions(
    service,
    { most: 2, idleMs: 60_000, oldestMs: 1_000_000, ...limits },
    () => clock.now,
  );
  const use = (tenant: string, work: () => Promise<unknown> = async () => undefined, hungUp = never) =>
    sessions.use({ tenant, keep: true, hungUp }, async ({ id }) => {
      await work();
      return id;
    });
  return { began, ended, clock, fault, sessions, use };
}

/** A use that goes on until it is told. */
function held() {
  let go = () => undefined as void;
  const ended = new Promise<void>((resolve) => (go = resolve));
  return { work: () => ended, go };
}

test('there are so many sessions and no more, however many tenants are named: the one that rests longest ends', async () => {
  const { use, clock, began, ended, sessions } = stand();
  for (let tenant = 1; tenant <= 20; tenant++) {
    clock.now++;
    await use(`agent-${tenant}`);
    expect(began.length - ended.length).toBeLessThanOrEqual(2);
  }
  expect(ended).toEqual(began.slice(0, 18));
  clock.now++;
  expect(await use('agent-19')).toBe('session-19');
  clock.now++;
  await use('agent-21');
  expect(ended.at(-1)).toBe('session-20');
  await sessions.stop();
  expect(ended.length).toBe(began.length);
});

test('when all sessions are at work, those that begin included, one more is refused and nothing ends', async () => {
  const { use, ended, sessions } = stand();
  const [one, two] = [held(), held()];
  const running = [use('agent-1', one.work), use('agent-2', two.work)];
  await expect(use('agent-3')).rejects.toMatchObject({
    outcome: 'refused',
    message: 'this server has 2 code interpreter sessions at work already, try again later',
  });
  expect(ended).toEqual([]);
  one.go();
  two.go();
  await Promise.all(running);
  expect(await use('agent-3')).toBe('session-3');
  await sessions.stop();
});

test('whoever waits gets another session when the one before him ended it', async () => {
  const { use, ended, sessions } = stand();
  const failing = use('agent-1', () => Promise.reject(new Error('spoilt')));
  const waiting = use('agent-1');
  await expect(failing).rejects.toThrow('spoilt');
  expect(await waiting).toBe('session-2');
  expect(ended).toEqual(['session-1']);
  await sessions.stop();
});

test('a use that its tenant gives up before its turn leaves session and order to the others', async () => {
  const { use, began, ended, sessions } = stand();
  const [first, abort, order] = [held(), new AbortController(), [] as string[]];
  const running = use('agent-1', first.work);
  const givenUp = use('agent-1', async () => void order.push('given up'), abort.signal);
  const last = use('agent-1', async () => void order.push('last'));
  abort.abort();
  await expect(givenUp).rejects.toMatchObject({ outcome: 'died' });
  expect(order).toEqual([]);
  first.go();
  expect([await running, await last]).toEqual(['session-1', 'session-1']);
  expect({ order, began, ended }).toEqual({ order: ['last'], began: ['session-1'], ended: [] });
  await sessions.stop();
});

test('one that is given up while its session begins keeps the session for the next one', async () => {
  const { use, began, ended, sessions } = stand();
  const abort = new AbortController();
  const givenUp = use('agent-1', () => Promise.reject(new Error('ran')), abort.signal);
  await Promise.resolve();
  abort.abort();
  await expect(givenUp).rejects.toThrow('nobody waits');
  expect(await use('agent-1')).toBe('session-1');
  expect([began.length, ended]).toEqual([1, []]);
  await sessions.stop();
});

test('a session rests so long and ends then', async () => {
  const { use, ended, sessions } = stand({ idleMs: 30 });
  await use('agent-1');
  expect(ended).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(ended).toEqual(['session-1']);
  expect(await use('agent-1')).toBe('session-2');
  await sessions.stop();
});

test('a session that would end in the middle of a run is exchanged before it', async () => {
  const { use, clock, ended, sessions } = stand({ oldestMs: 100 });
  await use('agent-1');
  clock.now = 101;
  expect(await use('agent-1')).toBe('session-2');
  expect(ended).toEqual(['session-1']);
  await sessions.stop();
});

test('a session that could not begin takes no room', async () => {
  const { use, fault, sessions } = stand({ most: 1 });
  fault.start = new Error('throttled');
  await expect(use('agent-1')).rejects.toThrow('throttled');
  await expect(use('agent-2')).rejects.toThrow('throttled');
  fault.start = undefined;
  expect(await use('agent-3')).toBe('session-1');
  await sessions.stop();
});

test('a session that begins while the gateway stops is ended, and runs nothing', async () => {
  const { use, ended, sessions } = stand();
  const running = use('agent-1', () => Promise.reject(new Error('ran')));
  await sessions.stop();
  await expect(running).rejects.toThrow('the gateway stops');
  expect(ended).toEqual(['session-1']);
});
