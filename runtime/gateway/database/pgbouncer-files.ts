import { DatabaseConfiguration } from '../configuration';

/** Startup parameters of asyncpg, pg8000 and their users that have no meaning for a pooled session. */
const IGNORED_STARTUP_PARAMETERS =
  'extra_float_digits,search_path,options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,jit';

/** More than one task's workers open; each waits for a server connection if there is none free. */
const MAX_CLIENT_CONNECTIONS = 1000;

/**
 * PgBouncer's configuration. Session mode, because Letta holds a session-level advisory lock. No console: its user
 * lists are empty, and tools run in Letta's container share this loopback. No `*` database and one known user: whatever
 * a client asks for, it can only be this role on this database.
 */
export function pgbouncerIni(
  database: DatabaseConfiguration,
  listen: { host: string; port: number; authFile: string },
): string {
  const { host, port, name, user, caFile, maxConnections } = database;
  return `[databases]
${name} = host=${host} port=${port} dbname=${name} user=${user}

[pgbouncer]
listen_addr = ${listen.host}
listen_port = ${listen.port}
unix_socket_dir =
auth_type = trust
auth_file = ${listen.authFile}
admin_users =
stats_users =
client_tls_sslmode = disable
server_tls_sslmode = verify-full
server_tls_ca_file = ${caFile}
pool_mode = session
default_pool_size = ${maxConnections}
max_db_connections = ${maxConnections}
max_client_conn = ${Math.max(MAX_CLIENT_CONNECTIONS, maxConnections)}
listen_backlog = 512
query_wait_timeout = 30
server_connect_timeout = 10
server_login_retry = 2
server_idle_timeout = 600
server_round_robin = 0
dns_max_ttl = 10
dns_nxdomain_ttl = 2
tcp_keepalive = 1
tcp_keepidle = 60
tcp_keepintvl = 15
tcp_keepcnt = 4
ignore_startup_parameters = ${IGNORED_STARTUP_PARAMETERS}
log_connections = 0
log_disconnections = 0
log_pooler_errors = 1
log_stats = 0
`;
}

/** @throws if the token could break out of its quotes. */
export function authFile(user: string, token: string): string {
  if (/["\r\n\0]/.test(token) || token === '') throw new Error('the database token is not a single quotable line');
  return `"${user}" "${token}"\n`;
}

/** PgBouncer's own line, without its time and process id. */
export function parsePgbouncerLine(line: string): { level: 'info' | 'warn' | 'error'; message: string } | undefined {
  if (line.trim() === '') return undefined;
  const match = /\b(DEBUG|NOISE|LOG|INFO|WARNING|ERROR|FATAL|PANIC) (.*)$/.exec(line);
  if (!match) return { level: 'info', message: line.trim() };
  const level = /ERROR|FATAL|PANIC/.test(match[1]) ? 'error' : match[1] === 'WARNING' ? 'warn' : 'info';
  return { level, message: match[2] };
}
