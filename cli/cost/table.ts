import { Estimate } from './estimate';
import { dollars, headline, monthly, perUnit, sum, turnInWords } from './text';

/** How a word is made bold or dim; nothing where there is no colour. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly warn: (text: string) => string;
}

const code =
  (number: number) =>
  (text: string): string =>
    `\u001b[${number}m${text}\u001b[0m`;

export const COLOURS: Paint = { bold: code(1), dim: code(2), warn: code(33) };
export const PLAIN: Paint = { bold: String, dim: String, warn: String };

/** The estimate for a terminal. */
export function table(estimate: Estimate, { bold, dim, warn }: Paint): string {
  const { fixed, usage, unknown, models, turn, sources } = estimate;
  const lines = [bold(headline(estimate)), ''];
  lines.push(
    ...columns(
      fixed.map((cost) => [monthly(cost), cost.what, cost.resource]),
      [String, String, dim],
    ),
  );
  if (usage.length > 0) {
    lines.push('', bold('By use, not in the sum'));
    lines.push(
      ...columns(
        usage.map((cost) => [perUnit(cost), cost.what, times(cost.resources)]),
        [String, String, dim],
      ),
    );
  }
  if (unknown.length > 0) {
    lines.push('', bold(warn('Unknown, not in the sum')));
    lines.push(
      ...columns(
        unknown.map(({ what, why, resource }) => [what, why, resource]),
        [String, String, dim],
      ),
    );
  }
  if (models.length > 0) {
    lines.push('', bold(`1,000 turns, each taken as ${turnInWords(turn)}`));
    lines.push(
      ...columns(
        models.map((model) =>
          model.per1000Turns === undefined
            ? ['unknown', model.model, 'not in the table']
            : [
                sum(model.per1000Turns),
                model.model,
                `${dollars(model.inputPerMillion!)} and ${dollars(model.outputPerMillion!)} for a million tokens in and out`,
              ],
        ),
        [String, String, dim],
      ),
    );
  }
  lines.push('', bold('Prices, without taxes, discounts and free tiers'));
  lines.push(...Object.values(sources).map(({ name, date }) => `  ${date}  ${dim(name)}`));
  return lines.join('\n') + '\n';
}

function times(resources: string[]): string {
  return resources.length === 1 ? resources[0] : `${resources.length} resources`;
}

function columns(rows: string[][], paints: ((text: string) => string)[]): string[] {
  const widths = paints.map((_, column) => Math.max(0, ...rows.map((row) => row[column].length)));
  const last = paints.length - 1;
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0
        ? paints[column](cell.padStart(widths[column]))
        : paints[column](column === last ? cell : cell.padEnd(widths[column])),
    );
    return `  ${cells.join('  ')}`;
  });
}
