import * as fs from 'fs';
import * as path from 'path';
import { EXPLAINED } from '../lint/cfn-lint';
import { generatedPart } from './generated-part';

const root = path.resolve(__dirname, '../..');
const document = fs.readFileSync(path.join(root, 'docs/security.md'), 'utf8');
const links = [...document.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, text, target]) => ({ text, target }));
const section = (title: string): string => document.split(`\n## ${title}\n`)[1].split('\n## ')[0];

test('every link leads somewhere', () => {
  const headings = [...document.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replace(/ /g, '-'),
  );
  const dead = links.filter(({ target }) =>
    target.startsWith('#') ? !headings.includes(target.slice(1)) : !fs.existsSync(path.join(root, 'docs', target)),
  );
  expect(dead).toEqual([]);
});

test('every control names the test that proves it, by its title', () => {
  const rows = section('Controls, and the check that proves each')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (control|-)/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const proofs = links.filter(({ text, target }) => row.includes(`[${text}](${target})`));
    const found = proofs.map(({ text, target }) => {
      const file = path.join(root, 'docs', target);
      return { text, isTest: /\/test\/.*\.ts$/.test(file) && fs.readFileSync(file, 'utf8').includes(text) };
    });
    expect({ row, found }).toEqual({ row, found: proofs.map(({ text }) => ({ text, isTest: true })) });
    expect({ row, proofs: proofs.length }).not.toEqual({ row, proofs: 0 });
  }
});

test('it lists what cfn-lint warns of, with the reason', () => {
  const rows = Object.entries(EXPLAINED).map(([rule, reason]) => `| \`${rule}\` | ${reason} |`);
  const table = ['| rule | reason |', '| --- | --- |', ...rows];
  const { inDocument, generated } = generatedPart('docs/security.md', 'cfn-lint', table);
  expect(inDocument).toEqual(generated);
});
