import * as fs from 'fs';

/** What the figure of the time that a file of tests takes to load begins with: its apps are synthesized then. */
export const LOADING = 'loading:';

/** Leaves a figure for `npm run gate` to print. */
export function reportFigure(name: string, value: number): void {
  if (process.env.GATE_FIGURES) fs.appendFileSync(process.env.GATE_FIGURES, `${name} ${value}\n`);
}
