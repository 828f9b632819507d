import { CacheUse, dueStep, ELASTICACHE_LIFETIME } from '../../../../runtime/gateway/cache/cache-session';

const HOUR_MS = 3_600_000;
const HOURS = [1, 9.9, 10, 11.4, 11.6, 11.95] as const;

/** What is due at each of the hours. */
const due = (use: Partial<CacheUse>) =>
  HOURS.map((hours) =>
    dueStep(
      { ageMs: hours * HOUR_MS, quietMs: 1_000, betweenCommands: true, countable: true, ...use },
      ELASTICACHE_LIFETIME,
    ),
  );

// ElastiCache ends a connection 12 hours after its last authentication.

test('a connection is authenticated anew after ten hours, in a moment between two commands', () => {
  expect(due({})).toEqual(['nothing', 'nothing', 'renew', 'renew', 'retire', 'retire']);
  expect(due({ quietMs: 0 })).toEqual(['nothing', 'nothing', 'renew', 'renew', 'renew', 'retire']);
});

test('one in the middle of something is left alone as long as there is time', () => {
  expect(due({ betweenCommands: false })).toEqual(['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'retire']);
});

test('one whose answers cannot be counted is never authenticated anew, but closed while it is silent', () => {
  const use = { countable: false, betweenCommands: false };
  expect(due(use)).toEqual(['nothing', 'nothing', 'nothing', 'nothing', 'retire', 'retire']);
  expect(due({ ...use, quietMs: 0 })).toEqual(['nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'retire']);
});
