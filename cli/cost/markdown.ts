import { Estimate } from './estimate';
import { dollars, headline, monthly, perUnit, sum, turnInWords } from './text';

/** The estimate as a document. */
export function markdown(estimate: Estimate): string {
  const { fixed, usage, unknown, models, turn, sources } = estimate;
  const parts = [
    `# What ${estimate.stack} costs`,
    `${headline(estimate)}.`,
    section(
      'By the month',
      ['a month', 'what', 'resource', 'prices of'],
      fixed.map((cost) => [monthly(cost), cost.what, code(cost.resource), sources[cost.source].date]),
    ),
    section(
      'By use, not in the sum',
      ['price', 'what', 'resources'],
      usage.map((cost) => [perUnit(cost), cost.what, String(cost.resources.length)]),
    ),
    section(
      'Unknown, not in the sum',
      ['what', 'why', 'resource'],
      unknown.map(({ what, why, resource }) => [what, why, code(resource)]),
    ),
    section(
      `1,000 turns, each taken as ${turnInWords(turn)}`,
      ['1,000 turns', 'model', 'a million tokens in', 'out'],
      models.map(({ model, inputPerMillion, outputPerMillion, per1000Turns }) =>
        per1000Turns === undefined
          ? ['unknown', code(model), 'unknown', 'unknown']
          : [sum(per1000Turns), code(model), dollars(inputPerMillion!), dollars(outputPerMillion!)],
      ),
    ),
    '## Prices\n\nWithout taxes, discounts and free tiers.\n',
    Object.values(sources)
      .map(({ name, url, date }) => `- ${date}: [${name}](${url})`)
      .join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n') + '\n';
}

function section(title: string, head: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  return [`## ${title}`, '', row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
