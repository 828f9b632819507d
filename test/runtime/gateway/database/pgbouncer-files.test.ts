import { authFile, parsePgbouncerLine, pgbouncerIni } from '../../../../runtime/gateway/database/pgbouncer-files';

// That PgBouncer understands this, and what it then allows, is shown by the conformance test, which runs it.

const database = {
  host: 'db.example.com',
  port: 5432,
  name: 'letta',
  user: 'letta_runtime',
  caFile: '/ca.pem',
  maxConnections: 40,
};
const ini = pgbouncerIni(database, { host: '127.0.0.1', port: 6432, authFile: '/run/gateway/users' });
const settings = Object.fromEntries(
  ini.split('\n').flatMap((line) => (line.includes(' =') ? [line.split(/ =\s*/, 2)] : [])),
);

test('one database, one role, and no other', () => {
  expect(ini.split('[pgbouncer]')[0].trim().split('\n')).toEqual([
    '[databases]',
    'letta = host=db.example.com port=5432 dbname=letta user=letta_runtime',
  ]);
});

test('loopback only, no socket file, no console, certificate verified, sessions kept whole', () => {
  expect(settings).toMatchObject({
    listen_addr: '127.0.0.1',
    unix_socket_dir: '',
    admin_users: '',
    stats_users: '',
    server_tls_sslmode: 'verify-full',
    server_tls_ca_file: '/ca.pem',
    pool_mode: 'session',
    max_db_connections: '40',
  });
});

test('a token stands in quotes on one line; one that could leave them is refused', () => {
  expect(authFile('letta_runtime', 'db:5432/?a=b&c=%2F')).toBe('"letta_runtime" "db:5432/?a=b&c=%2F"\n');
  for (const token of ['a"b', 'a\nb', '', 'a\0b']) expect(() => authFile('letta_runtime', token)).toThrow('quotable');
});

test.each([
  [
    '2026-01-01 10:00:00.000 UTC [7] LOG listening on 127.0.0.1:6432',
    { level: 'info', message: 'listening on 127.0.0.1:6432' },
  ],
  [
    '2026-01-01 10:00:00.000 UTC [7] WARNING C-0x1: letta/x pooler error: no such user',
    { level: 'warn', message: 'C-0x1: letta/x pooler error: no such user' },
  ],
  ['2026-01-01 10:00:00.000 UTC [7] ERROR S-0x1: login failed', { level: 'error', message: 'S-0x1: login failed' }],
  ['2026-01-01 10:00:00.000 UTC [7] FATAL cannot listen', { level: 'error', message: 'cannot listen' }],
  ['something else', { level: 'info', message: 'something else' }],
  ['', undefined],
])('its line %j becomes one of ours', (line, expected) => {
  expect(parsePgbouncerLine(line)).toEqual(expected);
});
