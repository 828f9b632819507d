import { IncomingMessage } from 'node:http';
import { digestOf } from '../../../../runtime/gateway/api/api-password';
import { clientAddress } from '../../../../runtime/gateway/api/client-address';
import { PasswordBackoff } from '../../../../runtime/gateway/api/password-backoff';

function clocked() {
  const state = { at: 1_000_000 };
  return { backoff: new PasswordBackoff(() => state.at), pass: (seconds: number) => void (state.at += seconds * 1000) };
}

let guesses = 0;

/** Each time with another password. */
function fail(backoff: PasswordBackoff, times = 1, address = 'a'): void {
  for (let time = 0; time < times; time++) backoff.failed(address, digestOf(`guess ${guesses++}`));
}

describe('an address that presents wrong passwords', () => {
  test('may do so a few times, then waits twice as long each time, up to a minute', () => {
    const { backoff } = clocked();
    const waits = Array.from({ length: 13 }, () => {
      fail(backoff);
      return backoff.waitSeconds('a');
    });
    expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('may try again when its wait is over', () => {
    const { backoff, pass } = clocked();
    fail(backoff, 7);
    pass(3.9);
    expect(backoff.waitSeconds('a')).toBe(1);
    pass(0.1);
    expect(backoff.waitSeconds('a')).toBe(0);
  });

  test('is forgotten some ten minutes after its last failure, however often it failed', () => {
    const { backoff, pass } = clocked();
    fail(backoff, 10_000);
    pass(6 * 60);
    fail(backoff);
    expect(backoff.waitSeconds('a')).toBeGreaterThan(0);
    pass(11 * 60);
    expect(backoff.waitSeconds('a')).toBe(0);
    expect(backoff.quiet).toBe(true);
  });

  test('may present the same ones again and again: a client that was left with an old password locks nobody out', () => {
    const { backoff, pass } = clocked();
    const stale = ['one', 'two', 'three', 'four'].map(digestOf);
    for (let second = 0; second < 3_600; second++) {
      for (const digest of stale) backoff.failed('a', digest);
      expect(backoff.waitSeconds('a')).toBe(0);
      pass(1);
    }
    expect(backoff.failed('b', stale[0])).toBe(true);
    expect(backoff.failed('b', stale[0])).toBe(false);
  });

  test('waits for each new one however often it repeats old ones, of which only the last few are known', () => {
    const { backoff } = clocked();
    fail(backoff, 5);
    const stale = digestOf('stale');
    expect(backoff.failed('a', stale)).toBe(true);
    expect(backoff.failed('a', stale)).toBe(false);
    expect(backoff.waitSeconds('a')).toBe(2);
    fail(backoff, 8);
    expect(backoff.failed('a', stale)).toBe(true);
  });

  test('has a failure taken back if the password turns out to be a new one', () => {
    const { backoff } = clocked();
    fail(backoff);
    backoff.forgive('a');
    expect(backoff.quiet).toBe(true);
  });
});

test('one address does not make another one wait', () => {
  const { backoff } = clocked();
  fail(backoff, 20);
  expect(backoff.waitSeconds('b')).toBe(0);
});

test('memory is bounded: the address that failed least recently makes room', () => {
  const { backoff } = clocked();
  fail(backoff, 20, 'first');
  fail(backoff, 20, 'second');
  for (let other = 0; other < 9_998; other++) fail(backoff, 1, `other ${other}`);
  fail(backoff, 1, 'first');
  fail(backoff, 1, 'one more');
  expect(backoff.size).toBe(10_000);
  expect(backoff.waitSeconds('first')).toBeGreaterThan(0);
  expect(backoff.waitSeconds('second')).toBe(0);
});

test('stray guesses are forgotten although their addresses never come back', () => {
  const { backoff, pass } = clocked();
  for (let other = 0; other < 100; other++) fail(backoff, 1, `other ${other}`);
  pass(11 * 60);
  fail(backoff);
  expect(backoff.size).toBe(1);
  pass(11 * 60);
  expect(backoff.waitSeconds('b')).toBe(0);
  expect(backoff.quiet).toBe(true);
});

describe('the address of a client', () => {
  const address = (forwarded?: string, remoteAddress = '10.0.0.9') =>
    clientAddress({
      headers: { 'x-forwarded-for': forwarded },
      socket: { remoteAddress },
    } as unknown as IncomingMessage);

  test.each([
    ['without a load balancer, the connection’s', undefined, '10.0.0.9'],
    ['what the load balancer appended', '1.2.3.4, 5.6.7.8', '5.6.7.8'],
    ['the only entry', '5.6.7.8', '5.6.7.8'],
    ['an entry with its port', '1.2.3.4, 5.6.7.8:4711', '5.6.7.8'],
    ['the network that one IPv6 client has', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['another spelling of it', '2001:0DB8:0001:2::', '2001:db8:1:2::/64'],
    ['with zeros inside', '2001:db8::9', '2001:db8:0:0::/64'],
    ['the unspecified one', '::', '0:0:0:0::/64'],
    ['IPv6 with its port', '[2001:db8:1:2::7]:4711', '2001:db8:1:2::/64'],
    ['IPv4 written as IPv6', '::ffff:5.6.7.8', '5.6.7.8'],
    ['the connection’s, if the last entry is none', '5.6.7.8, unknown', '10.0.0.9'],
    ['the connection’s, if the header is empty', '', '10.0.0.9'],
  ])('is %s', (_which, forwarded, expected) => {
    expect(address(forwarded)).toBe(expected);
  });

  test('is the same for a connection by either family', () => {
    expect(address(undefined, '::ffff:10.0.0.9')).toBe('10.0.0.9');
    expect(address(undefined, 'fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });
});
