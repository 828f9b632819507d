import type { Deployed } from '../../deployed';
import { hostileDefinitions, hostileTypeScript } from './hostile-definitions';
import { type HostileTool, hostilePython } from './hostile-tools';
import { type CallersTool, ToolCalls, type TurnOutcome } from './tool-calls';
import { serverOf } from './server-of';

/** What any tool finds that is called next: nothing of the one before. */
export const carryOn: CallersTool = {
  name: 'carry_on',
  source: `
def carry_on() -> str:
    """Tells what it finds.

    Returns:
        str: what is left of others
    """
    import builtins, glob, math, os, json, threading
    left = sorted(os.listdir("/tmp")) + [name for name in ("planted",) if hasattr(builtins, name)]
    left += [name for name in os.environ if name == "PLANTED"] + threading.enumerate()[1:]
    mine = [int(name.split("/")[2]) for name in glob.glob("/proc/[0-9]*/stat")]
    left += ["process"] if len(mine) > 6 else []
    try:
        json.dumps(object())
        left.append("a patched module")
    except TypeError:
        pass
    return f"left: {left} {math.floor(1.5)}"
`,
};

const PERSONA = 'I am myself.';
const BLOCKS = { memory_blocks: [{ label: 'persona', value: PERSONA }] };
/** Agents that are attacked at once: two processors. */
const AT_ONCE = 3;
/** Tools of one agent: what an agent has and has said goes along with each of its model's calls. */
const TOOLS_OF_AGENT = 10;
const hostile = [...hostilePython, ...hostileTypeScript, ...hostileDefinitions];

/** Whether it came to what was asked of it. */
export const holds = ({ told, status }: HostileTool, own: HostileOutcome): boolean =>
  own.status === status && told.test(own.returned ?? '');

/** Of a turn, or of the attempt to make the tool. */
export type HostileOutcome = Omit<TurnOutcome, 'status'> & { readonly status?: string };

/** Every hostile tool, called by an agent on the real server: each ends as said, and its agent goes on. */
export function hostileSuite(deployed: Deployed): void {
  describe('a tool that means harm', () => {
    const outcomes = new Map<HostileTool, { own: HostileOutcome; after: TurnOutcome; seconds: number }>();
    let calls: ToolCalls;
    const agents: string[] = [];
    let bystander: string;

    /** One agent's tools, one after the other, and after each what does no harm. */
    const attack = async (tools: readonly HostileTool[], harmless: string) => {
      const made = new Map<HostileTool, string | Error>();
      for (const one of tools) made.set(one, await calls.make(one.tool).catch((error: Error) => error));
      const ids = [...made.values()].filter((id) => typeof id === 'string');
      const agent = await calls.agent([harmless, ...ids], BLOCKS);
      agents.push(agent);
      for (const [one, id] of made) {
        const began = Date.now();
        const own: HostileOutcome =
          typeof id === 'string'
            ? await calls.turn(agent, one.tool.name, one.args)
            : { status: 'refused', returned: id.message, said: 'nothing' };
        const seconds = (Date.now() - began) / 1000;
        let after = await calls.turn(agent, carryOn.name);
        // The bombs of the other agents take the processors at the same time; what is left over does not go away.
        if (/took longer/.test(after.returned ?? '')) after = await calls.turn(agent, carryOn.name);
        outcomes.set(one, { own, after, seconds });
      }
    };

    beforeAll(async () => {
      calls = new ToolCalls(serverOf(deployed));
      const harmless = await calls.make(carryOn);
      bystander = await calls.agent([harmless], BLOCKS);
      const waiting = Array.from({ length: Math.ceil(hostile.length / TOOLS_OF_AGENT) }, (_, number) =>
        hostile.slice(number * TOOLS_OF_AGENT, (number + 1) * TOOLS_OF_AGENT),
      );
      const attackers = Array.from({ length: AT_ONCE }, async () => {
        for (let tools = waiting.shift(); tools; tools = waiting.shift()) await attack(tools, harmless);
      });
      await Promise.all(attackers);
    }, 900_000);

    test.each(
      hostile.map((one, index) => [`${one.tool.language ?? 'python'}: ${one.what} (${index + 1})`, one] as const),
    )('%s', (_, one) => {
      const { own, after, seconds } = outcomes.get(one)!;
      expect({ ...own, returned: own.returned?.slice(0, 2000) }).toMatchObject({
        status: one.status,
        returned: expect.stringMatching(one.told) as string,
      });
      expect(own.said).not.toBe('');
      expect(seconds).toBeLessThan(60);
      // The agent goes on, and what it calls next finds nothing of this.
      expect(after).toMatchObject({ status: 'success', returned: 'left: [] 1' });
    });

    test('changes no agent, neither its own nor another', async () => {
      for (const agent of [...agents, bystander]) {
        const { name, blocks } = await calls.call<{ name: string; blocks: { label: string; value: string }[] }>(
          'GET',
          `/v1/agents/${agent}?include=agent.blocks`,
        );
        expect(name).not.toContain('taken');
        expect(blocks.map(({ value }) => value)).toEqual([PERSONA]);
      }
    });

    test('runs nothing in the server', () => {
      expect(deployed.containerLines('letta').filter((line) => line.startsWith('CODE-IN-SERVER'))).toEqual([]);
    });

    test('leaves no code, argument or output in the gateway’s log, but one line a run', () => {
      const lines = deployed.containerLines('gateway');
      const runs = lines.filter((line) => line.includes('"tool-run"'));
      expect(runs.length).toBeGreaterThanOrEqual(hostilePython.length * 2);
      expect(lines.filter((line) => /forged|def harm_|left: \[\]/.test(line))).toEqual([]);
    });
  });
}
