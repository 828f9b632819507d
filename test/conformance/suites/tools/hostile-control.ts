import { carryOn, holds, type HostileOutcome } from './hostile';
import { hostileDefinitions } from './hostile-definitions';
import { type HostileTool, hostilePython } from './hostile-tools';
import type { StockBeside } from './stock-beside';
import type { TurnOutcome } from './tool-calls';

/** Those that leave the stock server and this machine as they are, and reach what is there in the lab. */
const HARMING: readonly string[] = [
  'reads its environment',
  'reads the environment of every process',
  'reads open files of the process that started it',
  'asks the task’s credential address',
  'reaches loopback on every port of the design',
  'reaches the database',
  'reaches the cache',
  'reaches Bedrock’s endpoint',
  'opens IPv6',
  'opens a raw socket',
  'opens a socket of the kernel',
  'steals the next caller’s event from the Runtime API',
  'has Letta call open',
  'has Letta call __import__',
  'has Letta read a file',
  'has Letta read a URL',
];
const LEAVING = 'leaves files';
const all = [...hostilePython, ...hostileDefinitions];
const harming = all.filter(({ what }) => HARMING.includes(what));
/** Letta runs their code itself; whether their values are then of use to the tool is another matter. */
const marked = hostileDefinitions.filter(({ mark }) => mark !== undefined);

/** The same tools at a stock server do their harm: what is asked of ours does not hold by itself. */
export function hostileControlSuite(stock: StockBeside): void {
  describe('a tool that means harm, at a stock server', () => {
    const outcomes = new Map<HostileTool, HostileOutcome>();
    let after: TurnOutcome;

    beforeAll(async () => {
      const { calls } = stock;
      const carriesOn = await calls.make(carryOn);
      const tried = [...harming, ...marked, ...all.filter(({ what }) => what === LEAVING)];
      for (const one of tried) {
        try {
          const agent = await calls.agent([await calls.make(one.tool)]);
          outcomes.set(one, await calls.turn(agent, one.tool.name, one.args));
        } catch (error) {
          outcomes.set(one, { status: 'refused', returned: (error as Error).message, said: '' });
        }
      }
      after = await calls.turn(await calls.agent([carriesOn]), carryOn.name);
    }, 300_000);

    test('is one of the list, by its name', () => {
      expect(harming.map(({ what }) => what).sort()).toEqual([...HARMING].sort());
    });

    test.each(harming.map((one) => [one.what, one] as const))('%s', (_, one) => {
      expect({ ...outcomes.get(one), holds: holds(one, outcomes.get(one)!) }).toMatchObject({ holds: false });
    });

    test('leaves what it wrote to the next', () => {
      expect(after.returned).toMatch(/^left: \[.*'left'/);
    });

    test('runs code in the server by its definition', () => {
      const printed = stock.lines();
      const ran = marked.filter(({ mark }) => printed.some((line) => line.startsWith(mark!))).map(({ what }) => what);
      // What is no Python or JSON for Letta is left as text, also there.
      expect(ran).toEqual(marked.slice(1).map(({ what }) => what));
    });
  });
}
