import net from 'node:net';
import { EXPORT_PROGRAM, Port } from '../../../runtime/contract';
import { Address } from '../../lab/namespace';
import type { Task } from '../../lab/task';
import type { Deployed } from '../deployed';

const PASSAGES = 120;

/** Agents leave by the template's own task, the database is emptied, and they come back by another. */
export function exportSuite(deployed: Deployed): void {
  describe('agents that were exported', () => {
    let ada: string;
    let grace: string;
    let now: Record<string, string>;

    const client = () => deployed.client();
    const s3 = () => deployed.lab.services.s3;
    const run = async (command: 'export' | 'restore', ...options: string[]): Promise<Task> => {
      const { template } = deployed.lab;
      const [group] = template.only('AWS::EC2::SecurityGroup', 'Export/SecurityGroup/Resource');
      const groups = [String(template.resolve({ 'Fn::GetAtt': [group, 'GroupId'] }))];
      const words = ['node', EXPORT_PROGRAM, command, ...options];
      const pathEnd =
        command === 'export' ? 'Export/ExportTask/Definition/Resource' : 'Export/RestoreTask/Definition/Resource';
      return deployed.lab.runTask(pathEnd, groups, words);
    };
    const ended = (task: Task, name: 'export' | 'restore') => {
      const messages = task
        .container(name)
        .log.lines()
        .map(({ message }) => message);
      const line = messages.find((message) => message.includes(`"${name}.run"`));
      return {
        code: task.exitCodes()[name],
        log: messages.join('\n'),
        run: JSON.parse(line ?? '{}') as Record<string, unknown>,
      };
    };
    const agentIds = async () =>
      ((await (await deployed.request('GET', '/v1/agents/?limit=100')).json()) as { id: string }[]).map(({ id }) => id);
    const blocksOf = async (agent: string) =>
      (await (await deployed.request('GET', `/v1/agents/${agent}/core-memory/blocks`)).json()) as {
        id: string;
        label: string;
        value: string;
      }[];
    const sharedOf = async (agent: string) => (await blocksOf(agent)).find(({ label }) => label === 'team')!;
    const texts = async (agent: string) => {
      const answer = await deployed.request('GET', `/v1/agents/${agent}/archival-memory?limit=1000`);
      return ((await answer.json()) as { text: string; tags: string[]; created_at: string }[]).map(
        ({ text, tags, created_at }) => [text, tags, new Date(created_at).toISOString()],
      );
    };
    let passages: unknown[];

    /** Stands for the load balancer: no task reaches another one directly. */
    const balancer = net.createServer((socket) => {
      const target = net.connect(Port.API, deployed.lab.service!.address);
      socket.pipe(target).pipe(socket);
      for (const end of [socket, target]) end.on('error', () => [socket, target].forEach((other) => other.destroy()));
    });
    afterAll(() => new Promise((resolve) => balancer.close(resolve)));

    beforeAll(async () => {
      await new Promise<void>((resolve) => balancer.listen(Port.API, Address.AWS, resolve));
      const shared = await client().blocks.create({ label: 'team', value: 'The team meets in Uppsala.' });
      const create = (name: string, value: string) =>
        client().agents.create({ name, memory_blocks: [{ label: 'human', value }], block_ids: [shared.id] });
      ada = (await create('ada', 'Ada keeps her telescope in Visby.')).id;
      grace = (await create('grace', 'Grace likes compilers.')).id;
      await deployed.turn(ada, 'My parrot is called Perle.');
      for (let at = 0; at < PASSAGES; at++) {
        const answer = await deployed.request('POST', `/v1/agents/${ada}/archival-memory`, {
          text: `Fact ${at}: the lamp number ${at} stands in room ${at * 7}.`,
          tags: [`lamp-${at % 3}`],
          created_at: new Date(Date.UTC(2025, 0, 1 + Math.floor(at / 10))).toISOString(),
        });
        await answer.arrayBuffer();
      }
      passages = await texts(ada);
    }, 120_000);

    test('are in the bucket with all of their passages, the manifest written last', async () => {
      expect(passages).toHaveLength(PASSAGES);
      const { code, log, run: line } = ended(await run('export'), 'export');
      expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' });
      expect(line).toMatchObject({ agents: 2, AgentsNotExported: 0, ExportComplete: 1, PassagesExported: PASSAGES });
      expect(log).not.toMatch(/telescope|Perle|lamp/);
      const names = s3()
        .keys()
        .map((key) => key.replace(/^exports\/[^/]+\//, ''));
      expect(names).toEqual(
        [`agents/${ada}.af`, `agents/${ada}.passages.jsonl`, `agents/${grace}.af`, 'manifest.json'].sort(),
      );
      expect([...s3().objects.keys()].at(-1)).toMatch(/manifest\.json$/);
      process.stderr.write(
        `export: ${String(line.agentsPerSecond)} agents/s, ${String(line.passagesPerSecond)} passages/s\n`,
      );
    }, 180_000);

    test('are not brought back from an export that is cut: it is said, and nothing is changed', async () => {
      const before = await agentIds();
      const key = s3()
        .keys()
        .find((name) => name.endsWith('.passages.jsonl'))!;
      const [whole] = s3().objects.get(key)!;
      s3().objects.set(key, [whole.subarray(0, whole.length - 10)]);
      const { code, log } = ended(await run('restore', '--export', 'latest'), 'restore');
      s3().objects.set(key, [whole]);
      expect(code).toBe(1);
      expect(log).toContain('.passages.jsonl is cut');
      expect(await agentIds()).toEqual(before);
    }, 120_000);

    test('come back into an emptied database, and remember', async () => {
      await deployed.lab.services.postgres.sql('TRUNCATE letta.agents, letta.block, letta.archives CASCADE', 'letta');
      expect(await agentIds()).toEqual([]);
      const { code, log, run: line } = ended(await run('restore', '--export', 'latest'), 'restore');
      expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' });
      process.stderr.write(
        `restore: ${String(line.agentsPerSecond)} agents/s, ${String(line.passagesPerSecond)} passages/s\n`,
      );
      const report = s3()
        .keys()
        .find((name) => name.includes('/restores/'))!;
      now = (JSON.parse(s3().objects.get(report)![0].toString()) as { restored: Record<string, string> }).restored;
      expect(Object.keys(now).sort()).toEqual([ada, grace].sort());
      expect((await agentIds()).sort()).toEqual(Object.values(now).sort());

      expect(new Set(await texts(now[ada]))).toEqual(new Set(passages));
      expect(await deployed.turn(now[ada], 'Where is the telescope of Ada?')).toContain('Visby');
      expect(await deployed.turn(now[ada], 'What is my parrot called?')).toContain('Perle');
      const found = await deployed.request(
        'GET',
        `/v1/agents/${now[ada]}/archival-memory/search?query=${encodeURIComponent('Fact 17: the lamp number 17 stands in room 119.')}&top_k=1`,
      );
      expect(await found.text()).toContain('room 119');
    }, 180_000);

    test('that shared a block share it again', async () => {
      expect((await sharedOf(now[ada])).id).toBe((await sharedOf(now[grace])).id);
      expect((await sharedOf(now[ada])).value).toContain('Uppsala');
    });

    test('and were half brought back are taken back and brought anew by another run, which leaves the others', async () => {
      const { tags } = (await (
        await deployed.request('GET', `/v1/agents/${now[grace]}?include=agent.tags`)
      ).json()) as { tags: string[] };
      await deployed
        .request('PATCH', `/v1/agents/${now[grace]}`, { tags: [...tags, 'restore-unfinished'] })
        .then((answer) => answer.text());
      const { code, run: line } = ended(await run('restore', '--export', 'latest'), 'restore');
      expect([code, line.skipped, line.agents]).toEqual([0, 1, 2]);
      const ids = await agentIds();
      expect(ids).toHaveLength(2);
      expect(ids).toContain(now[ada]);
      expect(ids).not.toContain(now[grace]);
      const other = ids.find((id) => id !== now[ada])!;
      expect((await sharedOf(other)).id).toBe((await sharedOf(now[ada])).id);
    }, 120_000);

    test('were exported and restored by roles that were refused nothing', () => {
      const { record } = deployed.lab.services;
      expect(record.calls.filter(({ allowed, action }) => !allowed && action.startsWith('s3:'))).toEqual([]);
      expect(
        new Set(record.calls.filter(({ action }) => action.startsWith('s3:')).map(({ action }) => action)),
      ).toEqual(new Set(['s3:PutObject', 's3:GetObject', 's3:ListBucket']));
    });
  });
}
