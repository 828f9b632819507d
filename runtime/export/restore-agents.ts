import { describeError, Log } from '../gateway/log';
import { AgentFile, CheckedExport } from './checked-export';
import { each } from './each';
import { Block, LettaApi, Passage } from './letta-api';
import { Limit } from './limit';
import { ExportedAgent } from './manifest';

/** Agents that share no block. */
const AGENTS_AT_ONCE = 3;
/** Passages of a call. Letta writes out all their vectors in its answer, and turns wait meanwhile: so not more. */
const PASSAGES_A_CALL = 20;
/** While one call waits for the embedding model, another one writes. */
const PASSAGE_CALLS_AT_ONCE = 2;

/** Tags tell what a restore has done: they are written with the agent, so no crash comes between. */
const OF_RESTORE = 'restore:';
const RESTORED_FROM = 'restored-from:';
const UNFINISHED = 'restore-unfinished';

export interface RestoreReport {
  /** Folder of the export. */
  readonly export: string;
  /** New ids by old ones, earlier runs' included. */
  readonly restored: Readonly<Record<string, string>>;
  /** How many of them are of earlier runs. */
  readonly skipped: number;
  /** Why an agent was not restored, by its old id. Nothing of it is left. */
  readonly failed: Readonly<Record<string, string>>;
  /** Old ids of agents whose group was not restored. */
  readonly withoutGroup: readonly string[];
  readonly passages: number;
  readonly milliseconds: number;
}

/** Brings agents back, each whole or not at all. A second run goes on where the first one stopped. */
export class Restore {
  private readonly restored: Record<string, string> = {};
  private readonly failed: Record<string, string> = {};
  private readonly withoutGroup: string[] = [];
  /** Ids of blocks now, by those of the export. */
  private readonly blocks = new Map<string, string>();
  private passages = 0;
  /** Agents have tools in common: two imports at once might wait for each other. */
  private readonly imports = new Limit(1);
  private readonly passageCalls = new Limit(PASSAGE_CALLS_AT_ONCE);

  constructor(
    private readonly source: CheckedExport,
    private readonly api: LettaApi,
    private readonly log: Log,
  ) {}

  /** @throws where the service takes no import; what fails of one agent is in the report */
  async run(): Promise<RestoreReport> {
    const start = Date.now();
    await this.api.requireImport();
    const done = await this.earlierRuns();
    // First all that is there: whoever comes back shares the blocks of every agent that an earlier run brought back.
    for (const agent of this.source.agents) {
      const earlier = done.get(agent.id);
      if (earlier !== undefined) this.remember(agent, earlier, await this.api.blocks(earlier));
    }
    const waiting = this.source.agents.filter(({ id }) => !done.has(id));
    await each(sharing(waiting), AGENTS_AT_ONCE, async (agents) => {
      for (const agent of agents) await this.tryRestore(agent);
    });
    return {
      export: this.source.time,
      restored: this.restored,
      skipped: this.source.agents.filter(({ id }) => done.has(id)).length,
      failed: this.failed,
      withoutGroup: this.withoutGroup,
      passages: this.passages,
      milliseconds: Date.now() - start,
    };
  }

  /** New ids by old ones. What an earlier run left half done is taken back. */
  private async earlierRuns(): Promise<Map<string, string>> {
    const done = new Map<string, string>();
    const unfinished: string[] = [];
    for await (const { id, tags } of this.api.agents(OF_RESTORE + this.source.time)) {
      const from = tags.find((tag) => tag.startsWith(RESTORED_FROM))?.slice(RESTORED_FROM.length);
      // Somebody put the tag there by hand: it is none of a restore's.
      if (from === undefined) continue;
      if (tags.includes(UNFINISHED)) unfinished.push(id);
      else done.set(from, id);
    }
    for (const id of unfinished) {
      await this.api.removeAgent(id);
      this.log.warn('restore.taken-back', { agent: id });
    }
    return done;
  }

  private async tryRestore(agent: ExportedAgent): Promise<void> {
    try {
      await this.restore(agent);
    } catch (error) {
      const reason = describeError(error);
      this.failed[agent.id] = reason;
      this.log.error('restore.agent-failed', { agent: agent.id, reason });
      await this.takeBack(agent);
    }
  }

