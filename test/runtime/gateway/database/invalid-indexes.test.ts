import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { dropInvalidIndexes, InvalidIndexesOptions } from '../../../../runtime/gateway/database/invalid-indexes';
import { HeldBuild } from '../../../lab/parts/invalid-index';
import type { Postgres } from '../../../lab/parts/postgres';
import { RdsLikeServer, startRdsLikeServer } from '../../../lab/parts/rds-like-server';

let server: RdsLikeServer;
let postgres: Postgres;
const logged: string[] = [];
const log = {
  warn: (event: string, fields: object) => logged.push(`${event} ${JSON.stringify(fields)}`),
} as unknown as InvalidIndexesOptions['log'];

/** As the migrator, who is no superuser, whatever the name at login. */
beforeAll(async () => {
  server = await startRdsLikeServer({ database: 'letta' });
  ({ postgres } = server);
  await postgres.sql('CREATE ROLE migrator; ALTER ROLE postgres IN DATABASE letta SET role = migrator');
  await sql('SET ROLE NONE; CREATE SCHEMA letta AUTHORIZATION migrator; CREATE SCHEMA other');
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  logged.splice(0);
  await sql('DROP TABLE IF EXISTS letta.messages; CREATE TABLE letta.messages (id int PRIMARY KEY, text text)');
  await sql('INSERT INTO letta.messages SELECT n, n::text FROM generate_series(1, 100) n');
});

const sql = (text: string) => postgres.sql<Record<string, unknown>>(text, 'letta');
const clean = (waitMs = 10_000) => {
  const { host, port } = postgres.superuser();
  return dropInvalidIndexes({ host: host!, port: port!, user: 'postgres', database: 'letta', waitMs, log });
};
const build = (statement: string, table = 'letta.messages', role = 'migrator') =>
  HeldBuild.start(postgres, { database: 'letta', table, role, statement });
const create = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS by_text ON letta.messages (text)';
const indexes = async (schema = 'letta') =>
  (
    await sql(
      `SELECT c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END AS it FROM pg_index i
         JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = '${schema}'::regnamespace ORDER BY 1`,
    )
  ).map(({ it }) => it);

test('an index whose build was killed is dropped, named and defined in the log, and made by the next attempt', async () => {
  await (await build(create)).kill();
  expect(await indexes()).toEqual(['by_text invalid', 'messages_pkey']);
  // What the migration would do: it takes the name for the index.
  await sql(create);
  expect(await indexes()).toEqual(['by_text invalid', 'messages_pkey']);

  await clean();
  expect(await indexes()).toEqual(['messages_pkey']);
  expect(logged).toEqual([
    `invalid-index-dropped ${JSON.stringify({
      index: 'letta.by_text',
      definition: 'CREATE INDEX by_text ON letta.messages USING btree (text)',
    })}`,
  ]);
  await sql(create);
  expect(await indexes()).toEqual(['by_text', 'messages_pkey']);
});

test('what a killed REINDEX left is dropped, the index itself stays', async () => {
  await sql(create);
  await (await build('REINDEX INDEX CONCURRENTLY letta.by_text')).kill();
  expect(await indexes()).toEqual(['by_text', 'by_text_ccnew invalid', 'messages_pkey']);
  await clean();
  expect(await indexes()).toEqual(['by_text', 'messages_pkey']);
});

test.each([
  ['the build of a session that outlived its migration', [] as string[], create],
  ['an operator’s REINDEX', [create], 'REINDEX INDEX CONCURRENTLY letta.by_text'],
])('%s is waited for, while others write, and what it makes stays', async (_, before, statement) => {
  for (const each of before) await sql(each);
  const building = await build(statement);
  const cleaned = clean();
  await sleep(1_500); // longer than PostgreSQL waits before it looks for a deadlock
  await sql(`INSERT INTO letta.messages VALUES (1000, 'written meanwhile')`);
  await building.letThrough();
  await cleaned;
  expect(await indexes()).toEqual(['by_text', 'messages_pkey']);
  expect(logged).toEqual([]);
});

test('fails when the build goes on, in words that say what to wait for and let a rollback pass', async () => {
  const building = await build(create);
  await expect(clean(300)).rejects.toThrow(
    /another migration of this database runs, or .*index letta\.by_text was not built .*is being built; .*then deploy again/,
  );
  await building.kill();
  await clean();
  expect(await indexes()).toEqual(['messages_pkey']);
});

test('fails when a transaction that uses the table goes on, with PostgreSQL’s reason', async () => {
  await (await build(create)).kill();
  const reader = new Client(postgres.superuser('letta'));
  await reader.connect();
  await reader.query('BEGIN; SELECT FROM letta.messages');
  await expect(clean(300)).rejects.toThrow(
    /index letta\.by_text .*canceling statement due to lock timeout; wait until/,
  );
  await reader.end();
  await clean();
  expect(await indexes()).toEqual(['messages_pkey']);
});

test('leaves alone what is valid, and what belongs to others', async () => {
  await sql(create);
  await sql(
    'SET ROLE NONE; DROP TABLE IF EXISTS other.notes; CREATE TABLE other.notes (id int); GRANT ALL ON SCHEMA other TO migrator; GRANT ALL ON other.notes TO migrator',
  );
  const theirs = 'CREATE INDEX CONCURRENTLY notes_by_id ON other.notes (id)';
  await (await build(theirs, 'other.notes', 'postgres')).kill();
  await clean();
  expect(await indexes()).toEqual(['by_text', 'messages_pkey']);
  expect(await indexes('other')).toEqual(['notes_by_id invalid']);
  expect(logged).toEqual([]);
});

test('says why when the database cannot be asked', async () => {
  const nowhere = { host: '127.0.0.1', port: 1, user: 'postgres', database: 'letta', log };
  await expect(dropInvalidIndexes(nowhere)).rejects.toThrow(/ECONNREFUSED/);
});
