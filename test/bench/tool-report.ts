import { functionPrice } from '../gate/tool-prices';
import { type Compared, compare, comparedRow, shown } from './compared';
import { median, quantile } from './statistics';
import { table } from './table';
import type { ToolFigures, ToolRound } from './tools';

/** A tool call here over one in a stock server's own sandbox, which keeps nothing from it. */
export const toolTarget = { ratio: 1 } as const;

/** Runs that a price is told for. */
const RUNS = 1000;
/** Seconds of a tool's own work that a price is told for. */
const WORK = [0, 1, 10];

/** The figures of tool calls, over all rounds. */
export function compareTools(figures: ToolFigures): Compared[] {
  const row = (figure: string, of: keyof ToolRound, share: number, target?: number) =>
    compare(figure, figures, (rounds: ToolRound[]) => quantile(times(rounds, of), share), target);
  return [
    row('call of a Python tool p50, ms', 'warm', 0.5, toolTarget.ratio),
    row('call of a Python tool p90, ms', 'warm', 0.9),
    row('… with arguments p50, ms', 'warmWithArguments', 0.5, toolTarget.ratio),
    row('… in a new sandbox p50, ms', 'cold', 0.5),
    row('turn with a call of it p50, ms', 'turn', 0.5),
    row('… of that the call p50, ms', 'turnCall', 0.5, toolTarget.ratio),
    row('first turn of an agent p50, ms', 'firstTurn', 0.5),
    row('… of that the call p50, ms', 'firstTurnCall', 0.5),
  ];
}

/** US dollars of 1,000 runs, each with as many seconds of work as `WORK` says on top of what a run costs by itself. */
export function toolPrices({ runs, memorySize }: ToolFigures) {
  const own = median(runs) / 1000;
  return WORK.map((work) => ({ work, dollars: functionPrice(RUNS, memorySize, own + work, 'x86') }));
}

export function toolsTable(figures: ToolFigures): string {
  const heading = ['Calls of a caller’s tool', 'this stack', 'as the docs say', 'ratio', 'of single rounds', 'target'];
  const typescript = times(figures.stack, 'typescript');
  const count = (of: keyof ToolRound) => times(figures.stack, of).length;
  const prices = toolPrices(figures).map(({ work, dollars }) => `$${dollars.toFixed(4)} with ${work} s of work each`);
  return [
    table([
      heading,
      ...compareTools(figures).map((one) => comparedRow(one, true)),
      ['call of a TypeScript tool p50, ms', shown(median(typescript)), '', '', '', ''],
    ]),
    `${figures.stack.length} rounds, call by call in turn; calls of each server: ${count('warm')} of each kind, ${count('cold')} in a new sandbox, ${count('turn')} turns and ${count('firstTurn')} first ones`,
    `a run as the gateway sees it, p50: ${shown(median(figures.runs))} ms; 1,000 runs on Lambda (x86, ${figures.memorySize} MiB, us-east-1, November 2026): ${prices.join(', ')}`,
  ].join('\n');
}

function times(rounds: ToolRound[], of: keyof ToolRound): number[] {
  return rounds.flatMap((round) => round[of]);
}
