import { DatabaseRole } from '../../../runtime/contract';
import { setUpDatabase, SetupTarget } from '../../../runtime/functions/database-setup';
import { query } from '../../lab/parts/postgres';
import { RdsLikeServer, startRdsLikeServer } from '../../lab/parts/rds-like-server';
import { customResourceEvent } from './event';

export const SETUP_PROPERTIES = {
  schema: 'letta',
  migratorRole: DatabaseRole.MIGRATOR,
  runtimeRole: DatabaseRole.RUNTIME,
  revision: '1',
};

/** Where the set-up finds a server's database. */
export function targetOf(server: RdsLikeServer, overrides: Partial<SetupTarget> = {}): SetupTarget {
  return {
    host: 'localhost',
    port: server.postgres.port,
    database: 'letta',
    ca: server.authority.cert,
    credentials: async () => server.master,
    patienceMs: 0,
    ...overrides,
  };
}

/** What holds of every database that was set up, on a real server; `vector` is the folder of its pgvector. */
export function describeDatabaseSetUp(vector: () => Promise<string>, expectedVersion: RegExp): void {
  let server: RdsLikeServer;
  const setUp = (type: 'Create' | 'Update' | 'Delete' = 'Create') =>
    setUpDatabase(customResourceEvent(type, SETUP_PROPERTIES), targetOf(server));
  const as = (role: string, statement: string) => query(server.session(role, 'letta'), statement);
  const asMaster = (statement: string) =>
    query(server.session(server.master.username, 'letta', server.master.password), statement);

  beforeAll(async () => {
    server = await startRdsLikeServer({ vector: await vector(), database: 'letta' });
    const answer = await setUp();
    expect(answer.Data?.VectorVersion).toMatch(expectedVersion);
    // As a migration does it, after the set-up.
    await as(DatabaseRole.MIGRATOR, 'CREATE TABLE agents (id serial PRIMARY KEY, name text)');
  }, 60_000);
  afterAll(() => server?.stop());

  test('the master is no superuser', async () => {
    expect(await asMaster('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([{ rolsuper: false }]);
  });

  test('both roles log in by token: rds_iam is granted to them', async () => {
    const members = await server.postgres.sql(
      `SELECT member::regrole::text AS role FROM pg_auth_members
       WHERE roleid = 'rds_iam'::regrole AND NOT admin_option ORDER BY 1`,
    );
    expect(members).toEqual([{ role: 'letta_migrator' }, { role: 'letta_runtime' }]);
  });

  test('the master inherits rds_iam from no role, so it still logs in by password', async () => {
    expect(await asMaster(`SELECT pg_has_role('rds_iam', 'USAGE') AS inherits`)).toEqual([{ inherits: false }]);
    const kept = await server.postgres.sql(
      `SELECT FROM pg_auth_members WHERE member = '${server.master.username}'::regrole
       AND roleid = 'letta_migrator'::regrole AND (inherit_option OR set_option)`,
    );
    expect(kept).toEqual([]);
  });

  test('what the migrator creates lands in the schema letta, which it owns', async () => {
    const tables = await server.postgres.sql(
      `SELECT schemaname AS schema, tableowner AS owner FROM pg_tables WHERE tablename = 'agents'`,
      'letta',
    );
    expect(tables).toEqual([{ schema: 'letta', owner: 'letta_migrator' }]);
  });

  test('the runtime role reads and writes tables that the migrator created later, with their sequences', async () => {
    await as(DatabaseRole.RUNTIME, `INSERT INTO agents (name) VALUES ('ada'), ('grace')`);
    await as(DatabaseRole.RUNTIME, `UPDATE agents SET name = 'Ada' WHERE name = 'ada'`);
    await as(DatabaseRole.RUNTIME, `DELETE FROM agents WHERE name = 'grace'`);
    expect(await as(DatabaseRole.RUNTIME, 'SELECT name FROM agents')).toEqual([{ name: 'Ada' }]);
  });

  test.each([
    ['create a table', 'CREATE TABLE mine (id int)'],
    ['create a table in public', 'CREATE TABLE public.mine (id int)'],
    ['create a temporary table', 'CREATE TEMPORARY TABLE mine (id int)'],
    ['create a schema', 'CREATE SCHEMA mine'],
    ['create a role', 'CREATE ROLE mine'],
    ['create a database', 'CREATE DATABASE mine'],
    ['change a table', 'ALTER TABLE agents ADD COLUMN mine int'],
    ['drop a table', 'DROP TABLE agents'],
    ['empty a table at once', 'TRUNCATE agents'],
    ['become the migrator', 'SET ROLE letta_migrator'],
    ['run programs', `COPY (SELECT 1) TO PROGRAM 'true'`],
    ['pretend a migration', `INSERT INTO alembic_version VALUES ('f00')`],
    ['pretend another migration', `UPDATE alembic_version SET version_num = 'f00'`],
    ['make all migrations run again', 'DELETE FROM alembic_version'],
  ])('the runtime role cannot %s', async (_, statement) => {
    await expect(as(DatabaseRole.RUNTIME, statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('the runtime role sees which migration the database is at, which the migrator writes as alembic does', async () => {
    await as(DatabaseRole.MIGRATOR, `INSERT INTO alembic_version VALUES ('0123456789ab')`);
    await setUp('Update');
    expect(await as(DatabaseRole.RUNTIME, 'SELECT version_num FROM alembic_version')).toEqual([
      { version_num: '0123456789ab' },
    ]);
    await as(DatabaseRole.MIGRATOR, 'DELETE FROM alembic_version');
  });

  test('the runtime role owns nothing', async () => {
    const owned = await server.postgres.sql(
      `SELECT classid::regclass::text FROM pg_shdepend WHERE refobjid = 'letta_runtime'::regrole AND deptype = 'o'`,
    );
    expect(owned).toEqual([]);
  });

  test('the migrator can make temporary tables, as Letta’s migrations do, but no roles', async () => {
    await as(DatabaseRole.MIGRATOR, 'CREATE TEMPORARY TABLE passing (id int)');
    await expect(as(DatabaseRole.MIGRATOR, 'CREATE ROLE mine')).rejects.toMatchObject({ code: '42501' });
  });

  test('nobody else may connect to the database', async () => {
    await server.postgres.sql(`CREATE ROLE stranger LOGIN PASSWORD 'stranger'`);
    await expect(query(server.session('stranger', 'letta', 'stranger'), 'SELECT 1')).rejects.toThrow(
      'permission denied for database "letta"',
    );
  });

  test('running it again changes nothing and keeps the data', async () => {
    const privileges = `SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname IN ('letta', 'public') ORDER BY 1`;
    const before = await server.postgres.sql(privileges, 'letta');
    await setUp('Update');
    expect(await server.postgres.sql(privileges, 'letta')).toEqual(before);
    expect(await as(DatabaseRole.RUNTIME, 'SELECT count(*)::int AS n FROM agents')).toEqual([{ n: 1 }]);
  });

  test('delete drops nothing and keeps the physical id', async () => {
    expect(await setUp('Delete')).toEqual({ PhysicalResourceId: 'the-id-it-was-created-with' });
    expect(await as(DatabaseRole.RUNTIME, 'SELECT count(*)::int AS n FROM agents')).toEqual([{ n: 1 }]);
  });

  test('every TCP session was encrypted', () => {
    const sessions = server.postgres.log().match(/connection authorized: user=letta_master.*/g) ?? [];
    expect(sessions.length).toBeGreaterThan(0);
    expect(sessions.filter((line) => !line.includes('SSL enabled'))).toEqual([]);
  });
}
