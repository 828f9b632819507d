import type { Postgres } from '../../lab/parts/postgres';

/** Different vectors among the passages: what a search takes does not depend on what they say. */
const VECTORS = 500;
/** Of the embedding model that the stack offers; Letta pads the rest of its column with zeros. */
const DIMENSIONS = 1024;
const COLUMN = 4096;

/** What passages take on the disk, vectors and indexes included. */
export interface PassageStorage {
  readonly passages: number;
  readonly bytes: number;
}

/**
 * Gives an archive passages until it has `count`: copies of the one that Letta wrote there, with an id, a text and a vector of
 * their own. By the API each would be a call of the embedding model.
 */
export async function fillArchive(postgres: Postgres, count: number): Promise<PassageStorage> {
  const sql = <Row>(text: string) => postgres.sql<Row>(text, 'letta');
  const [{ passages }] = await sql<{ passages: number }>('SELECT count(*)::int passages FROM letta.archival_passages');
  if (passages === 0) throw new Error('the archive has no passage to copy, wanted one that Letta wrote');
  const columns = await sql<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
     WHERE attrelid = 'letta.archival_passages'::regclass AND attnum > 0 AND NOT attisdropped`,
  );
  const own: Record<string, string> = {
    id: `'passage-' || gen_random_uuid()`,
    text: `repeat('Remark ' || n || ' is about nothing that anybody asks for. ', 5)`,
    embedding: 'vector',
  };
  await sql(`
    SET search_path = letta, public;
    CREATE TEMP TABLE vectors AS SELECT k, (
      SELECT array_agg(CASE WHEN i <= ${DIMENSIONS} THEN random() - 0.5 + 0 * k ELSE 0 END ORDER BY i)
      FROM generate_series(1, ${COLUMN}) i)::vector(${COLUMN}) vector
    FROM generate_series(1, ${VECTORS}) k;
    INSERT INTO archival_passages (${columns.map(({ name }) => name).join()})
    SELECT ${columns.map(({ name }) => own[name] ?? `first.${name}`).join()}
    FROM (SELECT * FROM archival_passages ORDER BY created_at LIMIT 1) first
    CROSS JOIN generate_series(1, ${count - passages}) n JOIN vectors ON k = 1 + n % ${VECTORS}`);
  // What autovacuum does by itself, some time after so many rows.
  await sql('VACUUM ANALYZE letta.archival_passages');
  const [storage] = await sql<PassageStorage>(
    `SELECT count(*)::int passages, pg_total_relation_size('letta.archival_passages')::float bytes
     FROM letta.archival_passages`,
  );
  return storage;
}

/** How PostgreSQL does a search by itself. */
export interface SearchPlan {
  readonly milliseconds: number;
  /** Processes besides the session's own that took part. */
  readonly workers: number;
  /** Buffers of 8 KiB that it read, in the cache or not. */
  readonly buffers: number;
}

interface PlanNode {
  readonly 'Workers Launched'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: PlanNode[];
}

/** The statement of Letta's search (`build_agent_passage_query` of 0.16.8), explained while it runs. */
export async function explainSearch(postgres: Postgres, agent: string): Promise<SearchPlan> {
  const [{ vector }] = await postgres.sql<{ vector: string }>(
    'SELECT embedding::text AS vector FROM letta.archival_passages ORDER BY created_at LIMIT 1',
    'letta',
  );
  const [row] = await postgres.sql<{ 'QUERY PLAN': { Plan: PlanNode; 'Execution Time': number }[] }>(
    `SET search_path = letta, public;
     EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT p.* FROM archival_passages p
     JOIN archives_agents a ON p.archive_id = a.archive_id
     WHERE a.agent_id = '${agent}' AND p.organization_id = (SELECT organization_id FROM agents WHERE id = '${agent}')
     ORDER BY p.embedding <=> '${vector}' ASC LIMIT 5`,
    'letta',
  );
  const [{ Plan: plan, 'Execution Time': milliseconds }] = row['QUERY PLAN'];
  return { milliseconds, workers: workers(plan), buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] };
}

function workers(node: PlanNode): number {
  return Math.max(node['Workers Launched'] ?? 0, ...(node.Plans ?? []).map(workers));
}
