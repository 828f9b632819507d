import { CheckedExport } from '../../../runtime/export/checked-export';
import { exportAgents } from '../../../runtime/export/export-agents';
import { LettaApi } from '../../../runtime/export/letta-api';
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

const textsOf = async (source: CheckedExport, at = 0) => {
  const found: string[] = [];
  for await (const { text } of source.passages(source.agents[at])) found.push(text);
  return found;
};
const latest = () => CheckedExport.open(storage, 'latest', [], '0.16.8');

test('each agent is once in an export, with all of its passages', async () => {
  for (let at = 0; at < 60; at++) letta.addAgent(`agent ${at}`, { passages: at === 7 ? 120 : 0 });
  expect(await exportAgents(api, storage, log)).toMatchObject({ agents: 60, passages: 120, deleted: 0, failed: 0 });
  const { manifest } = await latest();
  expect(new Set(manifest.agents.map(({ id }) => id))).toEqual(new Set(letta.agents.keys()));
});

test('passages that somebody deletes between two pages take no others with them', async () => {
  const ada = letta.addAgent('ada', { passages: 120 });
  const passages = letta.passages(ada);
  const [, last] = [passages[0], passages[49]];
  let pages = 0;
  letta.fault = (_method, path) => {
    if (!path.includes('archival-memory') || ++pages !== 2) return;
    passages.splice(passages.indexOf(last), 1);
  };
  await exportAgents(api, storage, log);
  expect(await textsOf(await latest())).toEqual(Array.from({ length: 120 }, (_, at) => `ada ${at}`));
});

test('an agent that somebody deletes between two pages of agents makes no other one appear twice', async () => {
  const ids = Array.from({ length: 60 }, (_, at) => letta.addAgent(`agent ${at}`));
  let pages = 0;
  letta.fault = (_method, path) => {
    if (path.startsWith('/v1/agents/?') && ++pages === 2) letta.agents.delete(ids[24]);
  };
  const result = await exportAgents(api, storage, log);
  expect(result).toMatchObject({ agents: 59, deleted: 1, failed: 0 });
  const exported = (await latest()).manifest.agents.map(({ id }) => id);
  expect(exported.sort()).toEqual(ids.filter((_, at) => at !== 24).sort());
});

test('an agent that somebody deletes while its passages are read is named as deleted, not exported in part', async () => {
  const ada = letta.addAgent('ada', { passages: 120 });
  const grace = letta.addAgent('grace');
  let pages = 0;
  letta.fault = (_method, path) => {
    if (path.includes(`${ada}/archival-memory`) && ++pages === 2) letta.agents.delete(ada);
  };
  expect(await exportAgents(api, storage, log)).toMatchObject({ agents: 1, deleted: 1, failed: 0 });
  const { manifest } = await latest();
  expect([manifest.agents.map(({ id }) => id), manifest.deleted]).toEqual([[grace], [ada]]);
});

test('an agent that fails is named, the others are exported', async () => {
  const ada = letta.addAgent('ada');
  const grace = letta.addAgent('grace');
  letta.fault = (_method, path) => (path === `/v1/agents/${ada}/export` ? [500, 'my parrot'] : undefined);
  expect(await exportAgents(api, storage, log)).toMatchObject({ agents: 1, deleted: 0, failed: 1 });
  const { manifest } = await latest();
  expect([manifest.agents.map(({ id }) => id), manifest.failed]).toEqual([[grace], [ada]]);
  expect(lines.join('')).toContain(`"agent":"${ada}"`);
  expect(lines.join('')).not.toContain('parrot');
});

test('fails without a manifest while the agents cannot be listed, so that the export before stays the latest', async () => {
  letta.addAgent('ada');
  const { time } = await exportAgents(api, storage, log);
  letta.fault = (_method, path) => (path.startsWith('/v1/agents/?') ? [500, {}] : undefined);
  await expect(exportAgents(api, storage, log)).rejects.toThrow('GET /v1/agents/ answered 500');
  expect((await latest()).time).toBe(time);
});
