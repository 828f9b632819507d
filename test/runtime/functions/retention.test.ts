import { Client } from 'pg';
import { DatabaseRole, RETENTION_ROLE } from '../../../runtime/contract';
import { setUpDatabase } from '../../../runtime/functions/database-setup';
import {
  AgentRecord,
  RetentionLimits,
  RetentionPolicy,
  RetentionTarget,
  runRetention,
  RunRecord,
} from '../../../runtime/functions/retention';
import { query } from '../../lab/parts/postgres';
import { RdsLikeServer, startRdsLikeServer } from '../../lab/parts/rds-like-server';
import { SETUP_PROPERTIES, targetOf } from './database-setup.specification';
import { customResourceEvent } from './event';
import { standInVector } from './stand-in-vector';

const ROLE = RETENTION_ROLE;
const DAY = 86_400;

/** Those columns, types, keys and indexes of Letta 0.16.8 (`letta/orm`) that retention touches; the others are left out. */
const TABLES = `
  CREATE TABLE agents (id varchar PRIMARY KEY, system varchar, message_ids json);
  CREATE TABLE agents_tags (agent_id varchar REFERENCES agents, tag varchar, PRIMARY KEY (agent_id, tag));
  CREATE TABLE groups (id varchar PRIMARY KEY, last_processed_message_id varchar);
  CREATE TABLE messages (id varchar PRIMARY KEY, agent_id varchar REFERENCES agents ON DELETE CASCADE, text varchar,
    created_at timestamptz DEFAULT now(), is_deleted boolean DEFAULT false);
  CREATE INDEX ix_messages_agent_created_at ON messages (agent_id, created_at);
  CREATE TABLE conversation_messages (id varchar PRIMARY KEY, in_context boolean NOT NULL,
    message_id varchar NOT NULL REFERENCES messages ON DELETE CASCADE);
  CREATE TABLE job_messages (id serial PRIMARY KEY, message_id varchar NOT NULL REFERENCES messages ON DELETE CASCADE)`;

let server: RdsLikeServer;
const owner = (sql: string) => query(server.session(DatabaseRole.MIGRATOR, 'letta'), sql);
const asRetention = (sql: string) => query(server.session(ROLE, 'letta'), sql);

/** An agent with messages `<agent>-1` (the oldest) to `<agent>-<count>`, each so many days old. */
async function agent(id: string, count: number, days: number, context: unknown = []): Promise<void> {
  await owner(`INSERT INTO agents VALUES ('${id}', 'system', '${JSON.stringify(context)}');
    INSERT INTO messages SELECT '${id}-' || n, '${id}', 'secret words', now() - interval '${days} days' + n * interval '1 ms'
    FROM generate_series(1, ${count}) n`);
}

const left = async (id: string) =>
  (await owner(`SELECT id FROM messages WHERE agent_id = '${id}' ORDER BY created_at`)).map((row) => row.id);

interface Run {
  readonly run: RunRecord;
  readonly agents: Record<string, AgentRecord>;
  readonly audit: string;
}

async function retain(
  policy: Partial<RetentionPolicy> = {},
  limits: Partial<RetentionLimits> = {},
  target: Partial<RetentionTarget> = {},
  onAgent: (record: AgentRecord) => void = () => undefined,
): Promise<Run> {
  const records: (AgentRecord | RunRecord)[] = [];
  const run = await runRetention(
    { maximumAgeSeconds: 90 * DAY, heldAgents: [], holdTag: 'legal-hold', dryRun: false, ...policy },
    {
      host: 'localhost',
      port: server.postgres.port,
      database: 'letta',
      user: ROLE,
      ca: server.authority.cert,
      password: async () => 'token',
      ...target,
    },
    { until: Date.now() + 30_000, pauseMs: 200, ...limits },
    (record) => {
      records.push(record);
      if (record.event === 'retention.agent') onAgent(record);
    },
  );
  expect(records.at(-1)).toEqual(run);
  const agents = records.filter((each): each is AgentRecord => each.event === 'retention.agent');
  return { run, agents: Object.fromEntries(agents.map((each) => [each.agent, each])), audit: JSON.stringify(records) };
}

beforeAll(async () => {
  server = await startRdsLikeServer({
    vector: await standInVector('0.8.5'),
    database: 'letta',
    iamRoles: `letta_migrator,letta_runtime,${ROLE}`,
  });
  await setUpDatabase(customResourceEvent('Create', SETUP_PROPERTIES), targetOf(server));
  // Before the tables are there nothing can be granted on them.
  const early = customResourceEvent('Create', { ...SETUP_PROPERTIES, retentionRole: ROLE });
  await expect(setUpDatabase(early, targetOf(server))).rejects.toThrow(/GRANT SELECT .* failed with 42P01/);
  await owner(TABLES);
  const properties = { ...SETUP_PROPERTIES, retentionRole: ROLE };
  for (const type of ['Create', 'Update', 'Delete'] as const) {
    await setUpDatabase(customResourceEvent(type, properties), targetOf(server));
  }
}, 60_000);
afterAll(() => server?.stop());
afterEach(() => owner('DELETE FROM groups; DELETE FROM agents_tags; DELETE FROM agents'));

