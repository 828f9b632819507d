import { CheckedExport } from '../../../runtime/export/checked-export';
import { ExportedAgent, FORMAT, LARGEST_AGENT_FILE, LARGEST_PASSAGES_FILE } from '../../../runtime/export/manifest';
import { Storage } from '../../../runtime/export/storage';
import { FakeS3Server } from './fake-s3-server';

const AGENT = 'agent-01234567-89ab-cdef-0123-456789abcdef';
const OTHER = 'agent-11234567-89ab-cdef-0123-456789abcdef';
const TIME = '2026-01-02T00:00:00.000Z';
const PASSAGE = JSON.stringify({ text: 'a', tags: [], created_at: '2025-01-01T00:00:00Z' });

let server: FakeS3Server;
let storage: Storage;
beforeEach(async () => {
  server = new FakeS3Server();
  await server.start();
  storage = server.storage('exports');
});
afterEach(() => server.stop());

async function write({
  agentFile = JSON.stringify({ agents: [{ name: 'ada' }] }),
  passages = `${PASSAGE}\n${PASSAGE}\n`,
  manifest = {},
  agent = {},
}: {
  agentFile?: string;
  passages?: string;
  manifest?: object;
  agent?: Partial<ExportedAgent>;
} = {}): Promise<void> {
  const [name, passagesName] = [`agents/${AGENT}.af`, `agents/${AGENT}.passages.jsonl`];
  const file = { name, ...(await storage.put(`${TIME}/${name}`, agentFile)) };
  const passageFile = { name: passagesName, ...(await storage.put(`${TIME}/${passagesName}`, passages)) };
  const exported = { id: AGENT, file, passageFiles: [passageFile], passages: 2, blocks: [], ...agent };
  const content = { format: FORMAT, formatVersion: 1, lettaVersion: '0.16.8', agents: [exported], ...manifest };
  await storage.put(`${TIME}/manifest.json`, JSON.stringify(content));
}

/** Changes an object as nobody could who is held off by the lock. */
function change(name: string, by: (content: Buffer) => Buffer): void {
  const key = `exports/${TIME}/${name}`;
  server.s3.objects.set(key, [by(server.s3.objects.get(key)!.at(-1)!)]);
}

const open = (which = TIME, only: string[] = []) => CheckedExport.open(storage, which, only, '0.16.8');

test('the latest export is the last one with a manifest', async () => {
  await write();
  await storage.put('2025-01-01T00:00:00.000Z/manifest.json', '{}');
  await storage.put(`2026-01-03T00:00:00.000Z/agents/${AGENT}.af`, '{}');
  const { time, agents } = await open('latest');
  expect([time, agents.map(({ id }) => id)]).toEqual([TIME, [AGENT]]);
});

test('passages are read from all files, in their order', async () => {
  await write();
  const found: string[] = [];
  const source = await open();
  for await (const { text } of source.passages(source.agents[0])) found.push(text);
  expect(found).toEqual(['a', 'a']);
});

test.each<[string, () => void | Promise<void>, string | RegExp]>([
  ['no manifest', () => void server.s3.objects.delete(`exports/${TIME}/manifest.json`), 'never came to its end'],
  ['a manifest that is cut', () => change('manifest.json', (all) => all.subarray(0, 50)), 'manifest is no JSON'],
  ['a manifest of somebody else', () => write({ manifest: { format: 'x' } }), `wanted "${FORMAT}"`],
  ['a later format', () => write({ manifest: { formatVersion: 2 } }), 'format version is 2, wanted 1'],
  [
    'another version of Letta',
    () => write({ manifest: { lettaVersion: '0.16.0' } }),
    'is of Letta 0.16.0, the service is 0.16.8',
  ],
  [
    'a manifest that leads elsewhere',
    () => write({ agent: { file: { name: `agents/${AGENT}./../../x`, bytes: 1, sha256: 'a'.repeat(64) } } }),
    'holds an agent that is none',
  ],
  ['an agent file that is cut', () => change(`agents/${AGENT}.af`, (all) => all.subarray(1)), 'af is cut'],
  [
    'an agent file that is changed',
    () => change(`agents/${AGENT}.af`, (all) => Buffer.from(String(all).replace('ada', 'eve'))),
    'was changed',
  ],
  [
    'an agent file that is longer',
    () => change(`agents/${AGENT}.af`, (all) => Buffer.concat([all, all])),
    'larger than',
  ],
  [
    'an agent file that is gone',
    () => void server.s3.objects.delete(`exports/${TIME}/agents/${AGENT}.af`),
    'NoSuchKey',
  ],
  [
    'an agent file that no import takes',
    () => write({ agentFile: 'x'.repeat(LARGEST_AGENT_FILE + 1) }),
    /wanted \d+ at most/,
  ],
  ['an agent file that is no JSON', () => write({ agentFile: 'secret' }), /af is no JSON$/],
  ['an agent file without agents', () => write({ agentFile: '{"agents":[]}' }), 'is no agent file of Letta 0.16.8'],
  ['an agent file nested too deeply', () => write({ agentFile: '['.repeat(100) }), 'nested deeper'],
  [
    'too large a file of passages',
    () => write({ passages: 'x'.repeat(LARGEST_PASSAGES_FILE + 1) }),
    /wanted \d+ at most/,
  ],
  ['passages that are none', () => write({ passages: '{"text":1}\n' }), 'is no passage'],
  ['less passages than the manifest says', () => write({ passages: `${PASSAGE}\n` }), 'has 1 passages in its files, 2'],
])('fails for an export with %s', async (_what, spoil, message) => {
  await write();
  await open();
  await spoil();
  await expect(open()).rejects.toThrow(message);
});

test('fails for an agent that the export has not', async () => {
  await write();
  await expect(open(TIME, [AGENT, OTHER])).rejects.toThrow(`has no ${OTHER}`);
});

test('fails for a bucket without an export', async () => {
  await expect(open('latest')).rejects.toThrow('no export with a manifest');
});
