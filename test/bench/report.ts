import type { Block, PartTimes } from './compare';
import { type Compared, compare, comparedRow, shown } from './compared';
import type { Machine } from './machine';
import { median, quantile } from './statistics';
import type { SynthFigures } from './synth';
import { judged, table } from './table';
import type { TurnFigures } from './turns';

/** What this stack is meant to reach against the documented configuration, and what synthesis may cost. */
export const target = {
  plainRatio: 0.2,
  toolRatio: 0.25,
  throughputRatio: 6,
  synthSeconds: 4,
  synthMegabytes: 512,
} as const;

/** The figures of turns, over all rounds. */
export function compareTurns(figures: TurnFigures): Compared[] {
  const row = (figure: string, of: (blocks: Block[]) => number, wanted?: number) =>
    compare(figure, figures, of, wanted);
  const times = (kind: 'plain' | 'tool' | 'atOnce', share: number) => (blocks: Block[]) =>
    quantile(
      blocks.flatMap((block) => block[kind]),
      share,
    );
  const processor =
    (kind: 'plain' | 'tool', of: (parts: PartTimes) => number) =>
    (blocks: Block[]): number =>
      median(blocks.map((block) => of(block.processor[kind])));
  return [
    row('plain turn p50, ms', times('plain', 0.5), target.plainRatio),
    row('plain turn p90, ms', times('plain', 0.9)),
    row('turn with a tool call p50, ms', times('tool', 0.5), target.toolRatio),
    row('turn with a tool call p90, ms', times('tool', 0.9)),
    row('8 agents at once p50, ms', times('atOnce', 0.5)),
    row(
      '8 agents at once, turns/s',
      (blocks) => mean(blocks.map((block) => block.turnsPerSecond)),
      target.throughputRatio,
    ),
    row(
      'processor time of Letta, plain turn, ms',
      processor('plain', ({ letta }) => letta),
    ),
    row(
      '… with that of the gateway and PgBouncer, ms',
      processor('plain', ({ letta, gateway = 0 }) => letta + gateway),
    ),
    row(
      'processor time of Letta, with a tool call, ms',
      processor('tool', ({ letta }) => letta),
    ),
  ];
}

export function turnsTable(figures: TurnFigures): string {
  const rows = compareTurns(figures).map((one) => comparedRow(one, one.target === undefined || one.target < 1));
  const count = (kind: 'plain' | 'tool' | 'atOnce') =>
    `${sum(figures.stack.map((block) => block[kind].length))} and ${sum(figures.docs.map((block) => block[kind].length))}`;
  return [
    table([['Agent turns', 'this stack', 'as the docs say', 'ratio', 'of single rounds', 'target'], ...rows]),
    `${figures.stack.length} rounds, alternating; turns measured (this stack and docs): ${count('plain')} plain, ${count('tool')} with a tool call, ${count('atOnce')} at once`,
    `processor in use meanwhile, other load included: ${percent(figures.stack)} and ${percent(figures.docs)}`,
  ].join('\n');
}

export function synthTable({ runs, version }: SynthFigures): string {
  const seconds = median(runs.map((run) => run.seconds));
  const largest = Math.max(...runs.map((run) => run.largest)) / 2 ** 20;
  const tree = Math.max(...runs.map((run) => run.tree)) / 2 ** 20;
  const range = [Math.min(...runs.map((run) => run.seconds)), Math.max(...runs.map((run) => run.seconds))];
  const { synthSeconds, synthMegabytes } = target;
  return [
    table([
      ['npx cdk synth LettaBedrockStack', 'figure', 'target'],
      ['warm wall time, median, s', seconds.toFixed(2), judged(seconds <= synthSeconds, `≤ ${synthSeconds}`)],
      ['of it npx and the CLI alone (cdk --version), s', version.toFixed(2), ''],
      [
        'peak memory of the largest process, MiB',
        shown(largest),
        judged(largest <= synthMegabytes, `≤ ${synthMegabytes}`),
      ],
      ['peak memory of all its processes, MiB', shown(tree), ''],
    ]),
    `${runs.length} runs after one that warms up, ${range.map((one) => one.toFixed(2)).join(' to ')} s`,
  ].join('\n');
}

export function heading({ date, processor, cores, memoryGiB, node }: Machine, load: number[]): string {
  return [
    `${date} · ${cores} cores (${processor}) · ${memoryGiB} GiB · Node ${node} · load before and after: ${load.map((one) => one.toFixed(1)).join(', ')}`,
    'other load distorts times: compare within one run, on a quiet machine',
  ].join('\n');
}

function percent(blocks: Block[]): string {
  return `${(100 * mean(blocks.map((block) => block.processorUse))).toFixed(0)} %`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: number[]): number {
  return sum(values) / values.length;
}
