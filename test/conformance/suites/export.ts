import net from 'node:net';
import { EXPORT_PROGRAM, Port } from '../../../runtime/contract';
import { LettaApi } from '../../../runtime/export/letta-api';
import { Address } from '../../lab/namespace';
import type { Task } from '../../lab/task';
import { waitFor } from '../../lab/wait';
import type { Deployed } from '../deployed';

const PASSAGES = 400;
/** As an export asks for them. */
const PAGE = 50;

/** Agents leave by the template's own task, the database is emptied, and they come back by another. */
export function exportSuite(deployed: Deployed): void {
  describe('agents that were exported', () => {
    let ada: string;
    let grace: string;
    let now: Record<string, string>;

    const client = () => deployed.client();
    const s3 = () => deployed.lab.services.s3;
    const start = async (command: 'export' | 'restore', ...options: string[]): Promise<Task> => {
      const { template } = deployed.lab;
      const [group] = template.only('AWS::EC2::SecurityGroup', 'Export/SecurityGroup/Resource');
      const groups = [String(template.resolve({ 'Fn::GetAtt': [group, 'GroupId'] }))];
      const words = ['node', EXPORT_PROGRAM, command, ...options];
      const pathEnd =
        command === 'export' ? 'Export/ExportTask/Definition/Resource' : 'Export/RestoreTask/Definition/Resource';
      return deployed.lab.startTask(pathEnd, groups, words);
    };
    const run = async (command: 'export' | 'restore', ...options: string[]): Promise<Task> => {
      const task = await start(command, ...options);
      await task.ended(180_000);
      return task;
    };
    const exports = () => [
      ...new Set(
        s3()
          .keys()
          .map((key) => key.split('/')[1]),
      ),
    ];
    const hasManifest = (time: string) => s3().objects.has(`exports/${time}/manifest.json`);
    /** Starts an export, and waits until it has written something. */
    const exporting = async () => {
      const before = exports();
      const task = await start('export');
      const begun = () => exports().find((time) => !before.includes(time));
      await waitFor('the first file of an export', () => begun() !== undefined, { timeout: 60_000, interval: 2 });
      return { task, time: begun()! };
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
      return ((await answer.json()) as Record<string, string>[]).map(({ text, tags, created_at, metadata }) => [
        text,
        tags,
        new Date(created_at).toISOString(),
        metadata,
      ]);
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
      const add = async (path: string, body: object) => {
        const answer = await deployed.request('POST', path, body);
        expect(answer.status).toBe(200);
        return (await answer.json()) as { archive_id: string }[];
      };
      const facts = Array.from({ length: PASSAGES }, (_, at) => ({
        text: `Fact ${at}: the lamp number ${at} stands in room ${at * 7}.`,
        tags: at % 2 === 0 ? [] : [`lamp-${at % 3}`],
        created_at: new Date(Date.UTC(2025, 0, 1 + Math.floor(at / 10))).toISOString(),
      }));
      const [{ archive_id: archive }] = await add(`/v1/agents/${ada}/archival-memory`, facts[0]);
      await add(`/v1/archives/${archive}/passages/batch`, { passages: facts.slice(1) });
      const noted = {
        text: 'Page 7 says so.',
        created_at: '2025-06-01T00:00:00Z',
        tags: ['noted'],
        metadata: { page: 7 },
      };
      await add(`/v1/archives/${archive}/passages/batch`, { passages: [noted] });
    }, 120_000);

    test('are read whole though the passage is deleted that a page of them begins after', async () => {
      const api = new LettaApi({ url: deployed.url, password: deployed.lab.password });
      const all = (await texts(ada)).map(([text]) => text);
      const read: string[] = [];
      for await (const { text } of api.passages(ada)) {
        if (read.push(text) !== PAGE) continue;
        const answer = await deployed.request(
          'GET',
          `/v1/agents/${ada}/archival-memory?search=${encodeURIComponent(text)}`,
        );
        const [{ id }] = (await answer.json()) as { id: string }[];
        expect((await deployed.request('DELETE', `/v1/agents/${ada}/archival-memory/${id}`)).status).toBe(200);
      }
      expect(read).toEqual(all);
      passages = await texts(ada);
      expect(passages).toHaveLength(PASSAGES);
    }, 60_000);

    test('are in the bucket with all of their passages, the manifest written last', async () => {
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

    test.each<[string, RegExp, (content: Buffer) => Buffer, string]>([
      ['that is cut', /passages\.jsonl$/, (all) => all.subarray(0, all.length - 10), '.passages.jsonl is cut'],
      ['that was changed', /\.af$/, (all) => Buffer.from(String(all).replace('agents', 'Agents')), 'was changed'],
      [
        'of another version of Letta',
        /manifest\.json$/,
        (all) => Buffer.from(String(all).replace('"lettaVersion":"0.16.8"', '"lettaVersion":"0.16.7"')),
        'is of Letta 0.16.7, the service is 0.16.8',
      ],
      [
        'that no import takes, since an agent is too large',
        /manifest\.json$/,
        (all) => Buffer.from(String(all).replace(/("name":"agents[^"]*\.af","bytes":)/, '$199')),
        'an import takes no more',
      ],
    ])(
      'are not brought back from an export %s: it is said, and nothing is changed',
      async (_what, file, spoil, reason) => {
        const before = await agentIds();
        const key = s3()
          .keys()
          .find((name) => file.test(name))!;
        const whole = s3().objects.get(key)!;
        s3().objects.set(key, [spoil(whole[0])]);
        const { code, log } = ended(await run('restore', '--export', 'latest'), 'restore');
        s3().objects.set(key, whole);
        expect({ code, log }).toEqual({ code: 1, log: expect.stringContaining(reason) });
        expect(await agentIds()).toEqual(before);
      },
      120_000,
    );

    test('are whole in an export during which the database was killed', async () => {
      const { task, time } = await exporting();
      await deployed.lab.services.postgres.kill();
      expect(hasManifest(time)).toBe(false);
      await deployed.lab.services.postgres.up();
      await task.ended(180_000);
      const { code, run: line } = ended(task, 'export');
      expect([code, line.agents, line.failed, line.passages]).toEqual([0, 2, 0, PASSAGES]);
      process.stderr.write(`export during which the database was killed: ${String(line.milliseconds)} ms\n`);
    }, 240_000);

    test('are in no export whose task was killed; the next one has them', async () => {
      const { task, time } = await exporting();
      await task.container('export').kill();
      await task.ended(60_000);
      expect([ended(task, 'export').code, hasManifest(time)]).toEqual([137, false]);
      const { code, log } = ended(await run('restore', '--export', time), 'restore');
      expect({ code, log }).toEqual({ code: 1, log: expect.stringContaining('never came to its end') });
      expect(ended(await run('export'), 'export').run).toMatchObject({ agents: 2, failed: 0, passages: PASSAGES });
    }, 240_000);

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
