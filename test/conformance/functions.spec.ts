import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseRole, LETTA_VERSION } from '../../runtime/contract';
import { setUpDatabase } from '../../runtime/functions/database-setup';
import { run } from '../lab/parts/command';
import { LettaVenv, lettaVenv } from '../lab/parts/letta-venv';
import { pgvector } from '../lab/parts/pgvector';
import { query } from '../lab/parts/postgres';
import { RdsLikeServer, startRdsLikeServer } from '../lab/parts/rds-like-server';
import { describeDatabaseSetUp, SETUP_PROPERTIES, targetOf } from '../runtime/functions/database-setup.specification';
import { customResourceEvent } from '../runtime/functions/event';

let letta: LettaVenv;
let home: string;
beforeAll(async () => {
  letta = await lettaVenv();
  home = await mkdtemp(path.join(tmpdir(), 'home-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** The environment that the image gives its processes. */
const environment = () => ({
  HOME: home,
  PATH: `${letta.venv}/bin:/usr/bin:/bin`,
  SSL_CERT_FILE: letta.ca,
  AWS_CA_BUNDLE: letta.ca,
  PYTHONDONTWRITEBYTECODE: '1',
});
const python = (code: string) => run(`${letta.venv}/bin/python`, ['-c', code], { env: environment(), cwd: home });

describe('a database that was set up with the real pgvector', () => {
  describeDatabaseSetUp(pgvector, /^0\.8\./);
});

describe('Letta’s migrations as the migrator', () => {
  let server: RdsLikeServer;
  const migrate = () => {
    const uri = `postgresql://${DatabaseRole.MIGRATOR}@127.0.0.1:${server.postgres.port}/letta`;
    return run(`${letta.venv}/bin/alembic`, ['upgrade', 'head'], {
      env: { ...environment(), LETTA_PG_URI: uri },
      cwd: letta.migrations,
    });
  };
  const as = (role: string, statement: string) => query(server.session(role, 'letta'), statement);

  beforeAll(async () => {
    server = await startRdsLikeServer({ vector: await pgvector(), database: 'letta' });
    await setUpDatabase(customResourceEvent('Create', SETUP_PROPERTIES), targetOf(server));
    await migrate();
  });
  afterAll(() => server?.stop());

  test('need nothing beyond what the set-up gave it; all tables are its own, in schema letta', async () => {
    const tables = await server.postgres.sql<{ tablename: string }>(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'letta' AND tableowner = 'letta_migrator'`,
      'letta',
    );
    expect(tables.map(({ tablename }) => tablename)).toEqual(
      expect.arrayContaining(['agents', 'messages', 'archival_passages', 'alembic_version']),
    );
    const elsewhere = `SELECT tablename FROM pg_tables WHERE schemaname = 'public' OR tableowner = 'letta_runtime'`;
    expect(await server.postgres.sql(elsewhere, 'letta')).toEqual([]);
  });

  test('leave tables that the runtime role may use, vectors and sequences included', async () => {
    const tables = await as(
      DatabaseRole.RUNTIME,
      `SELECT c.relname FROM pg_class c
       WHERE c.relnamespace = 'letta'::regnamespace AND c.relname <> 'alembic_version' AND (
         (c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'SELECT')) OR
         (c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'INSERT')) OR
         (c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'UPDATE')) OR
         (c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'DELETE')) OR
         (c.relkind = 'S' AND NOT has_sequence_privilege(c.oid, 'USAGE')))`,
    );
    expect(tables).toEqual([]);
    const distance = await as(DatabaseRole.RUNTIME, `SELECT '[1,0]'::vector <=> '[0,1]'::vector AS distance`);
    expect(distance).toEqual([{ distance: 1 }]);
  });

  test('run again without a change', async () => {
    await migrate();
  });

  test('say that the database is ahead in the words which the migration step looks for', async () => {
    const [{ version_num: head }] = await as(DatabaseRole.MIGRATOR, 'SELECT version_num FROM alembic_version');
    await as(DatabaseRole.MIGRATOR, `UPDATE alembic_version SET version_num = 'fffffffffff1'`);
    await expect(migrate()).rejects.toThrow(`Can't locate revision identified by 'fffffffffff1'`);
    await as(DatabaseRole.MIGRATOR, `UPDATE alembic_version SET version_num = '${head}'`);
  });
});

describe('the image’s packages', () => {
  test(`are Letta ${LETTA_VERSION} with what it imports`, async () => {
    const modules = 'letta, psycopg2, asyncpg, pg8000, redis, uvloop, boto3, anthropic, e2b_code_interpreter';
    expect((await python(`import ${modules}; print(letta.__version__)`)).trim()).toBe(LETTA_VERSION);
  });

  test('still make clients of every service Letta calls, in every partition, after trimming', async () => {
    const code = `
import boto3
for service in ('sts', 'bedrock', 'bedrock-runtime'):
    for region in ('eu-central-1', 'us-gov-west-1', 'cn-north-1'):
        client = boto3.client(service, region_name=region, aws_access_key_id='x', aws_secret_access_key='x')
        assert region in client.meta.endpoint_url or service == 'sts', client.meta.endpoint_url
print('made')`;
    expect((await python(code)).trim()).toBe('made');
  });

  test('still know the shape of a streamed answer', async () => {
    const code = `
from anthropic.lib.bedrock._stream_decoder import get_response_stream_shape
print(','.join(get_response_stream_shape().members))`;
    expect((await python(code)).split(',')).toContain('chunk');
  });

  test('hold no service that Letta does not call', async () => {
    const code = `import boto3; print(','.join(boto3.Session().get_available_services()))`;
    expect((await python(code)).trim()).toBe('bedrock,bedrock-runtime,sts');
  });
});
