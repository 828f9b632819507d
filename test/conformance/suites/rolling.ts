import { setTimeout as sleep } from 'node:timers/promises';
import { LoadBalancer, loadBalancerOptions } from '../../lab/load-balancer';
import type { Deployed } from '../deployed';
import { answered, said, type TurnEnd, Witness } from './faults/witness';

/** One caller, who talks to an agent of its own without a pause. */
interface Caller {
  readonly witness: Witness;
  readonly sent: string[];
  readonly turns: TurnEnd[];
}

/** How the callers talk: the slow one always has a turn in flight, whenever a task is told to leave. */
const MANNERS = [
  { name: 'plain', stream: false, text: (number: number) => `Plain turn ${number}.` },
  { name: 'plain', stream: false, text: (number: number) => `Another turn ${number}.` },
  { name: 'streaming', stream: true, text: (number: number) => `Streamed turn ${number}.` },
  { name: 'slowly streaming', stream: true, text: (number: number) => `count slowly to ${8 + (number % 3)}` },
];

export function rollingSuite(deployed: Deployed): void {
  describe('a deployment under load', () => {
    test('answers every turn once and in full, and no agent forgets one', async () => {
      const { lab } = deployed;
      const balancer = new LoadBalancer(loadBalancerOptions(lab.template));
      await balancer.start();
      try {
        const old = lab.service!;
        balancer.register(old.address);
        await balancer.healthy(old.address, 20_000);
        deployed.front = balancer.url;
        const callers = await Promise.all(
          MANNERS.map(async () => ({ witness: await Witness.of(deployed), sent: [], turns: [] }) as Caller),
        );
        let talking = true;
        const calls = callers.map((caller, index) => talk(caller, MANNERS[index], () => talking));
        await sleep(2_000);

        const next = lab.newTask();
        await next.start();
        balancer.register(next.address);
        await balancer.healthy(next.address, 120_000);
        const leaving = Date.now();
        await balancer.deregister(old.address);
        const drained = balancer.requests.filter(
          ({ target, at, ended }) => target === old.address && at < leaving && ended! >= leaving,
        );
        await old.stop('the service was updated');
        lab.service = next;
        await sleep(2_000);
        talking = false;
        await Promise.all(calls);

        // Or the deployment was not under load.
        expect(drained.length).toBeGreaterThan(0);
        expect(new Set(balancer.requests.map(({ target }) => target))).toEqual(new Set([old.address, next.address]));
        expect(balancer.requests.filter(({ status, failed }) => status !== 200 || failed)).toEqual([]);
        for (const { witness, sent, turns } of callers) {
          expect(turns.length).toBeGreaterThan(2);
          expect(turns.filter((turn) => !answered(turn))).toEqual([]);
          turns.forEach((turn, number) => expect(said(turn)).toContain(answerTo(sent[number])));
          expect(await keptTurns(deployed, witness.id, sent)).toEqual(sent);
          await witness.remembers();
        }
      } finally {
        deployed.front = undefined;
        balancer.stop();
      }
    }, 300_000);
  });
}

async function talk({ witness, sent, turns }: Caller, manner: (typeof MANNERS)[number], goesOn: () => boolean) {
  for (let number = 1; goesOn(); number++) {
    const text = manner.text(number);
    sent.push(text);
    turns.push(await witness.turn(text, { stream: manner.stream }));
  }
}

function answerTo(text: string): string {
  const count = /count slowly to (\d+)/.exec(text);
  return count ? Array.from({ length: Number(count[1]) }, (_, index) => index + 1).join(' ') : `You said: ${text}`;
}

/** What the agent has kept of its caller's turns, in their order: each once, and each with its answer behind it. */
async function keptTurns(deployed: Deployed, agent: string, sent: string[]): Promise<string[]> {
  const kept: { type: string; text: string }[] = [];
  for await (const message of await deployed.client().agents.messages.list(agent, { limit: 100, order: 'asc' })) {
    const { message_type, content } = message as { message_type: string; content?: unknown };
    kept.push({ type: message_type, text: String(content) });
  }
  return kept
    .filter(({ type, text }, at) => {
      return type === 'user_message' && sent.includes(text) && kept[at + 1].text.includes(answerTo(text));
    })
    .map(({ text }) => text);
}
