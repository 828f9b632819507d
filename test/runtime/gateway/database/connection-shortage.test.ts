import { ConnectionShortage } from '../../../../runtime/gateway/database/connection-shortage';

let now = 0;
const shortage = (message: string) => {
  const noted = new ConnectionShortage(() => now);
  noted.note(message);
  return noted;
};

// Lines of PgBouncer 1.18 as they stand in its log; the reasons are PostgreSQL 16's, and RDS's.
test.each([
  'S-0x55: letta/letta_runtime@10.0.0.9:5432 server login failed: FATAL sorry, too many clients already',
  'S-0x55: letta/letta_runtime@10.0.0.9:5432 server login failed: FATAL too many connections for role "letta_runtime"',
  'S-0x55: server login failed: FATAL remaining connection slots are reserved for roles with the SUPERUSER attribute',
  'S-0x55: server login failed: FATAL remaining connection slots are reserved for non-replication superuser and rds_superuser connections',
  'C-0x55: letta/letta_runtime@127.0.0.1:37824 pooler error: query_wait_timeout',
])('there is a shortage after: %s', (message) => {
  expect(shortage(message).reason()).toContain('no free connection');
});

test.each([
  'C-0x55: letta/letta_runtime@127.0.0.1:37228 pooler error: server conn crashed?',
  'S-0x55: letta/letta_runtime@10.0.0.9:5432 server login failed: FATAL the database system is starting up',
  'process up: PgBouncer 1.18.0',
])('there is none after: %s', (message) => {
  expect(shortage(message).reason()).toBeUndefined();
});

test('it is over when PgBouncer has said nothing of it for five seconds', () => {
  const noted = shortage('pooler error: query_wait_timeout');
  now += 5_000;
  expect(noted.reason()).toBeDefined();
  now += 1;
  expect(noted.reason()).toBeUndefined();
});
