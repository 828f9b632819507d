import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseRole, LETTA_VERSION } from '../../../runtime/contract';
import { HeldBuild } from '../../lab/parts/invalid-index';
import { type LettaVenv, lettaVenv } from '../../lab/parts/letta-venv';
import { copyRunning } from '../../lab/parts/postgres-standby';
import { Deployed } from '../deployed';

/** So many rows are added to those that agents wrote themselves: a migration of an empty database shows little. */
const COPIES = { messages: 5_000, passages: 2_000 };

/** One that the migration makes, concurrently and if it does not exist. */
const INDEX = 'idx_messages_on_updated_at';

/**
 * Agents that an old release made are served by this one, and know what they knew.
 *
 * @param snapshot folder that gets the data of the snapshot before the migration
 */
export function upgradeSuite(deployed: Deployed, snapshot: string): void {
  describe('agents of the old release', () => {
    let ada: string;
    let grace: string;
    let release: LettaVenv;
    let before: { version: string; messages: number; passages: number };

    const sql = (text: string) => deployed.lab.services.postgres.sql<Record<string, string>>(text, 'letta');
    const count = async (table: string) => Number((await sql(`SELECT count(*) AS n FROM letta.${table}`))[0].n);
    const version = async () =>
      ((await (await deployed.request('GET', '/v1/health/')).json()) as { version: string }).version;
    const revision = async () => (await sql('SELECT version_num FROM letta.alembic_version'))[0].version_num;
    const found = async (agent: string, words: string) => {
      const query = `query=${encodeURIComponent(words)}&top_k=1`;
      return (await deployed.request('GET', `/v1/agents/${agent}/archival-memory/search?${query}`)).text();
    };

    beforeAll(async () => {
      release = await lettaVenv();
      const create = async (name: string, value: string) =>
        (
          await deployed.client().agents.create({
            name,
            memory_blocks: [{ label: 'human', value }],
            tools: ['core_memory_append'],
          })
        ).id;
      ada = await create('ada', 'Ada keeps her telescope in Visby.');
      grace = await create('grace', 'Grace likes compilers.');
      await deployed.turn(ada, 'My parrot is called Perle.');
      await deployed.turn(
        grace,
        'call tool core_memory_append with {"label":"human","content":"Grace sails on Fridays."}',
      );
      await deployed.request('POST', `/v1/agents/${ada}/archival-memory`, { text: 'The lamp stands in room 119.' });
      await copyRows(sql, 'messages', COPIES.messages);
      await copyRows(sql, 'archival_passages', COPIES.passages);
      before = {
        version: await revision(),
        messages: await count('messages'),
        passages: await count('archival_passages'),
      };
    }, 180_000);

    test('were made by that release, on its own schema', async () => {
      expect(await version()).toBe('0.16.0');
      expect(heads(release)).toHaveLength(1);
      expect(heads(release)).not.toContain(before.version);
    });

    test('are migrated after an attempt that was killed while it built an index', async () => {
      const statement = `CREATE INDEX CONCURRENTLY ${INDEX} ON letta.messages (updated_at)`;
      const { postgres } = deployed.lab.services;
      const what = { database: 'letta', table: 'letta.messages', role: DatabaseRole.MIGRATOR, statement };
      await (await HeldBuild.start(postgres, what)).kill();
      expect(await isValid(sql, INDEX)).toBe(false);
    });

    let meanwhile: { version: string; messages: number; passages: number; answer: string };

    test('outlive the migration, of which a snapshot was taken before', async () => {
      const { postgres, rds } = deployed.lab.services;
      rds.takeData = () => copyRunning(postgres, snapshot);
      const milliseconds = await deployed.lab.update(release, async () => {
        meanwhile = {
          version: await version(),
          messages: await count('messages'),
          passages: await count('archival_passages'),
          answer: await deployed.turn(ada, 'Where is the telescope of Ada?'),
        };
      });
      process.stderr.write(
        `upgrade: ${before.version} to ${await revision()} with ${before.messages} messages and ${before.passages} passages ` +
          `in ${(milliseconds / 1000).toFixed(1)} s, the task's start included\n`,
      );
      expect(await version()).toBe(LETTA_VERSION);
      expect([await revision()]).toEqual(heads(release));
      expect(meanwhile).toMatchObject({ messages: before.messages, passages: before.passages });
      expect(deployed.lab.services.rds.snapshots.map(({ status }) => status)).toEqual(['available']);
    }, 300_000);

    test('have the index that the killed attempt left half built', async () => {
      expect(await isValid(sql, INDEX)).toBe(true);
      const lines = deployed.lab.logLines().filter(({ line }) => line.includes('"invalid-index-dropped"'));
      expect(lines.map(({ line }) => JSON.parse(line))).toEqual([
        expect.objectContaining({ index: `letta.${INDEX}`, definition: expect.stringContaining('(updated_at)') }),
      ]);
    });

    test('are served by the old release on the new schema, until the new tasks are there', () => {
      expect(meanwhile).toMatchObject({ version: '0.16.0', answer: expect.stringContaining('Visby') });
    });

    test('answer, and remember blocks, conversation, what they wrote themselves, and passages', async () => {
      expect(await deployed.turn(ada, 'Where is the telescope of Ada?')).toContain('Visby');
      expect(await deployed.turn(ada, 'What is my parrot called?')).toContain('Perle');
      expect(await deployed.turn(grace, 'When does Grace sail?')).toContain('Fridays');
      expect(await found(ada, 'The lamp stands in room 119.')).toContain('room 119');
    }, 120_000);

    test('are listed, read and exported as any other', async () => {
      for (const route of [
        '',
        '/messages?limit=20',
        '/core-memory/blocks',
        '/archival-memory?limit=5',
        '/context',
        '/export',
      ]) {
        const { status } = await deployed.request('GET', `/v1/agents/${ada}${route}`);
        expect([route, status]).toEqual([route, 200]);
      }
    }, 60_000);

    test('learn new things', async () => {
      await deployed.turn(ada, 'My zeppelin is moored in Lund.');
      expect(await deployed.turn(ada, 'Where is my zeppelin moored?')).toContain('Lund');
      await deployed.turn(
        grace,
        'call tool core_memory_append with {"label":"human","content":"Grace has a boat in Kalmar."}',
      );
      const blocks = await (await deployed.request('GET', `/v1/agents/${grace}/core-memory/blocks`)).text();
      expect(blocks).toContain('Grace sails on Fridays.');
      expect(blocks).toContain('Grace has a boat in Kalmar.');
    }, 60_000);
  });
}

