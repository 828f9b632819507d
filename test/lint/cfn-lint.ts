import { existsSync } from 'node:fs';
import path from 'node:path';
import { cached } from '../lab/parts/cache';
import { run } from '../lab/parts/command';

const REQUIREMENTS = 'test/lint/requirements.txt';
const SYSTEM_PYTHON = '/usr/bin/python3.11';

/** Rules of cfn-lint whose findings are right as they are, each with the reason. */
export const EXPLAINED: Record<string, string> = {
  W3005: 'aws-cdk-lib writes a dependency out even where a reference implies it',
};

/** A template with one known fault: a rule that no longer finds it would find nothing in ours either. */
export const FAULTY = path.join(__dirname, 'faulty.template.json');
const FAULT = 'W3037';

interface Match {
  readonly Filename: string;
  readonly Message: string;
  readonly Location: { readonly Path: (string | number)[] };
  readonly Rule: { readonly Id: string };
}

/** cfn-lint in an environment of its own, made once for these versions. Needs uv and Python 3.11. */
async function cfnLint(): Promise<string> {
  const folder = await cached('cfn-lint', { files: [REQUIREMENTS] }, async (venv) => {
    const python = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : '3.11';
    const install = { install: 'pip install uv' };
    await run('uv', ['venv', '--relocatable', '--python', python, '--allow-existing', venv], install);
    const target = ['--python', path.join(venv, 'bin/python')];
    await run('uv', ['pip', 'install', ...target, '--only-binary', ':all:', '--require-hashes', '-r', REQUIREMENTS]);
  });
  return path.join(folder, 'bin/cfn-lint');
}

/**
 * What cfn-lint finds in templates, beside what is explained: errors and warnings, as readable lines. A rule that is
 * explained and finds nothing any more is a finding too.
 */
export async function lint(templates: string[]): Promise<string[]> {
  const program = await cfnLint();
  const args = ['--format', 'json', '--non-zero-exit-code', 'none', '--template', ...templates, FAULTY];
  const matches: Match[] = JSON.parse(await run(program, args));
  const found = matches.map(({ Filename, Message, Location, Rule }) => ({
    rule: Rule.Id,
    file: Filename,
    line: `${Rule.Id} ${Filename} ${Location.Path.join('/')}: ${Message.slice(0, 300)}`,
  }));
  const ours = found.filter(({ file }) => file !== FAULTY);
  const lines = ours.filter(({ rule }) => !(rule in EXPLAINED)).map(({ line }) => line);
  for (const rule of Object.keys(EXPLAINED)) {
    if (!ours.some((match) => match.rule === rule)) lines.push(`${rule} is explained, but finds nothing any more`);
  }
  if (!found.some(({ file, rule }) => file === FAULTY && rule === FAULT)) {
    lines.push(`${FAULT} no longer finds the fault in ${FAULTY}`);
  }
  return lines;
}
