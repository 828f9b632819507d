import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { execute, requireTls } from './database-statements';

/** Names that the retention's role is made with. */
export interface RetentionNames {
  readonly database: string;
  readonly schema: string;
  /** Owner of the tables. */
  readonly migratorRole: string;
  readonly retentionRole: string;
}

/**
 * Makes the retention's role in one transaction, as the master user, after the tables were made; running it again changes
 * nothing. The role sees ids and times, never what a message says, and deletes nothing but messages. What hangs on them goes by the
 * foreign keys, which act as the tables' owner.
 *
 * @throws StatementError
 */
export async function setUpRetentionRole(client: Client, names: RetentionNames): Promise<void> {
  const [database, schema, migrator, role] = [
    names.database,
    names.schema,
    names.migratorRole,
    names.retentionRole,
  ].map(escapeIdentifier);
  const grantOn = (privileges: string, table: string) => `GRANT ${privileges} ON ${schema}.${table} TO ${role}`;
  const statements = [
    `GRANT rds_iam TO ${role}`,
    `GRANT CONNECT ON DATABASE ${database} TO ${role}`,
    `ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${schema}`,
    // As the set-up does it: the master acts as the owner, and inherits nothing from it.
    `GRANT ${migrator} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE`,
    `SET LOCAL ROLE ${migrator}`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
    grantOn('SELECT (id, message_ids)', 'agents'),
    grantOn('SELECT (agent_id, tag)', 'agents_tags'),
    grantOn('SELECT (message_id, in_context)', 'conversation_messages'),
    grantOn('SELECT (last_processed_message_id)', 'groups'),
    grantOn('SELECT (id, agent_id, created_at), DELETE', 'messages'),
    // PostgreSQL locks a row for those alone who may update one of its columns; this one only hides a message.
    grantOn('UPDATE (is_deleted)', 'messages'),
    'RESET ROLE',
    `REVOKE ${migrator} FROM CURRENT_USER`,
  ];
  await requireTls(client);
  await execute(client, 'BEGIN');
  // One at a time, with the set-up.
  await execute(client, `SELECT pg_advisory_xact_lock(hashtext('cdk-letta database set-up'))`);
  const exists = await execute(client, `SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(names.retentionRole)}`);
  if (exists.length === 0) await execute(client, `CREATE ROLE ${role} LOGIN`);
  for (const statement of statements) await execute(client, statement);
  await execute(client, 'COMMIT');
}
