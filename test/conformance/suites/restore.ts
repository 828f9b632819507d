import { lettaVenv } from '../../lab/parts/letta-venv';
import type { Deployed } from '../deployed';
import { heads } from './upgrade';

/** What happens to the agents of `upgradeSuite` after the snapshot, so that somebody wants it back. Runs after that suite. */
export function damageSuite(deployed: Deployed): void {
  test('one agent is deleted, and the memory of another one overwritten, after the snapshot', async () => {
    const agents = deployed.client().agents;
    const [ada, grace] = await Promise.all(['ada', 'grace'].map((name) => idOf(deployed, name)));
    await agents.blocks.update('human', { agent_id: ada, value: 'Ada forgot everything.' });
    await agents.delete(grace);
    expect(await deployed.turn(ada, 'Where is the telescope of Ada?')).not.toContain('Visby');
  }, 60_000);
}

/**
 * The agents of `upgradeSuite` in a stack that was made of the snapshot before their migration.
 *
 * @param stages what the lab did for it, and when, by `Date.now()`
 */
export function restoreSuite(deployed: Deployed, stages: readonly { what: string; at: number }[]): void {
  describe('agents of the snapshot', () => {
    let ada: string;
    let grace: string;
    const sql = (text: string) => deployed.lab.services.postgres.sql<Record<string, unknown>>(text, 'letta');

    test('are there again, and remember blocks, conversation, what they wrote themselves, and passages', async () => {
      [ada, grace] = await Promise.all(['ada', 'grace'].map((name) => idOf(deployed, name)));
      expect(await deployed.turn(ada, 'Where is the telescope of Ada?')).toContain('Visby');
      const answered = Date.now();
      expect(await deployed.turn(ada, 'What is my parrot called?')).toContain('Perle');
      expect(await deployed.turn(grace, 'When does Grace sail?')).toContain('Fridays');
      const query = `query=${encodeURIComponent('The lamp stands in room 119.')}&top_k=1`;
      const found = await deployed.request('GET', `/v1/agents/${ada}/archival-memory/search?${query}`);
      expect(await found.text()).toContain('room 119');

      const took = stages.map(({ what, at }, index) => {
        const end = stages[index + 1]?.at ?? answered;
        return `${what} ${((end - at) / 1000).toFixed(1)} s`;
      });
      const seconds = ((answered - stages[0].at) / 1000).toFixed(1);
      process.stderr.write(`restore: ${seconds} s to the first answer (${took.join(', ')})\n`);
    }, 120_000);

    test('know nothing of what came after it', async () => {
      expect(await deployed.turn(ada, 'Where is my zeppelin moored?')).not.toContain('Lund');
      for (const [agent, known, later] of [
        [ada, 'Visby', 'forgot'],
        [grace, 'Fridays', 'Kalmar'],
      ]) {
        const blocks = await (await deployed.request('GET', `/v1/agents/${agent}/core-memory/blocks`)).text();
        expect(blocks).toContain(known);
        expect(blocks).not.toContain(later);
      }
    }, 60_000);

    test('are on the schema of this release, though the snapshot has that of the old one', async () => {
      const versions = await sql('SELECT version_num FROM letta.alembic_version');
      expect(versions.map(({ version_num }) => version_num)).toEqual(heads(await lettaVenv()));
      expect(await sql('SELECT FROM pg_index WHERE NOT indisvalid')).toEqual([]);
    });

    test('learn new things', async () => {
      await deployed.turn(grace, 'My kite is called Ulla.');
      expect(await deployed.turn(grace, 'What is my kite called?')).toContain('Ulla');
    }, 60_000);
  });
}

async function idOf(deployed: Deployed, name: string): Promise<string> {
  const found = (await (await deployed.request('GET', `/v1/agents/?name=${name}`)).json()) as { id: string }[];
  if (found.length !== 1) throw new Error(`there are ${found.length} agents of the name ${name}, wanted one`);
  return found[0].id;
}
