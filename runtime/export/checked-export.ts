import { createHash } from 'node:crypto';
import { boundsExceeded } from '../gateway/api/json-bounds';
import { isObject } from '../gateway/foreign-json';
import { Passage } from './letta-api';
import {
  ExportedAgent,
  LARGEST_AGENT_FILE,
  LARGEST_MANIFEST,
  LARGEST_PASSAGES_FILE,
  MANIFEST,
  Manifest,
  readManifest,
} from './manifest';
import { Storage, StoredFile } from './storage';

/** An agent file as far as a restore changes it. */
export interface AgentFile {
  readonly agents: readonly (Record<string, unknown> & { readonly tags?: readonly string[] })[];
  readonly groups: readonly unknown[];
}

/** An export whose files are all there and as they were written. */
export class CheckedExport {
  private constructor(
    private readonly storage: Storage,
    /** Folder of the export. */
    readonly time: string,
    readonly manifest: Manifest,
    /** The agents that were asked for. */
    readonly agents: readonly ExportedAgent[],
  ) {}

  /**
   * Reads everything once, before anything is changed.
   *
   * @param which `latest`, or the name of an export's folder
   * @param only ids of agents; none: all
   * @throws for an export that isn't there, is cut, was changed, is too large for an import, or of another version of Letta
   */
  static async open(
    storage: Storage,
    which: string,
    only: readonly string[],
    lettaVersion: string,
  ): Promise<CheckedExport> {
    const time = which === 'latest' ? await latest(storage) : which;
    if (!(await storage.has(`${time}/${MANIFEST}`))) {
      throw new Error(`there is no export ${time}, or it has no manifest because it never came to its end`);
    }
    const text = (await storage.get(`${time}/${MANIFEST}`, LARGEST_MANIFEST)).toString('utf8');
    const manifest = readManifest(text);
    if (manifest.lettaVersion !== lettaVersion) {
      throw new Error(
        `the export ${time} is of Letta ${manifest.lettaVersion}, the service is ${lettaVersion}, wanted the same: restore into ` +
          `a service of ${manifest.lettaVersion}`,
      );
    }
    const missing = only.filter((id) => !manifest.agents.some((agent) => agent.id === id));
    if (missing.length > 0) throw new Error(`the export ${time} has no ${missing.join(', ')}`);
    const agents = manifest.agents.filter(({ id }) => only.length === 0 || only.includes(id));
    const checked = new CheckedExport(storage, time, manifest, agents);
    for (const agent of agents) await checked.checkAgent(agent);
    return checked;
  }

  /** @throws unless it is what was written, and an import takes it */
  async agentFile({ file }: ExportedAgent): Promise<AgentFile> {
    const text = (await this.read(file, LARGEST_AGENT_FILE)).toString('utf8');
    const exceeded = boundsExceeded(text);
    if (exceeded !== undefined) throw new Error(`${file.name} is ${exceeded}: an import takes none such`);
    const value = parse(file.name, text);
    if (!isObject(value) || !Array.isArray(value.agents) || !value.agents.every(isObject) || value.agents.length < 1) {
      throw new Error(`${file.name} is no agent file of Letta ${this.manifest.lettaVersion}: it has no "agents"`);
    }
    return { groups: [], ...value } as unknown as AgentFile;
  }

  async *passages({ passageFiles }: ExportedAgent): AsyncGenerator<Passage> {
    for (const file of passageFiles) {
      const lines = (await this.read(file, LARGEST_PASSAGES_FILE)).toString('utf8').split('\n');
      for (const line of lines) if (line !== '') yield readPassage(file.name, line);
    }
  }

  private async checkAgent(agent: ExportedAgent): Promise<void> {
    await this.agentFile(agent);
    let passages = 0;
    for (const all = this.passages(agent); !(await all.next()).done;) passages++;
    if (passages !== agent.passages) {
      throw new Error(`${agent.id} has ${passages} passages in its files, ${agent.passages} in the manifest`);
    }
  }

  private async read({ name, bytes, sha256 }: StoredFile, largest: number): Promise<Buffer> {
    if (bytes > largest)
      throw new Error(`${name} has ${bytes} bytes, wanted ${largest} at most: an import takes no more`);
    const content = await this.storage.get(`${this.time}/${name}`, bytes);
    if (content.byteLength !== bytes) {
      throw new Error(`${name} is cut: it has ${content.byteLength} bytes, ${bytes} in the manifest`);
    }
    if (createHash('sha256').update(content).digest('hex') !== sha256) {
      throw new Error(`${name} was changed: its SHA-256 is not that in the manifest`);
    }
    return content;
  }
}

async function latest(storage: Storage): Promise<string> {
  const times = (await storage.folders()).filter((name) => /^\d{4}-\d\d-\d\dT/.test(name)).reverse();
  for (const time of times) if (await storage.has(`${time}/${MANIFEST}`)) return time;
  throw new Error('the bucket has no export with a manifest below the prefix');
}

function readPassage(name: string, line: string): Passage {
  const value = parse(name, line);
  if (!isObject(value) || typeof value.text !== 'string' || !Array.isArray(value.tags)) {
    throw new Error(`${name} holds a line that is no passage`);
  }
  return value as unknown as Passage;
}

/** A parser's message shows what it read, so it isn't told. */
function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} is no JSON`);
  }
}
