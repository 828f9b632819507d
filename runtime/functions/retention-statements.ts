/** A statement with its parameters. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Which messages a run may take. */
export interface RetentionScope {
  /** Messages made before it are old: PostgreSQL's own text of a time, so that no microsecond gets lost. */
  readonly cutOff: string;
  /** Agents whose messages stay, by id. */
  readonly heldAgents: readonly string[];
  /** Agents with this tag are held too. */
  readonly holdTag: string;
}

/** The moment so many seconds ago, by the database's clock. */
export function cutOffStatement(maximumAgeSeconds: number): Statement {
  return {
    text: 'SELECT (now() - make_interval(secs => $1::double precision))::text AS cut_off',
    values: [maximumAgeSeconds],
  };
}

/** The next agents, by id, that have old messages at all. */
export function agentsStatement(scope: RetentionScope, after: string, limit: number): Statement {
  return {
    text: `SELECT a.id, a.id = ANY($3::text[]) OR EXISTS (
             SELECT FROM agents_tags t WHERE t.agent_id = a.id AND t.tag = $4) AS held
           FROM agents a
           WHERE a.id > $1 AND EXISTS (SELECT FROM messages m WHERE m.agent_id = a.id AND m.created_at < $2::timestamptz)
           ORDER BY a.id LIMIT $5`,
    values: [after, scope.cutOff, scope.heldAgents, scope.holdTag, limit],
  };
}

/**
 * The old messages of agent $1 that nothing of Letta's still points at: its context window (`message_ids`, without which the
 * agent doesn't answer any more), the context windows of its conversations, and the message that a group has read up to. An agent
 * that was held in the meantime has none.
 */
const DELETABLE = `FROM messages m
  WHERE m.agent_id = $1 AND m.created_at < $2::timestamptz
  AND m.agent_id <> ALL($3::text[])
  AND NOT EXISTS (SELECT FROM agents_tags t WHERE t.agent_id = $1 AND t.tag = $4)
  AND m.id NOT IN (
    SELECT c.id FROM agents a, json_array_elements_text(
      CASE json_typeof(a.message_ids) WHEN 'array' THEN a.message_ids ELSE '[]' END) AS c(id)
    WHERE a.id = $1 AND c.id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM conversation_messages c WHERE c.message_id = m.id AND c.in_context)
  AND NOT EXISTS (SELECT FROM groups g WHERE g.last_processed_message_id = m.id)`;

const valuesOf = (scope: RetentionScope, agent: string) => [agent, scope.cutOff, scope.heldAgents, scope.holdTag];

/** How many messages of an agent would be deleted. */
export function countStatement(scope: RetentionScope, agent: string): Statement {
  return { text: `SELECT count(*)::integer AS count ${DELETABLE}`, values: valuesOf(scope, agent) };
}

/** Deletes the oldest of them. What somebody else holds a lock on is passed over, and left to the next run. */
export function deleteStatement(scope: RetentionScope, agent: string, limit: number): Statement {
  return {
    text: `WITH old AS (SELECT m.id ${DELETABLE} ORDER BY m.created_at LIMIT $5 FOR UPDATE OF m SKIP LOCKED)
           DELETE FROM messages m USING old WHERE m.id = old.id`,
    values: [...valuesOf(scope, agent), limit],
  };
}
