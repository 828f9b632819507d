import { judged } from './table';

/** A figure of both servers. */
export interface Compared {
  readonly figure: string;
  readonly stack: number;
  readonly docs: number;
  /** Stack over docs. */
  readonly ratio: number;
  /** The same of each round alone, smallest and largest. */
  readonly rounds: [number, number];
  readonly target?: number;
}

/** @param of what the figure is of some rounds */
export function compare<Round>(
  figure: string,
  { stack, docs }: { readonly stack: Round[]; readonly docs: Round[] },
  of: (rounds: Round[]) => number,
  target?: number,
): Compared {
  const ratios = stack.map((round, index) => of([round]) / of([docs[index]]));
  const [ours, theirs] = [of(stack), of(docs)];
  return {
    ...{ figure, stack: ours, docs: theirs, ratio: ours / theirs, target },
    rounds: [Math.min(...ratios), Math.max(...ratios)],
  };
}

/** A row of a table with the columns figure, this stack, as the docs say, ratio, of single rounds, target. */
export function comparedRow({ figure, stack, docs, ratio, rounds, target }: Compared, isAtMost: boolean): string[] {
  return [
    figure,
    shown(stack),
    shown(docs),
    `${ratio.toFixed(2)} ×`,
    rounds.map((one) => one.toFixed(2)).join(' to '),
    target === undefined
      ? ''
      : judged(isAtMost ? ratio <= target : ratio >= target, `${isAtMost ? '≤' : '≥'} ${target} ×`),
  ];
}

export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
