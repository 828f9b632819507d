import { CheckedExport } from '../../../runtime/export/checked-export';
import { exportAgents } from '../../../runtime/export/export-agents';
import { LettaApi } from '../../../runtime/export/letta-api';
import { Restore, RestoreReport, sharing } from '../../../runtime/export/restore-agents';
import { Storage } from '../../../runtime/export/storage';
import { jsonLog, Log } from '../../../runtime/gateway/log';
import { FakeLetta } from './fake-letta';
import { FakeS3Server } from './fake-s3-server';

let letta: FakeLetta;
let s3: FakeS3Server;
let api: LettaApi;
let storage: Storage;
let lines: string[];
let log: Log;
beforeEach(async () => {
  [letta, s3, lines] = [new FakeLetta(), new FakeS3Server(), []];
  log = jsonLog((line) => lines.push(line));
  await s3.start();
  api = await letta.start();
  storage = s3.storage('exports');
});
afterEach(() => {
  letta.stop();
  s3.stop();
});

/** Exports all, and empties the database. */
async function lost(): Promise<void> {
  await exportAgents(api, storage, log);
  for (const all of [letta.agents, letta.blocks, letta.archives]) all.clear();
  letta.calls.length = 0;
  letta.mostAtOnce.clear();
}

const restore = async (...only: string[]): Promise<RestoreReport> =>
  new Restore(await CheckedExport.open(storage, 'latest', only, '0.16.8'), api, log).run();

/** What is of an agent, without ids and times. */
const stateOf = (id: string) => {
  const { name, tags, blocks } = letta.agents.get(id)!;
  return {
    name,
    tags: tags.filter((tag) => !/^restore/.test(tag)),
    blocks: blocks.map((block) => letta.blocks.get(block)!.value),
    passages: letta
      .passages(id)
      .map(({ text, tags: passageTags, created_at, metadata }) => ({ text, passageTags, created_at, metadata }))
      .sort((a, b) => a.created_at.localeCompare(b.created_at)),
  };
};
const called = (what: RegExp) => letta.calls.filter((call) => what.test(call)).length;

test('agents come back as they were, passages with tags, times and metadata', async () => {
  const ada = letta.addAgent('ada', { tags: ['physics'], blocks: [letta.addBlock('human')], passages: 75 });
  const [first, second] = letta.passages(ada);
  Object.assign(first, { metadata: { page: 1 } });
  Object.assign(second, { metadata: { page: 2 }, tags: ['lamp'] });
  const before = stateOf(ada);
  await lost();
  const { restored, failed, passages } = await restore();
  expect([failed, passages]).toEqual([{}, 75]);
  expect(stateOf(restored[ada])).toEqual(before);
  expect(letta.agents.get(restored[ada])!.tags).not.toContain('restore-unfinished');
  expect(letta.archives.size).toBe(1);
  expect(called(/passages\/batch$/)).toBe(4);
});

test('passages of an agent without an embedding model come back one by one, since Letta takes no more', async () => {
  const ada = letta.addAgent('ada', { passages: 5, embedded: false });
  const before = stateOf(ada);
  await lost();
  const { restored } = await restore();
  expect(stateOf(restored[ada])).toEqual(before);
});

test('blocks that were shared are shared again, directly and by others', async () => {
  const [team, city, own] = ['team', 'city', 'own'].map((label) => letta.addBlock(label));
  const ada = letta.addAgent('ada', { blocks: [team, own], passages: 60 });
  const grace = letta.addAgent('grace', { blocks: [city] });
  const edsger = letta.addAgent('edsger', { blocks: [team, city] });
  await lost();
  const { restored } = await restore();
  const blockOf = (agent: string, label: string) =>
    letta.agents.get(restored[agent])!.blocks.find((id) => letta.blocks.get(id)!.label === label);
  expect(blockOf(edsger, 'team')).toBe(blockOf(ada, 'team'));
  expect(blockOf(edsger, 'city')).toBe(blockOf(grace, 'city'));
  expect(letta.blocks.size).toBe(3);
});

test('agents that share no block come back beside each other, their files one after the other', async () => {
  for (let at = 0; at < 9; at++) letta.addAgent(`agent ${at}`, { passages: 70 });
  await lost();
  expect(Object.keys((await restore()).restored)).toHaveLength(9);
  const [imports, passages] = ['import', 'batch'].map((end) => letta.mostAtOnce.get(end));
  expect([imports, passages]).toEqual([1, 2]);
  const firstDone = letta.calls.findIndex((call) => call.startsWith('PATCH'));
  const begun = letta.calls.slice(0, firstDone).filter((call) => call.endsWith('/import'));
  expect(begun.length).toBeGreaterThan(2);
});

