import * as fs from 'fs';

/** Leaves a figure for `npm run gate` to print. */
export function reportFigure(name: string, value: number): void {
  if (process.env.GATE_FIGURES) fs.appendFileSync(process.env.GATE_FIGURES, `${name} ${value}\n`);
}
