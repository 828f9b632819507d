import type { Deployed } from '../../deployed';
import { hostileDefinitions, hostileTypeScript } from './hostile-definitions';
import { type HostileTool, hostilePython } from './hostile-tools';
import { type CallersTool, ToolCalls, type TurnOutcome } from './tool-calls';
import { serverOf } from './server-of';

/** What any tool finds that is called next: nothing of the one before. */
const next: CallersTool = {
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
/** Agents that are attacked at once: two processors. */
const AGENTS = 3;
const names = [...hostilePython, ...hostileTypeScript, ...hostileDefinitions];

/** Every hostile tool, called by an agent on the real server: each ends as said, and its agent goes on. */
export function hostileSuite(deployed: Deployed): void {
  describe('a tool that means harm', () => {
    const outcomes = new Map<HostileTool, { own: TurnOutcome; after: TurnOutcome; seconds: number }>();
    let calls: ToolCalls;
    const agents: string[] = [];
    let bystander: string;

    beforeAll(async () => {
      calls = new ToolCalls(serverOf(deployed));
      const ids = [await calls.make(next)];
      for (const { tool } of names) ids.push(await calls.make(tool));
      const blocks = { memory_blocks: [{ label: 'persona', value: PERSONA }] };
      bystander = await calls.agent(ids.slice(0, 1), blocks);
      for (let number = 0; number < AGENTS; number++) agents.push(await calls.agent(ids, blocks));
      const waiting = [...names];
      await Promise.all(
        agents.map(async (agent) => {
          for (let one = waiting.shift(); one; one = waiting.shift()) {
            const began = Date.now();
            const own = await calls.turn(agent, one.tool.name, one.args);
            const seconds = (Date.now() - began) / 1000;
            let after = await calls.turn(agent, next.name);
            // The bombs of the other agents take the processors at the same time; what is left over does not go away.
            if (/took longer/.test(after.returned ?? '')) after = await calls.turn(agent, next.name);
            outcomes.set(one, { own, after, seconds });
          }
        }),
      );
    }, 900_000);

    test.each(
      names.map((one, index) => [`${one.tool.language ?? 'python'}: ${one.what} (${index + 1})`, one] as const),
    )('%s', (_, one) => {
      const { own, after, seconds } = outcomes.get(one)!;
      expect({ ...own, status: one.status ?? own.status }).toEqual({
        ...own,
        returned: expect.stringMatching(one.told) as string,
        status: own.status,
      });
      if (one.status) expect(`${own.status}: ${own.returned}`.slice(0, 300)).toMatch(new RegExp(`^${one.status}`));
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
      expect(deployed.containerLines('letta').filter((line) => /^CODE-IN-SERVER/.test(line))).toEqual([]);
    });

    test('leaves no code, argument or output in the gateway’s log, but one line a run', () => {
      const lines = deployed.containerLines('gateway');
      const runs = lines.filter((line) => line.includes('"tool-run"'));
      expect(runs.length).toBeGreaterThanOrEqual(hostilePython.length * 2);
      expect(lines.filter((line) => /forged|def harm_|left: \[\]/.test(line))).toEqual([]);
    });
  });
}
