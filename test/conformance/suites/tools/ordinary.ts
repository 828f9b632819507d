import type { Deployed } from '../../deployed';
import { type OrdinaryTool, ordinaryPython, ordinaryTypeScript } from './ordinary-tools';
import { pythonTool } from './python-tool';
import { serverOf } from './server-of';
import type { StockBeside } from './stock-beside';
import { type ToolOutcome, ToolCalls } from './tool-calls';

/** Ordinary tools answer as on a stock server, which runs them next to its secrets. */
export function ordinarySuite(deployed: Deployed, stock: StockBeside): void {
  describe('an ordinary tool', () => {
    const outcomes = new Map<OrdinaryTool, { ours: ToolOutcome; stock?: ToolOutcome }>();

    beforeAll(async () => {
      const ours = new ToolCalls(serverOf(deployed));
      const all = [...ordinaryPython, ...ordinaryTypeScript];
      const turns = async (calls: ToolCalls, tools: readonly OrdinaryTool[]) => {
        const ids: string[] = [];
        for (const { tool } of tools) ids.push(await calls.make(tool));
        const agent = await calls.agent(ids);
        const found: ToolOutcome[] = [];
        for (const { tool, args } of tools) found.push(await calls.turn(agent, tool.name, args));
        return found;
      };
      // A stock server runs no TypeScript: its local sandbox knows Python alone.
      const [mine, others] = await Promise.all([turns(ours, all), turns(stock.calls, ordinaryPython)]);
      all.forEach((one, index) => outcomes.set(one, { ours: mine[index], stock: others[index] }));
    }, 420_000);

    const [itself, asOnStock] = [ordinaryPython.filter(saysItself), ordinaryPython.filter((one) => !saysItself(one))];
    test.each(asOnStock.map((one) => [one.what, one] as const))('that %s does so as on a stock server', (_, one) => {
      const { ours, stock: theirs } = outcomes.get(one)!;
      expect(comparable(ours)).toEqual(comparable(theirs!));
      expect(ours.status).toMatch(/success|error/);
    });

    test.each(itself.map((one) => [one.what, one] as const))(
      'that %s says what, which it loses on a stock server',
      (_, one) => {
        const { ours, stock: theirs } = outcomes.get(one)!;
        expect(theirs).toMatchObject({ status: 'error', returned: expect.stringMatching(/: : $/) as string });
        expect(ours).toMatchObject({
          status: 'error',
          returned: expect.stringMatching(LOST_ON_STOCK.get(one.what)!) as string,
        });
      },
    );

    test('runs with the packages that it asks for, when they are in the sandbox', async () => {
      const calls = new ToolCalls(serverOf(deployed));
      const pip = ['requests', 'python-dateutil>=2.8', 'pydantic>=2,<3'];
      const tool = pythonTool(
        'uses_packages()',
        'import requests, dateutil.parser, pydantic\nreturn str(dateutil.parser.parse("23 November 2026").date())',
        { pip },
      );
      const agent = await calls.agent([await calls.make(tool)]);
      expect(await calls.turn(agent, tool.name)).toMatchObject({ status: 'success', returned: '2026-11-23' });
    });

    test('of TypeScript runs, which a stock server’s own sandbox cannot', () => {
      const [add, wait, raise, types] = ordinaryTypeScript.map((one) => outcomes.get(one)!.ours);
      expect(add).toMatchObject({ status: 'success', returned: '42' });
      expect(wait).toMatchObject({ status: 'success' });
      expect(wait.returned).toContain('Grüße 世界');
      expect(raise).toMatchObject({
        status: 'error',
        returned: expect.stringContaining('no such order: 4711') as string,
      });
      expect(types).toMatchObject({ status: 'success', returned: expect.stringMatching(/blue/) as string });
    });
  });
}

/** A stock server's sandbox hands exceptions over by pickle, which loses those of classes that it does not know. */
const LOST_ON_STOCK: ReadonlyMap<string, RegExp> = new Map([
  ['raises an exception of its own', /Refused: by the tool$/],
  [
    'is given wrong values for a pydantic model',
    /ValidationError: 2 validation errors for OrderArguments\norder\.number\n.*\norder\.items\n/s,
  ],
]);
const saysItself = ({ what }: OrdinaryTool) => LOST_ON_STOCK.has(what);

/** What an agent reads; where a tool's file stands in a traceback is nobody's promise. */
function comparable({ status, returned, stdout }: ToolOutcome): object {
  return { status, returned, printed: (stdout ?? []).join('').trim() };
}