describe('messages older than the policy', () => {
  test('are deleted, in batches, and younger ones stay; what hangs on them goes with them', async () => {
    await agent('a', 25, 91);
    await agent('b', 3, 89);
    await owner(`INSERT INTO job_messages (message_id) VALUES ('a-3'), ('b-1')`);
    const { run, agents } = await retain({}, { batch: 10 });
    expect(run).toMatchObject({ agents: 1, messages: 25, complete: true, unknownBatches: 0, agentsLeft: 0 });
    expect(agents.a).toMatchObject({ messages: 25, held: false, dryRun: false, cutOff: run.cutOff });
    expect(await left('a')).toEqual([]);
    expect(await left('b')).toEqual(['b-1', 'b-2', 'b-3']);
    expect(await owner('SELECT message_id FROM job_messages')).toEqual([{ message_id: 'b-1' }]);
    expect(Math.abs(Date.now() - 90 * DAY * 1000 - Date.parse(run.cutOff))).toBeLessThan(60_000);
  });

  test('stay when they are in a context window, or the last that a group has read', async () => {
    await agent('a', 6, 100, ['a-1', null, 'a-4', 'gone']);
    await owner(`INSERT INTO conversation_messages VALUES ('c1', true, 'a-2'), ('c2', false, 'a-3');
      INSERT INTO groups VALUES ('g', 'a-5'), ('h', NULL)`);
    expect((await retain()).run.messages).toBe(2);
    expect(await left('a')).toEqual(['a-1', 'a-2', 'a-4', 'a-5']);
  });

  test.each([
    ['null', null],
    ['no list', { a: 1 }],
  ])('are deleted where the context window is %s', async (_, context) => {
    await agent('a', 2, 100, context);
    expect((await retain()).run.messages).toBe(2);
  });

  test('stay when their time is not known', async () => {
    await agent('a', 2, 100);
    await owner(`UPDATE messages SET created_at = NULL WHERE id = 'a-1'`);
    await retain();
    expect(await left('a')).toEqual(['a-1']);
  });
});

describe('legal hold', () => {
  test('keeps all messages of an agent, by its id and by its tag', async () => {
    for (const id of ['a', 'b', 'c']) await agent(id, 2, 100);
    await owner(`INSERT INTO agents_tags VALUES ('b', 'legal-hold'), ('c', 'other')`);
    const { run, agents } = await retain({ heldAgents: ['a'] });
    expect(run).toMatchObject({ agents: 3, heldAgents: 2, messages: 2 });
    expect([agents.a.held, agents.b.held, agents.c.held]).toEqual([true, true, false]);
    expect([await left('a'), await left('b'), await left('c')]).toEqual([['a-1', 'a-2'], ['b-1', 'b-2'], []]);
  });

  test('takes effect between two agents of a run', async () => {
    for (const id of ['a', 'b']) await agent(id, 2, 100);
    // A trigger, so that the tag is there before the second agent's turn, whatever the speed.
    await owner(`CREATE FUNCTION hold() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql SET search_path = letta AS
        'BEGIN INSERT INTO agents_tags VALUES (''b'', ''legal-hold'') ON CONFLICT DO NOTHING; RETURN NULL; END';
      CREATE TRIGGER hold AFTER DELETE ON messages FOR EACH STATEMENT EXECUTE FUNCTION hold()`);
    try {
      expect((await retain()).agents.b.messages).toBe(0);
      expect(await left('b')).toEqual(['b-1', 'b-2']);
    } finally {
      await owner('DROP TRIGGER hold ON messages; DROP FUNCTION hold');
    }
  });
});

test('a dry run counts exactly what a run then deletes, and deletes nothing', async () => {
  await agent('a', 12, 100, ['a-1']);
  await agent('b', 3, 100);
  const dry = await retain({ dryRun: true, heldAgents: ['b'] });
  expect(dry.run).toMatchObject({ dryRun: true, messages: 11, agents: 2, heldAgents: 1, complete: true });
  expect(await left('a')).toHaveLength(12);
  expect((await retain({ heldAgents: ['b'] })).run.messages).toBe(11);
});

test('the audit holds no contents', async () => {
  await agent('a', 2, 100);
  expect((await retain()).audit).not.toContain('secret words');
});

test('more agents than are asked for at once are all looked at', async () => {
  await owner(`INSERT INTO agents SELECT 'a-' || n, '', '[]' FROM generate_series(1, 401) n;
    INSERT INTO messages (id, agent_id, created_at) SELECT 'm-' || n, 'a-' || n, now() - interval '1 year' FROM generate_series(1, 401) n`);
  expect((await retain()).run).toMatchObject({ agents: 401, messages: 401, complete: true });
});