async function isValid(sql: (text: string) => Promise<Record<string, unknown>[]>, index: string): Promise<unknown> {
  const rows = await sql(`SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'letta.${index}'::regclass`);
  return rows[0].valid;
}

/** Copies of one row, under ids and numbers of their own. */
async function copyRows(
  sql: (text: string) => Promise<Record<string, string>[]>,
  table: string,
  copies: number,
): Promise<void> {
  const [{ has_sequence }] = await sql(
    `SELECT count(*) > 0 AS has_sequence FROM information_schema.columns
     WHERE table_schema = 'letta' AND table_name = '${table}' AND column_name = 'sequence_id'`,
  );
  const top = `(SELECT max(sequence_id) FROM letta.${table})`;
  const number = has_sequence ? `, 'sequence_id', ${top} + n` : '';
  await sql(
    `INSERT INTO letta.${table} SELECT copy.* FROM (SELECT one FROM letta.${table} one LIMIT 1) r, generate_series(1, ${copies}) n,
       LATERAL jsonb_populate_record(r.one, jsonb_build_object('id', (r.one).id || '-' || n${number})) copy`,
  );
  // As if they had been numbered like any other: the next one comes after them.
  if (has_sequence) await sql(`SELECT setval('letta.message_seq_id', ${top})`);
}

/** Newest revisions among the migrations of a release. */
export function heads({ migrations }: LettaVenv): string[] {
  const folder = path.join(migrations, 'alembic/versions');
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.py'))
    .map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const named = (name: string) => texts.map((text) => new RegExp(`^${name}\\b.*?=\\s*"(\\w+)"`, 'm').exec(text)?.[1]);
  const older = new Set(named('down_revision'));
  return named('revision').filter((revision): revision is string => revision !== undefined && !older.has(revision));
}
