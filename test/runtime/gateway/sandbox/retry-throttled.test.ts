import { retryThrottled } from '../../../../runtime/gateway/sandbox/retry-throttled';

const never = new AbortController().signal;
const named = (name: string) => Object.assign(new Error('secret words'), { name });

test.each(['TooManyRequestsException', 'ThrottlingException'])('%s is tried four times', async (name) => {
  let calls = 0;
  const attempt = () => {
    calls++;
    return Promise.reject(named(name));
  };
  await expect(retryThrottled(attempt, never)).rejects.toMatchObject({ name });
  expect(calls).toBe(4);
});

test('what may have begun is tried once', async () => {
  let calls = 0;
  const attempt = () => {
    calls++;
    return Promise.reject(named('ServiceException'));
  };
  await expect(retryThrottled(attempt, never)).rejects.toMatchObject({ name: 'ServiceException' });
  expect(calls).toBe(1);
});

test('nothing is tried again when nobody waits any more', async () => {
  const hungUp = new AbortController();
  let calls = 0;
  const attempt = () => {
    calls++;
    setTimeout(() => hungUp.abort(), 20);
    return Promise.reject(named('ThrottlingException'));
  };
  await expect(retryThrottled(attempt, hungUp.signal)).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect(calls).toBe(1);
});
