import { setUpDatabase } from '../../../runtime/functions/database-setup';
import { RdsLikeServer, startRdsLikeServer } from '../../lab/parts/rds-like-server';
import { SETUP_PROPERTIES, targetOf } from './database-setup.specification';
import { customResourceEvent } from './event';
import { standInVector } from './stand-in-vector';

const create = customResourceEvent('Create', SETUP_PROPERTIES);

/** Ends the session behind its first statement, at the next attempt behind its second, and so on; the sequence outlives them. */
const CUT = `
  CREATE SEQUENCE public.statements;
  GRANT USAGE ON SEQUENCE public.statements TO PUBLIC;
  CREATE FUNCTION public.cut() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE root numeric := sqrt(8 * nextval('public.statements') + 1);
    BEGIN IF root = trunc(root) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$;
  CREATE EVENT TRIGGER cut ON ddl_command_end EXECUTE FUNCTION public.cut()`;
const ROLES = `SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname LIKE 'letta_%' ORDER BY 1`;
const SCHEMA = `SELECT nspname, pg_get_userbyid(nspowner) AS owner, nspacl::text FROM pg_namespace WHERE nspname = 'letta'`;
const DEFAULTS =
  'SELECT defaclrole::regrole::text AS role, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3';

async function state({ postgres }: RdsLikeServer): Promise<object[][]> {
  return Promise.all([ROLES, SCHEMA, DEFAULTS].map((text) => postgres.sql<object>(text, 'letta')));
}

let servers: RdsLikeServer[] = [];
beforeAll(async () => {
  const vector = await standInVector('0.8.5');
  servers = [await startRdsLikeServer({ vector }), await startRdsLikeServer({ vector })];
}, 60_000);
afterAll(() => Promise.all(servers.map((server) => server.stop())));

test('a set-up whose connection is lost behind each of its statements ends as one that nobody disturbed', async () => {
  const [calm, cut] = servers;
  await setUpDatabase(create, targetOf(calm));
  await cut.postgres.sql('CREATE DATABASE letta OWNER letta_master');
  await cut.postgres.sql(CUT, 'letta');
  await expect(setUpDatabase(create, targetOf(cut, { pauseMs: 1, patienceMs: 30_000 }))).resolves.toMatchObject({
    Data: { VectorVersion: '0.8.5' },
  });
  const [{ n }] = await cut.postgres.sql<{ n: string }>('SELECT last_value AS n FROM public.statements', 'letta');
  // It proves nothing unless attempts were really cut.
  expect(Number(n)).toBeGreaterThan(6);
  expect(await state(cut)).toEqual(await state(calm));
}, 60_000);

test('a connection that is lost at every attempt is named, with no secret', async () => {
  const [, cut] = servers;
  await cut.postgres.sql(
    `ALTER EVENT TRIGGER cut DISABLE;
     CREATE OR REPLACE FUNCTION public.cut() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
       $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$;
     ALTER EVENT TRIGGER cut ENABLE`,
    'letta',
  );
  const error = await setUpDatabase(create, targetOf(cut, { pauseMs: 1, patienceMs: 300 })).catch((caught) => caught);
  expect(error.message).toMatch(/^set-up of database letta on \S+ failed after \d+ attempts: .*terminat/);
  expect(`${error.stack}${error.cause}`).not.toContain(cut.master.password);
});
