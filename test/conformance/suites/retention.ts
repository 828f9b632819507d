import type { Deployed } from '../deployed';

/** Words that agents were told: they must be in no line of the retention's log. */
const SECRET = 'Xylophon-4711';

interface Run {
  readonly messages: number;
  readonly heldAgents: number;
  readonly agentsLeft: number;
  readonly unknownBatches: number;
  readonly complete: boolean;
  readonly dryRun: boolean;
}

/** Old messages leave Letta's own database, and its agents go on. */
export function retentionSuite(deployed: Deployed): void {
  describe('old messages', () => {
    let aged: string;
    let held: string;
    let idle: string;

    const sql = (text: string) => deployed.lab.services.postgres.sql<Record<string, string>>(text, 'letta');
    const run = (retention: string) =>
      deployed.lab.invokeFunction(`${retention}/Function/Resource`, {}) as Promise<Run>;
    const messagesOf = async (agent: string) =>
      Number((await sql(`SELECT count(*) AS n FROM letta.messages WHERE agent_id = '${agent}'`))[0].n);
    const windowOf = async (agent: string) =>
      Number((await sql(`SELECT json_array_length(message_ids) AS n FROM letta.agents WHERE id = '${agent}'`))[0].n);
    /** As if all of it had been said long ago, and Letta had since compacted the window to its system message and the last turn. */
    const grewOld = async (agent: string) => {
      await sql(`UPDATE letta.messages SET created_at = created_at - interval '100 days' WHERE agent_id = '${agent}'`);
      await sql(`UPDATE letta.agents a SET message_ids = (SELECT json_agg(m ORDER BY at) FROM (
          SELECT m, at, count(*) OVER () AS n FROM json_array_elements(a.message_ids) WITH ORDINALITY AS each(m, at)) ids
        WHERE at = 1 OR at > n - 2) WHERE id = '${agent}'`);
    };
    const talk = async (name: string, tags: string[] = []) => {
      const memory_blocks = [{ label: 'human', value: `${name} keeps bees in Kiruna.` }];
      const { id } = await deployed.client().agents.create({ name, memory_blocks, tags });
      for (const words of [`My word is ${SECRET}.`, 'It rains.', 'It snows.', 'The cat is called Sture.']) {
        await deployed.turn(id, words);
      }
      return id;
    };

    beforeAll(async () => {
      aged = await talk('aged');
      held = await talk('held', ['legal-hold']);
      idle = await talk('idle');
      for (const agent of [aged, held]) await grewOld(agent);
    }, 120_000);

    test('are counted and left by a dry run', async () => {
      const before = await messagesOf(aged);
      const line = await run('Trial');
      expect(line).toMatchObject({
        dryRun: true,
        messages: before - (await windowOf(aged)),
        heldAgents: 1,
        complete: true,
      });
      expect(line.messages).toBeGreaterThan(0);
      expect(await messagesOf(aged)).toBe(before);
    }, 60_000);

    test('are deleted while turns go on, but for the window’s; those of an agent on hold and young ones stay', async () => {
      const [ofHeld, ofIdle] = [await messagesOf(held), await messagesOf(idle)];
      const old = (await messagesOf(aged)) - (await windowOf(aged));
      const turns = Promise.all([aged, held, idle].map((agent) => deployed.turn(agent, 'It thaws.')));
      const line = await run('Retention');
      expect(line).toMatchObject({ dryRun: false, messages: old, complete: true, agentsLeft: 0, unknownBatches: 0 });
      for (const answer of await turns) expect(answer).toContain('thaws');
      expect(await messagesOf(aged)).toBe(await windowOf(aged));
      expect(await messagesOf(held)).toBeGreaterThan(ofHeld);
      expect(await messagesOf(idle)).toBeGreaterThan(ofIdle);
    }, 90_000);

    test('have left nothing that agents stumble over: they answer, remember, list, and can be exported', async () => {
      expect(await deployed.turn(aged, 'Where does aged keep bees?')).toContain('Kiruna');
      expect(await deployed.turn(aged, 'What is the name of the cat?')).toContain('Sture');
      for (const path of ['messages?limit=50', 'context', 'export']) {
        expect((await deployed.request('GET', `/v1/agents/${aged}/${path}`)).status).toBe(200);
      }
    }, 60_000);

    test('are deleted once: the next run finds none', async () => {
      expect(await run('Retention')).toMatchObject({ messages: 0, complete: true });
    }, 60_000);

    test('go when their agent’s hold is lifted by its tag', async () => {
      await deployed.client().agents.update(held, { tags: [] });
      expect((await run('Retention')).messages).toBeGreaterThan(0);
      expect(await deployed.turn(held, 'Where does held keep bees?')).toContain('Kiruna');
    }, 60_000);

    test('are named in the log by agent and count, never by what they said', () => {
      const lines = deployed.lab.logLines().filter(({ line }) => line.startsWith('{"event":"retention.'));
      const agents = lines.filter(({ line }) => line.includes('"retention.agent"') && line.includes(aged));
      expect(agents.length).toBeGreaterThan(0);
      expect(lines.filter(({ line }) => line.includes('"retention.run"'))).toHaveLength(4);
      expect(lines.map(({ line }) => line).join('\n')).not.toMatch(/Xylophon|Kiruna|Sture|snows/);
    });
  });
}
