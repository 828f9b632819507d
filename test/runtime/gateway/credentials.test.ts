import { AwsCredentials, refreshingCredentials } from '../../../runtime/gateway/credentials';
import { recordingLog } from './support';

const MINUTE = 60_000;

function endpoint(lifetimeMs: number) {
  const state = { now: 1_700_000_000_000, calls: 0, fails: false };
  const load = async (): Promise<AwsCredentials> => {
    state.calls += 1;
    if (state.fails) throw new Error('the endpoint does not answer');
    return { accessKeyId: `key-${state.calls}`, secretAccessKey: 's', expiration: new Date(state.now + lifetimeMs) };
  };
  return { state, provide: refreshingCredentials(load, recordingLog(), () => state.now) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('callers at the same time share one call', async () => {
  const { state, provide } = endpoint(360 * MINUTE);
  const all = await Promise.all(Array.from({ length: 50 }, () => provide()));
  expect([state.calls, new Set(all.map(({ accessKeyId }) => accessKeyId)).size]).toEqual([1, 1]);
});

test('keys are renewed before they expire, and nobody waits for it', async () => {
  const { state, provide } = endpoint(60 * MINUTE);
  await provide();
  state.now += 50 * MINUTE;
  expect((await provide()).accessKeyId).toBe('key-1');
  await settle();
  expect((await provide()).accessKeyId).toBe('key-2');
});

test('an endpoint that fails for a while costs no call as long as the keys are good', async () => {
  const { state, provide } = endpoint(60 * MINUTE);
  await provide();
  state.fails = true;
  for (state.now += 46 * MINUTE; state.now < 1_700_000_000_000 + 59 * MINUTE; state.now += MINUTE) {
    expect((await provide()).accessKeyId).toBe('key-1');
    await settle();
  }
  state.fails = false;
  state.now += 10_000;
  await provide();
  await settle();
  expect((await provide()).accessKeyId).not.toBe('key-1');
});

test('expired keys are never handed out', async () => {
  const { state, provide } = endpoint(60 * MINUTE);
  await provide();
  state.fails = true;
  state.now += 61 * MINUTE;
  await expect(provide()).rejects.toThrow('does not answer');
});

test('keys about to expire are handed out while the endpoint fails, until they have expired', async () => {
  const { state, provide } = endpoint(60 * MINUTE);
  await provide();
  state.fails = true;
  state.now += 60 * MINUTE - 10_000;
  expect((await provide()).accessKeyId).toBe('key-1');
  state.now += 10_000;
  await expect(provide()).rejects.toThrow('does not answer');
});

test('an endpoint that fails is asked once a second, however many calls want keys', async () => {
  const { state, provide } = endpoint(60 * MINUTE);
  state.fails = true;
  for (let calls = 0; calls < 100; calls++) await expect(provide()).rejects.toThrow('does not answer');
  expect(state.calls).toBe(1);
  state.now += 1_000;
  state.fails = false;
  expect((await provide()).accessKeyId).toBe('key-2');
});

test('keys without a date of expiry that can be read are refused: they would never be renewed', async () => {
  const load = async () => ({ accessKeyId: 'a', secretAccessKey: 's', expiration: new Date('soon') });
  await expect(refreshingCredentials(load, recordingLog())()).rejects.toThrow('no date of expiry');
});
