import * as fs from 'fs';
import * as path from 'path';
import { RULES } from '../../lib/checks/rules';
import { generatedPart } from '../gate/generated-part';

/** A table of the rules for each area. */
function rulesAsTables(): string[] {
  const areas = [...new Set(RULES.map(({ area }) => area))];
  return areas.flatMap((area) => [
    `### ${area}`,
    '',
    '| id | what is wrong and why | what to do |',
    '| --- | --- | --- |',
    ...RULES.filter((rule) => rule.area === area).map(({ id, reason, fix }) => `| \`${id}\` | ${reason} | ${fix} |`),
    '',
  ]);
}

test('docs/checks.md lists every rule with its reason and its fix', () => {
  const { inDocument, generated } = generatedPart('docs/checks.md', 'rules', rulesAsTables());
  expect(inDocument).toBe(generated);
});

test('each example that runs Letta, and the app, add the checks', () => {
  const root = path.join(__dirname, '../..');
  const examples = fs.readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.ts'));
  const apps = ['bin/letta.ts', ...examples.map((file) => `examples/${file}`)].map((file) => ({
    file,
    text: fs.readFileSync(path.join(root, file), 'utf8'),
  }));
  const running = apps.filter(({ text }) => /new Letta(BedrockStack|Service)\(/.test(text));
  expect(running.length).toBeGreaterThanOrEqual(4);
  const line = 'Validations.of(app).addPlugins(new LettaChecks());';
  expect(running.filter(({ text }) => !text.includes(line)).map(({ file }) => file)).toEqual([]);
});
