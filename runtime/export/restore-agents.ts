import { describeError, Log } from '../gateway/log';
import { AgentFile, CheckedExport } from './checked-export';
import { each } from './each';
import { Block, LettaApi } from './letta-api';
import { ExportedAgent } from './manifest';

/** Each passage is a call of the embedding model. */
const PASSAGES_AT_ONCE = 8;

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

/** Brings agents back one after the other, each whole or not at all. A second run goes on where the first one stopped. */
export class Restore {
  private readonly restored: Record<string, string> = {};
  private readonly failed: Record<string, string> = {};
  private readonly withoutGroup: string[] = [];
  /** Ids of blocks now, by those of the export. */
  private readonly blocks = new Map<string, string>();
  private passages = 0;

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
      if (earlier !== undefined) await this.remember(agent, earlier);
    }
    for (const agent of this.source.agents) if (!done.has(agent.id)) await this.tryRestore(agent);
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
    const [id] = await this.api.importAgent(JSON.stringify(alone(file, [...tags, UNFINISHED])));
    if (file.groups.length > 0) this.withoutGroup.push(agent.id);
    const own = await this.api.blocks(id);
    for (const [before, now] of pairs(agent.blocks, own)) {
      const shared = this.blocks.get(before.id);
      if (shared !== undefined) await this.api.shareBlock(id, now.id, shared);
    }
    const passages = this.source.passages(agent);
    const first = await passages.next();
    // The first one makes the agent's archive: many at once would make many.
    if (!first.done) {
      await this.api.addPassage(id, first.value);
      await each(passages, PASSAGES_AT_ONCE, (passage) => this.api.addPassage(id, passage));
    }
    await this.api.setTags(id, tags);
    await this.remember(agent, id);
    this.passages += agent.passages;
    this.log.info('restore.agent', { agent: agent.id, now: id, passages: agent.passages });
  }

  private async remember(agent: ExportedAgent, id: string): Promise<void> {
    this.restored[agent.id] = id;
    for (const [before, now] of pairs(agent.blocks, await this.api.blocks(id))) this.blocks.set(before.id, now.id);
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
