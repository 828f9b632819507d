import { spawnSync } from 'child_process';
import * as path from 'path';
import { version } from '../../package.json';
import { command } from './support';

test.each([[['--help']], [['cost', '--help']]])('the help of %p', async (args) => {
  const { code, out, error } = await command(args);
  expect({ code, error }).toEqual({ code: 0, error: '' });
  expect(out).toMatchSnapshot();
});

test('prints its version', async () => {
  expect(await command(['--version'])).toEqual({ code: 0, out: `${version}\n`, error: '' });
});

test.each([
  ['an unknown flag', ['cost', '--jsn'], "cdk-letta: unknown option '--jsn'\n"],
  ['a flag with a slip', ['cost', '--modle'], "cdk-letta: unknown option '--modle' (Did you mean --model?)\n"],
  ['an unknown command', ['costs'], "cdk-letta: unknown command 'costs' (Did you mean cost?)\n"],
  ['a word too many', ['cost', 'One', 'Two'], /^cdk-letta: too many arguments for 'cost'\. .*\n$/],
  ['a flag without its value', ['cost', '--region'], "cdk-letta: option '-r, --region <region>' argument missing\n"],
  ['an unknown format', ['cost', '-f', 'yaml'], /^cdk-letta: option .* is invalid\. Allowed choices are .*\n$/],
  ['what is no number', ['cost', '--calls', 'many'], /^cdk-letta: .*'many' is invalid\. wanted a whole number.*\n$/],
])('%s is one line and exit code 2', async (_what, args, line) => {
  const { code, out, error } = await command(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(error).toMatch(line);
  expect(error.split('\n')).toHaveLength(2);
});

test('no command at all is answered with the help', async () => {
  const { code, error } = await command([]);
  expect(code).toBe(2);
  expect(error).toContain('Usage: cdk-letta');
});

test('as a process it ends with its code and without a stack trace', () => {
  const root = path.resolve(__dirname, '../..');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['-r', 'ts-node/register/transpile-only', 'cli/main.ts', 'cost', '--app', '/nonexistent'],
    { cwd: root, encoding: 'utf8' },
  );
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: 'cdk-letta: --app /nonexistent: holds no manifest.json, wanted a cloud assembly: run npx cdk synth first\n',
  });
}, 60_000);
