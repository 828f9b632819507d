import { setTimeout as sleep } from 'node:timers/promises';
import { type Deployed, textOf } from '../../deployed';

/** How a turn ended, seen by its client. */
export interface TurnEnd {
  /** Status; none when there was no answer at all. */
  readonly status?: number;
  /** Everything that came. */
  readonly body: string;
  /** Why the answer broke off; none when it ended as HTTP says an answer ends. */
  readonly broken?: string;
  readonly milliseconds: number;
}

/** An agent that was told something before a fault, and is asked for it afterwards. */
export class Witness {
  private constructor(
    private readonly deployed: Deployed,
    readonly id: string,
    private readonly number: string,
  ) {}

  static async of(deployed: Deployed): Promise<Witness> {
    const { id } = await deployed.client().agents.create({ memory_blocks: [], tools: ['core_memory_append'] });
    const number = String(Math.floor(1e6 + Math.random() * 9e6));
    const witness = new Witness(deployed, id, number);
    await deployed.turn(id, `My locker has the number ${number}.`);
    return witness;
  }

  /** Asks for what was said before: what was answered must not be lost. */
  async remembers(): Promise<void> {
    expect(await this.deployed.turn(this.id, 'Which number has my locker?')).toContain(this.number);
  }

  /** A turn of which everything may go wrong; by itself it gives up after `patience` milliseconds. */
  async turn(text: string, { stream = false, patience = 60_000, signal = new AbortController().signal } = {}) {
    const started = Date.now();
    let [status, body]: [number | undefined, string] = [undefined, ''];
    const end = (broken?: string): TurnEnd => ({ status, body, broken, milliseconds: Date.now() - started });
    try {
      const answer = await fetch(`${this.deployed.url}/v1/agents/${this.id}/messages${stream ? '/stream' : ''}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.deployed.lab.password}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          messages: [{ role: 'user', content: text }],
          ...(stream ? { stream_tokens: true } : {}),
        }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      });
      status = answer.status;
      for await (const chunk of answer.body!) body += Buffer.from(chunk).toString();
      return end();
    } catch (error) {
      const { message, cause } = error as Error;
      return end(`${message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
    }
  }
}

/** Whether a turn was answered by the model, to its end. */
export function answered({ status, body, broken }: TurnEnd): boolean {
  return (
    status === 200 && broken === undefined && body.includes('assistant_message') && !/"error"|event: error/.test(body)
  );
}

export interface Recovery {
  /** Turns that failed after the fault was over. */
  readonly failed: TurnEnd[];
  /** Milliseconds until the first turn that was answered. */
  readonly after: number;
}

/** Sends turns until several in a row were answered: what it costs callers that a fault has been. */
export async function recovery(witness: Witness, inARow = 4, patience = 90_000): Promise<Recovery> {
  const started = Date.now();
  const failed: TurnEnd[] = [];
  let after: number | undefined;
  for (let good = 0; good < inARow;) {
    const turn = await witness.turn('Are you back?');
    if (answered(turn)) {
      good++;
      after ??= Date.now() - started;
    } else {
      failed.push(turn);
      good = 0;
      if (Date.now() - started > patience) throw new Error(`no recovery: ${JSON.stringify(failed.at(-1))}`);
      await sleep(200);
    }
  }
  return { failed, after: after ?? 0 };
}

/** The text of what an agent said in an answer, plain or streamed. */
export function said(turn: TurnEnd): string {
  if (turn.body.startsWith('{')) return textOf((JSON.parse(turn.body) as { messages: object[] }).messages);
  const events = turn.body.split('\n').filter((line) => line.startsWith('data: {'));
  return textOf(events.map((line) => JSON.parse(line.slice(6)) as object));
}
