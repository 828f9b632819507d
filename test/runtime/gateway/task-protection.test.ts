import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { LONGEST_MS, PROTECT_AFTER_MS, TaskProtection } from '../../../runtime/gateway/task-protection';
import { bodyOf, close, recordingLog, upstream } from './support';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(close)));

/** An agent that answers as ECS's does, and a task whose oldest work lasts as long as is said. */
async function task() {
  const asked: { path?: string; method?: string; body: unknown }[] = [];
  const state = { now: 0, busyFor: undefined as number | undefined, answer: agree };
  const { server, origin } = await upstream((request: IncomingMessage, response: ServerResponse) => {
    void bodyOf(request).then((bytes) => {
      const body = JSON.parse(bytes.toString()) as { ProtectionEnabled: boolean };
      asked.push({ path: request.url, method: request.method, body });
      const { status, answer } = state.answer(body.ProtectionEnabled);
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  });
  servers.push(server);
  const log = recordingLog();
  const protection = new TaskProtection({
    agentUri: `${origin}/api/0123`,
    busyFor: () => state.busyFor,
    log,
    now: () => state.now,
  });
  return { asked, state, log, protection, server };
}

function agree(ProtectionEnabled: boolean) {
  return {
    status: 200,
    answer: JSON.stringify({ protection: { ProtectionEnabled, TaskArn: 'arn:aws:ecs:eu-central-1:1:task/a/b' } }),
  };
}

const refuse = () => ({
  status: 400,
  answer: '{"error":{"Arn":"arn:aws:ecs:eu-central-1:1:task/a/b","Code":"AccessDeniedException","Message":"no"}}',
});

test('short turns need no protection: a task under steady load could never go', async () => {
  const { asked, state, protection } = await task();
  await protection.look();
  state.busyFor = PROTECT_AFTER_MS - 1;
  await protection.look();
  expect(asked).toEqual([]);
});

test('a long turn protects the task, for a time that is renewed, until it has ended', async () => {
  const { asked, state, protection } = await task();
  const put = (body: object) => ({ path: '/api/0123/task-protection/v1/state', method: 'PUT', body });
  const on = put({ ProtectionEnabled: true, ExpiresInMinutes: 10 });
  state.busyFor = PROTECT_AFTER_MS;
  await protection.look();
  state.now += 4 * 60_000;
  await protection.look();
  expect(asked).toEqual([on]);
  state.now += 60_000;
  await protection.look();
  expect(asked).toEqual([on, on]);
  state.busyFor = undefined;
  await protection.look();
  await protection.look();
  expect(asked).toEqual([on, on, put({ ProtectionEnabled: false })]);
});

test('long turns that overlap for ever let go of the task for a while, so that a deployment can end', async () => {
  const { asked, state, protection } = await task();
  state.busyFor = PROTECT_AFTER_MS;
  const protectedAt: Record<number, boolean> = {};
  for (; state.now <= LONGEST_MS + 6 * 60_000; state.now += 60_000) {
    await protection.look();
    protectedAt[state.now / 60_000] = (asked.at(-1)!.body as { ProtectionEnabled: boolean }).ProtectionEnabled;
  }
  expect([59, 60, 64, 65, 66].map((minute) => protectedAt[minute])).toEqual([true, false, false, true, true]);
});

test('a refusal is logged once, by its code, and asked again until it is granted', async () => {
  const { asked, state, log, protection } = await task();
  state.answer = refuse;
  state.busyFor = PROTECT_AFTER_MS;
  await protection.look();
  await protection.look();
  state.answer = agree;
  await protection.look();
  expect(asked).toHaveLength(3);
  expect(log.lines.map(({ event, fields }) => [event, fields])).toEqual([
    ['task-protection-failed', { wanted: true, reason: 'the ECS agent answered 400 with AccessDeniedException' }],
    ['task-protection', { protected: true, busy: true }],
  ]);
});

test('protection that could not be taken off is tried again', async () => {
  const { asked, state, protection } = await task();
  state.busyFor = PROTECT_AFTER_MS;
  await protection.look();
  state.busyFor = undefined;
  state.answer = () => ({ status: 500, answer: 'not JSON' });
  await protection.look();
  state.answer = agree;
  await protection.look();
  expect(asked.map(({ body }) => (body as { ProtectionEnabled: boolean }).ProtectionEnabled)).toEqual([
    true,
    false,
    false,
  ]);
});

test.each([
  ['the state that was not asked for', () => agree(false), '200 with no code'],
  [
    'a failure although its status is 200',
    () => ({ status: 200, answer: '{"protection":null,"failure":{"Arn":"a","Reason":"DEPLOYMENT_BLOCKED"}}' }),
    '200 with DEPLOYMENT_BLOCKED',
  ],
  ['text instead of a code', () => ({ status: 400, answer: '{"error":{"Code":"a secret: x"}}' }), '400 with no code'],
])('an answer with %s is a failure', async (_, answer, reason) => {
  const { state, log, protection } = await task();
  state.answer = answer;
  state.busyFor = PROTECT_AFTER_MS;
  await protection.look();
  expect(log.lines.map(({ fields }) => fields.reason)).toEqual([`the ECS agent answered ${reason}`]);
});

test('an agent that does not answer is logged and nothing else', async () => {
  const { state, log, protection, server } = await task();
  await close(server);
  state.busyFor = PROTECT_AFTER_MS;
  await protection.look();
  expect(log.lines).toMatchObject([{ level: 'warn', event: 'task-protection-failed' }]);
});