test('agents are parted by the blocks that they share', () => {
  const agents = ['a', 'b', 'bc', 'd', 'ce', '', 'e', 'fd'].map((blocks) => ({
    ...{ id: blocks, file: { name: '', bytes: 0, sha256: '' }, passageFiles: [], passages: 0 },
    blocks: [...blocks].map((id) => ({ id, label: id })),
  }));
  const groups = sharing(agents).map((group) => group.map(({ id }) => id).sort());
  expect(groups.sort()).toEqual([[''], ['a'], ['b', 'bc', 'ce', 'e'], ['d', 'fd']]);
});

test('a load that is refused is waited for, and each passage is there once', async () => {
  const ada = letta.addAgent('ada', { passages: 100 });
  const before = stateOf(ada);
  await lost();
  const refusals = [429, 503, 429];
  letta.fault = (_method, path) => {
    const status = path.endsWith('/batch') ? refusals.pop() : undefined;
    return status === undefined ? undefined : [status, {}];
  };
  const { restored } = await restore();
  expect(called(/passages\/batch$/)).toBe(5 + 3);
  expect(stateOf(restored[ada])).toEqual(before);
});

test.each<[string, (path: string, method: string) => boolean]>([
  ['import', (path) => path.endsWith('/import')],
  ['first passage', (path, method) => method === 'POST' && path.endsWith('/archival-memory')],
  ['passages', (path) => path.endsWith('/batch')],
  ['tags', (_path, method) => method === 'PATCH'],
])(
  'an agent whose %s fails leaves nothing behind and is named; the others come back, it comes by the next run',
  async (_what, fails) => {
    const ada = letta.addAgent('ada', { blocks: [letta.addBlock('ada')], passages: 60 });
    const grace = letta.addAgent('grace', { blocks: [letta.addBlock('grace')], passages: 60 });
    const before = stateOf(ada);
    await lost();
    // The other one is there already: so all faults are of the one that comes now.
    const others = (await restore(grace)).restored;
    letta.fault = (method, path, body) =>
      fails(path, method) && !isProbe(path, body) ? [500, 'my parrot'] : undefined;
    const report = await restore();
    expect(Object.keys(report.failed)).toEqual([ada]);
    expect(report.restored).toEqual(others);
    expect([letta.agents.size, letta.blocks.size, letta.archives.size]).toEqual([1, 1, 1]);
    expect(lines.join('') + JSON.stringify(report)).not.toContain('parrot');
    letta.fault = () => undefined;
    const next = await restore();
    expect([next.failed, next.skipped]).toEqual([{}, 1]);
    expect(stateOf(next.restored[ada])).toEqual(before);
  },
);

/** A form without a file asks whether imports are open. */
const isProbe = (path: string, body: string) => path.endsWith('/import') && !body.includes('agents');

test('what a run left half done is taken back by the next one, its passages too', async () => {
  const ada = letta.addAgent('ada', { blocks: [letta.addBlock('human')], passages: 60 });
  const before = stateOf(ada);
  await lost();
  // As if the task had been killed: whatever it does after some passages, nothing is done.
  let killed = false;
  letta.fault = (_method, path) => {
    killed ||= path.endsWith('/batch');
    return killed ? [0, ''] : undefined;
  };
  const { failed } = await restore();
  expect(failed[ada]).toContain('could not be taken back, which the next run');
  expect([letta.agents.size, letta.archives.size]).toEqual([1, 1]);
  letta.fault = () => undefined;
  const { restored } = await restore();
  expect(stateOf(restored[ada])).toEqual(before);
  expect([letta.agents.size, letta.blocks.size, letta.archives.size]).toEqual([1, 1, 1]);
});

test('an archive that another agent has stays when an agent is taken back', async () => {
  const ada = letta.addAgent('ada', { passages: 3 });
  const grace = letta.addAgent('grace');
  letta.agents.get(grace)!.archive = letta.agents.get(ada)!.archive;
  await api.removeAgent(ada);
  expect(letta.passages(grace)).toHaveLength(3);
});

test('an agent that has the tag by hand is left alone', async () => {
  const ada = letta.addAgent('ada');
  const { time } = await exportAgents(api, storage, log);
  const own = letta.addAgent('own', { tags: [`restore:${time}`, 'restore-unfinished'] });
  const { restored } = await restore();
  expect([...letta.agents.keys()]).toEqual([ada, own, restored[ada]]);
});

test('fails where imports are closed, and changes nothing', async () => {
  letta.addAgent('ada');
  await lost();
  letta.fault = (_method, path) =>
    path.endsWith('/import') ? [403, { detail: 'open it by `agentImport`' }] : undefined;
  await expect(restore()).rejects.toThrow('open it by `agentImport`');
  expect(letta.calls).toEqual(['POST /v1/agents/import']);
});
