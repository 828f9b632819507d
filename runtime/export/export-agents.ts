import { describeError, Log } from '../gateway/log';
import { each } from './each';
import { LettaApi } from './letta-api';
import {
  ExportedAgent,
  FORMAT,
  FORMAT_VERSION,
  LARGEST_AGENT_FILE,
  Manifest,
  MANIFEST,
  PASSAGES_FILE,
} from './manifest';
import { Storage, StoredFile } from './storage';

/** Letta builds an agent's file in memory: more at once would take what turns need. */
const AGENTS_AT_ONCE = 3;

export interface ExportResult {
  /** Folder of the export. */
  readonly time: string;
  readonly agents: number;
  readonly passages: number;
  readonly deleted: number;
  readonly failed: number;
  readonly milliseconds: number;
}

/** Writes all agents, each as a file and its passages as JSON lines, and at last the manifest. */
export async function exportAgents(
  api: LettaApi,
  storage: Storage,
  log: Log,
  now: () => Date = () => new Date(),
): Promise<ExportResult> {
  const startedAt = now();
  const time = startedAt.toISOString();
  const lettaVersion = await api.version();
  const agents: ExportedAgent[] = [];
  const deleted: string[] = [];
  const failed: string[] = [];
  // All ids first: the list is read before much of it changes.
  const ids: string[] = [];
  for await (const { id } of api.agents()) ids.push(id);
  await each(ids, AGENTS_AT_ONCE, async (agent) => {
    try {
      agents.push(await exportAgent(agent, time, api, storage, log));
    } catch (error) {
      if (await isDeleted(api, agent)) {
        deleted.push(agent);
        log.info('export.agent-deleted', { agent });
      } else {
        failed.push(agent);
        log.error('export.agent-failed', { agent, reason: describeError(error) });
      }
    }
  });
  const finishedAt = now();
  const manifest: Manifest = {
    ...{ format: FORMAT, formatVersion: FORMAT_VERSION, lettaVersion },
    ...{ startedAt: time, finishedAt: finishedAt.toISOString() },
    ...{ agents, deleted, failed },
  };
  await storage.put(`${time}/${MANIFEST}`, JSON.stringify(manifest));
  return {
    time,
    agents: agents.length,
    passages: agents.reduce((sum, agent) => sum + agent.passages, 0),
    deleted: deleted.length,
    failed: failed.length,
    milliseconds: finishedAt.getTime() - startedAt.getTime(),
  };
}

async function exportAgent(
  agent: string,
  time: string,
  api: LettaApi,
  storage: Storage,
  log: Log,
): Promise<ExportedAgent> {
  const store = async (name: string, content: string | Uint8Array): Promise<StoredFile> => ({
    name,
    ...(await storage.put(`${time}/${name}`, content)),
  });
  const passageFiles: StoredFile[] = [];
  let passages = 0;
  let lines: string[] = [];
  let size = 0;
  const flush = async () => {
    if (lines.length === 0) return;
    const part = passageFiles.length === 0 ? '' : `.${passageFiles.length + 1}`;
    passageFiles.push(await store(`agents/${agent}.passages${part}.jsonl`, lines.join('')));
    [lines, size] = [[], 0];
  };
  for await (const passage of api.passages(agent)) {
    const line = `${JSON.stringify(passage)}\n`;
    lines.push(line);
    size += line.length;
    passages++;
    if (size >= PASSAGES_FILE) await flush();
  }
  await flush();
  // Last: who was deleted meanwhile has no file, while the list of its passages only looks shorter.
  const blocks = await api.blocks(agent);
  const file = await store(`agents/${agent}.af`, await api.exportAgent(agent));
  if (file.bytes > LARGEST_AGENT_FILE) {
    log.warn('export.agent-too-large', { agent, bytes: file.bytes, importTakes: LARGEST_AGENT_FILE });
  }
  return { id: agent, file, passageFiles, passages, blocks };
}

/** An agent that nobody can tell about counts as there. */
async function isDeleted(api: LettaApi, agent: string): Promise<boolean> {
  return !(await api.exists(agent).catch(() => true));
}
