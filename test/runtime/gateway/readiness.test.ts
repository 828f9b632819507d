import { Metric } from '../../../runtime/contract';
import { embeddedMetrics } from '../../../runtime/gateway/metrics';
import { Check, WatchedReadiness } from '../../../runtime/gateway/readiness';
import { recordingLog } from './support';

const well: Check = async () => undefined;

function readiness(checks: Partial<Record<'letta' | 'database' | 'cache' | 'bedrock', Check>>, empty?: string) {
  const log = recordingLog();
  const clock = { now: 0 };
  const watched = new WatchedReadiness(
    { checks, models: { count: empty ? 0 : 3, empty: () => empty }, metrics: embeddedMetrics('letta', log), log },
    () => clock.now,
  );
  return { watched, clock, log };
}

test('is ready when every configured check is well, and reports no other', async () => {
  const { watched } = readiness({ letta: well, cache: well });
  expect(await watched.report()).toEqual({ ready: true, checks: { letta: { ok: true }, cache: { ok: true } } });
});

test('says which check fails, and why', async () => {
  const { watched } = readiness({ letta: well, database: async () => 'it closed the connection' });
  expect(await watched.report()).toEqual({
    ready: false,
    checks: { letta: { ok: true }, database: { ok: false, reason: 'it closed the connection' } },
  });
});

test('says of an error its code and nothing that could name a host or a secret', async () => {
  const { watched } = readiness({
    cache: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND secret.host'), { code: 'ENOTFOUND' })),
    letta: () => Promise.reject(Object.assign(new Error('connect 10.0.0.1:1'), { code: 'ECONNREFUSED' })),
    database: () => Promise.reject(new Error('password hunter2')),
  });
  const text = JSON.stringify(await watched.report());
  expect(text).not.toMatch(/secret|10\.0|hunter2/);
  expect(text).toMatch(/ENOTFOUND/);
});

test('a check that hangs fails after two seconds and holds nothing else up', async () => {
  let aborted = false;
  const { watched } = readiness({
    letta: well,
    database: (signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => undefined);
    },
  });
  const startedAt = performance.now();
  expect((await watched.report()).checks).toEqual({
    letta: { ok: true },
    database: { ok: false, reason: 'no answer within 2 s' },
  });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(aborted).toBe(true);
});

test('many askers share one look, which is kept for five seconds', async () => {
  let looks = 0;
  const { watched, clock } = readiness({ letta: async () => void looks++ as undefined });
  await Promise.all(Array.from({ length: 50 }, () => watched.report()));
  clock.now += 4_999;
  await watched.report();
  expect(looks).toBe(1);
  clock.now += 1;
  await watched.report();
  expect(looks).toBe(2);
});

test('the log has a line when a check changes, and only then', async () => {
  let reason: string | undefined;
  const { watched, clock, log } = readiness({ letta: async () => reason });
  for (const next of [undefined, undefined, 'down', 'down', 'still down', undefined, undefined]) {
    reason = next;
    clock.now += 5_000;
    await watched.report();
  }
  expect(log.lines.map(({ level, event, fields }) => [level, event, fields])).toEqual([
    ['error', 'check-failed', { check: 'letta', reason: 'down' }],
    ['info', 'check-recovered', { check: 'letta' }],
  ]);
});

test('the watch writes the metrics', async () => {
  const { watched, log } = readiness({ letta: well, cache: async () => 'x' });
  await watched.watch();
  expect(log.lines.find(({ event }) => event === 'readiness')?.fields).toMatchObject({
    [Metric.READY]: 0,
    [Metric.CHAT_MODELS_LISTED]: 3,
    failing: ['cache'],
  });
});

test('without a chat model the task is unhealthy, which needs no look but asks for one', () => {
  const bedrock = jest.fn(async () => 'no models');
  expect(readiness({ bedrock }, 'no models').watched.unhealthy()).toBe('no models');
  expect(bedrock).toHaveBeenCalledTimes(1);
  expect(readiness({ letta: well }).watched.unhealthy()).toBeUndefined();
});
