import type { Deployed } from '../../deployed';
import { answered, type TurnEnd, Witness } from './witness';

/** Words of a turn that can be found again in the database. */
interface Entry {
  readonly agent: string;
  readonly mark: string;
}

/** Turns of several agents at once, and which of them the API acknowledged: those must be there whatever happens. */
export class Ledger {
  readonly acknowledged: Entry[] = [];
  /** Turns that were not answered. */
  readonly failed: TurnEnd[] = [];
  /** When the last answer came. */
  lastAnswer = 0;
  private running = false;
  private turns: Promise<void>[] = [];

  private constructor(
    private readonly deployed: Deployed,
    readonly witnesses: readonly Witness[],
  ) {}

  static async of(deployed: Deployed, agents: number): Promise<Ledger> {
    const witnesses: Witness[] = [];
    for (let count = 0; count < agents; count++) witnesses.push(await Witness.of(deployed));
    return new Ledger(deployed, witnesses);
  }

  /** Every agent is told something, again and again; every second one is read as a stream. */
  start(): void {
    this.running = true;
    this.turns = this.witnesses.map((witness, index) => this.keepTelling(witness, index % 2 === 1));
  }

  /** Resolves when the turns under way have ended. */
  async end(): Promise<void> {
    this.running = false;
    await Promise.all(this.turns);
  }

  /** Acknowledged turns of which the user's message or the answer isn't in the database. */
  async lost(): Promise<Entry[]> {
    const { postgres } = this.deployed.lab.services;
    const rows = await postgres.sql<{ agent_id: string; role: string; content: string }>(
      `SELECT agent_id, role, content::text AS content FROM letta.messages WHERE NOT is_deleted`,
      'letta',
    );
    const has = ({ agent, mark }: Entry, role: string) =>
      rows.some((row) => row.agent_id === agent && row.role === role && row.content.includes(mark));
    return this.acknowledged.filter((entry) => !has(entry, 'user') || !has(entry, 'assistant'));
  }

  /** Agents whose context names messages that are not there: Letta answers nothing for them any more. */
  async broken(): Promise<object[]> {
    return this.deployed.lab.services.postgres.sql(
      `SELECT a.id, m.id AS message FROM letta.agents a, json_array_elements_text(a.message_ids) AS m(id)
       WHERE NOT a.is_deleted AND NOT EXISTS (SELECT 1 FROM letta.messages WHERE id = m.id)`,
      'letta',
    );
  }

  /**
   * Nothing acknowledged is lost, and every agent answers and remembers.
   *
   * @returns how many of the first `before` acknowledged turns were found
   */
  async holds(before = this.acknowledged.length): Promise<number> {
    expect(await this.broken()).toEqual([]);
    const lost = await this.lost();
    expect(lost).toEqual([]);
    for (const witness of this.witnesses) await witness.remembers();
    return this.acknowledged.slice(0, before).filter((entry) => !lost.includes(entry)).length;
  }

  private async keepTelling(witness: Witness, stream: boolean): Promise<void> {
    for (let count = 0; this.running; count++) {
      const mark = `note-${witness.id.slice(-6)}-${count}-end`;
      const turn = await witness.turn(`Keep ${mark}.`, { stream });
      if (answered(turn)) {
        this.acknowledged.push({ agent: witness.id, mark });
        this.lastAnswer = Date.now();
      } else {
        this.failed.push(turn);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    }
  }
}

/** A line of figures for whoever reads the run. */
export function tell(what: string, before: number, after: number, seconds: number): void {
  process.stderr.write(
    `${what}: ${before} acknowledged before, ${after} after, recovered in ${seconds.toFixed(1)} s\n`,
  );
}
