import * as fs from 'fs';
import * as path from 'path';

const root = path.resolve(__dirname, '../..');

/**
 * The part of a document between `<!-- begin NAME -->` and `<!-- end NAME -->`, and what it must be. With the variable
 * UPDATE_DOCS set, it is written first.
 */
export function generatedPart(file: string, name: string, lines: string[]): { inDocument: string; generated: string } {
  const begin = `<!-- begin ${name} -->\n`;
  const end = `<!-- end ${name} -->`;
  const generated =
    ['', '<!-- prettier-ignore-start -->', ...lines, '<!-- prettier-ignore-end -->', ''].join('\n') + '\n';
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const [before, rest] = text.split(begin);
  const [inDocument, after] = rest?.split(end) ?? [];
  if (after === undefined) throw new Error(`${file} has no part between '${begin.trim()}' and '${end}'`);
  if (!process.env.UPDATE_DOCS) return { inDocument, generated };
  fs.writeFileSync(path.join(root, file), before + begin + generated + end + after);
  return { inDocument: generated, generated };
}