  private async restore(agent: ExportedAgent): Promise<void> {
    const file = await this.source.agentFile(agent);
    const tags = [
      ...(file.agents[0].tags ?? []).filter((tag) => !isOfRestore(tag)),
      OF_RESTORE + this.source.time,
      RESTORED_FROM + agent.id,
    ];
    const imported = JSON.stringify(alone(file, [...tags, UNFINISHED]));
    const [id] = await this.imports.run(() => this.api.importAgent(imported));
    if (file.groups.length > 0) this.withoutGroup.push(agent.id);
    const own = await this.api.blocks(id);
    for (const [before, now] of pairs(agent.blocks, own)) {
      const shared = this.blocks.get(before.id);
      if (shared === undefined) continue;
      await this.api.shareBlock(id, now.id, shared);
      own[own.indexOf(now)] = { ...now, id: shared };
    }
    await this.restorePassages(agent, id);
    await this.api.setTags(id, tags);
    this.remember(agent, id, own);
    this.passages += agent.passages;
    this.log.info('restore.agent', { agent: agent.id, now: id, passages: agent.passages });
  }

  /** The first one makes the agent's archive, which takes the others. */
  private async restorePassages(agent: ExportedAgent, id: string): Promise<void> {
    const passages = this.source.passages(agent);
    const { value: first } = await passages.next();
    if (first === undefined) return;
    const added = await this.api.addPassage(id, first);
    const again = first.metadata === undefined ? [] : [first];
    if (again.length > 0) await this.api.removePassage(added);
    const perCall = added.embedded ? PASSAGES_A_CALL : 1;
    await each(parts(again, passages, perCall), PASSAGE_CALLS_AT_ONCE, (part) =>
      this.passageCalls.run(() =>
        added.embedded
          ? this.api.addPassages(added.archive, part)
          : this.api.addUnembeddedPassage(added.archive, part[0]),
      ),
    );
  }

  private remember(agent: ExportedAgent, id: string, blocks: readonly Block[]): void {
    this.restored[agent.id] = id;
    for (const [before, now] of pairs(agent.blocks, blocks)) this.blocks.set(before.id, now.id);
  }

  /** Looks for it by its tags, since an import that failed may have made an agent and told no id. */
  private async takeBack(agent: ExportedAgent): Promise<void> {
    try {
      for await (const { id, tags } of this.api.agents(RESTORED_FROM + agent.id)) {
        if (tags.includes(UNFINISHED) && tags.includes(OF_RESTORE + this.source.time)) await this.api.removeAgent(id);
      }
    } catch (error) {
      this.failed[agent.id] +=
        '; what was imported of it could not be taken back, which the next run of this restore does';
      this.log.error('restore.not-taken-back', { agent: agent.id, reason: describeError(error) });
    }
  }
}

function isOfRestore(tag: string): boolean {
  return tag.startsWith(OF_RESTORE) || tag.startsWith(RESTORED_FROM) || tag === UNFINISHED;
}

/** Letta's file of an agent with a group holds the group's other agents too: they have files of their own. */
function alone(file: AgentFile, tags: string[]): object {
  return { ...file, groups: [], agents: [{ ...file.agents[0], group_ids: [], tags }] };
}

/** Blocks before and now: an agent has no two with one label. */
function pairs(before: readonly Block[], now: readonly Block[]): [Block, Block][] {
  return before.flatMap((block): [Block, Block][] => {
    const found = now.find(({ label }) => label === block.label);
    return found ? [[block, found]] : [];
  });
}

interface Group {
  readonly agents: ExportedAgent[];
  readonly blocks: string[];
}

/** Agents by the blocks that they have in common, directly or by others: each group can be restored beside the others. */
export function sharing(agents: readonly ExportedAgent[]): ExportedAgent[][] {
  const groups = new Set<Group>();
  const byBlock = new Map<string, Group>();
  for (const agent of agents) {
    const near = new Set(agent.blocks.flatMap(({ id }) => byBlock.get(id) ?? []));
    const [into = { agents: [], blocks: [] }, ...others] = [...near].sort((a, b) => b.agents.length - a.agents.length);
    groups.add(into);
    const blocks = agent.blocks.map(({ id }) => id).filter((id) => !byBlock.has(id));
    for (const group of [...others, { agents: [agent], blocks }]) {
      into.agents.push(...group.agents);
      into.blocks.push(...group.blocks);
      for (const id of group.blocks) byBlock.set(id, into);
      groups.delete(group);
    }
  }
  return [...groups].map((group) => group.agents);
}

/** Lists of so many passages. */
async function* parts(
  first: readonly Passage[],
  others: AsyncIterable<Passage>,
  size: number,
): AsyncGenerator<Passage[]> {
  let part = [...first];
  for await (const passage of others) {
    if (part.length >= size) {
      yield part;
      part = [];
    }
    part.push(passage);
  }
  if (part.length > 0) yield part;
}