describe('a run that is cut short', () => {
  test('ends in time, says so, and the next one goes on', async () => {
    for (const id of ['a', 'b']) await agent(id, 30, 100);
    const slow = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
      CREATE TRIGGER slow AFTER DELETE ON messages FOR EACH STATEMENT EXECUTE FUNCTION slow()`;
    await owner(slow);
    const first = await retain({}, { batch: 5, until: Date.now() + 350 }).finally(() =>
      owner('DROP TRIGGER slow ON messages; DROP FUNCTION slow'),
    );
    expect(first.run.complete).toBe(false);
    const remaining = (await left('a')).length + (await left('b')).length;
    expect(remaining).toBe(60 - first.run.messages);
    expect(remaining).toBeGreaterThan(0);
    expect((await retain()).run).toMatchObject({ messages: remaining, complete: true });
  });

  test('without any time left deletes nothing and is not complete', async () => {
    await agent('a', 2, 100);
    expect((await retain({}, { until: Date.now() })).run).toMatchObject({ messages: 0, complete: false });
  });
});

test('messages that somebody has locked are passed over at once, and are next time’s', async () => {
  await agent('a', 3, 100);
  const other = new Client(server.session(DatabaseRole.MIGRATOR, 'letta'));
  await other.connect();
  await other.query(`BEGIN; SELECT FROM messages WHERE id = 'a-2' FOR UPDATE`);
  try {
    expect((await retain()).run).toMatchObject({ messages: 2, agentsLeft: 0 });
  } finally {
    await other.query('ROLLBACK');
    await other.end();
  }
  expect((await retain()).run.messages).toBe(1);
});

test('an agent whose statements run out of time is left, and the others are not', async () => {
  for (const id of ['a', 'b']) await agent(id, 2, 100);
  await owner(`CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF OLD.agent_id = ''a'' THEN PERFORM pg_sleep(5); END IF; RETURN OLD; END';
    CREATE TRIGGER stuck BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION stuck()`);
  try {
    const { run, agents } = await retain({}, { batch: 20, statementMs: 200 });
    expect(agents.a).toMatchObject({ messages: 0, leftBy: '57014' });
    expect(run).toMatchObject({ messages: 2, agentsLeft: 1, complete: true });
    expect(await left('a')).toEqual(['a-1', 'a-2']);
  } finally {
    await owner('DROP TRIGGER stuck ON messages; DROP FUNCTION stuck');
  }
});

describe('a connection that is lost', () => {
  test('is opened anew with another token, and the run goes on', async () => {
    for (const id of ['a', 'b']) await agent(id, 5, 100);
    let tokens = 0;
    await owner(`CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        'BEGIN IF nextval(''letta.once'') = 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END';
      CREATE SEQUENCE once;
      CREATE TRIGGER lost AFTER DELETE ON messages FOR EACH STATEMENT EXECUTE FUNCTION lost()`);
    await server.postgres.sql('ALTER FUNCTION letta.lost() OWNER TO postgres', 'letta');
    try {
      const password = async () => `token ${(tokens += 1)}`;
      const { run } = await retain({}, { batch: 2 }, { password });
      expect(run).toMatchObject({ messages: 10, unknownBatches: 1, complete: true });
      expect(tokens).toBe(2);
      expect([...(await left('a')), ...(await left('b'))]).toEqual([]);
    } finally {
      await server.postgres.sql('DROP TRIGGER lost ON letta.messages; DROP FUNCTION letta.lost', 'letta');
      await owner('DROP SEQUENCE once');
    }
  });

  test('fails in the end where there is no server, without the token', async () => {
    const failed = retain({}, { pauseMs: 1 }, { port: 1, password: async () => 'hidden-token' });
    await expect(failed).rejects.toThrow(
      /^retention on database letta on localhost:1 lost its connection 6 times: .*the next run goes on$/s,
    );
    await expect(failed).rejects.not.toThrow('hidden-token');
  });

  test('is not made to a server that another authority vouches for', async () => {
    const { createAuthority } = await import('../../lab/parts/certificates');
    const { mkdtemp, rm } = await import('node:fs/promises');
    const folder = await mkdtemp('/tmp/authority-');
    try {
      const { cert } = await createAuthority(folder);
      await expect(retain({}, {}, { ca: cert })).rejects.toThrow(/self.signed certificate|unable to/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('the master inherits nothing of the role or of the owner, so that it still logs in by password', async () => {
  const master = server.session(server.master.username, 'letta', server.master.password);
  expect(await query(master, `SELECT pg_has_role('rds_iam', 'USAGE') AS inherits`)).toEqual([{ inherits: false }]);
});

test.each([
  ['read what a message says', 'SELECT text FROM messages'],
  ['read all of a message', 'SELECT * FROM messages'],
  ['change what a message says', `UPDATE messages SET text = ''`],
  ['read an agent’s instructions', 'SELECT system FROM agents'],
  ['delete an agent', 'DELETE FROM agents'],
  ['change a context window', `UPDATE agents SET message_ids = '[]'`],
  ['lift a hold', 'DELETE FROM agents_tags'],
  ['write a message', `INSERT INTO messages (id) VALUES ('x')`],
  ['empty the table at once', 'TRUNCATE messages CASCADE'],
  ['create a table', 'CREATE TABLE mine (id int)'],
  ['see which migration it is', 'SELECT * FROM alembic_version'],
])('the role cannot %s', async (_, statement) => {
  await expect(asRetention(statement)).rejects.toMatchObject({ code: '42501' });
});
