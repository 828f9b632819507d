import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SandboxMaximum, SandboxVariable } from '../../../runtime/contract';

const IMAGE = path.resolve(__dirname, '../../../runtime/images/sandbox');
const read = (file: string) => readFileSync(path.join(IMAGE, file), 'utf8');

/** A product of numbers, as Python and TypeScript both write it. */
function constant(name: string): number {
  const [, product] = new RegExp(`^${name} = ([\\d *]+)$`, 'm').exec(read('answer.py')) ?? [];
  return product.split('*').reduce((result, factor) => result * Number(factor), 1);
}

test('the function has the limits that the gateway knows', () => {
  expect(constant('RESULT_BYTES')).toBe(SandboxMaximum.RESULT);
  expect(constant('OUTPUT_BYTES')).toBe(SandboxMaximum.OUTPUT);
});

test('the function reads the variable that the constructs set', () => {
  expect(read('handler.py')).toContain(`os.environ.get('${SandboxVariable.PASS_CREDENTIALS}')`);
});

test('the image names what runs may write to, so that it is wiped', () => {
  expect(read('Dockerfile')).toContain('SANDBOX_WRITABLE=/tmp:');
});

test('all that the image installs is locked by hash', () => {
  const lines = read('requirements.txt').split('\n');
  const packages = lines.filter((line) => /^[a-z]/.test(line));

  expect(packages.length).toBeGreaterThan(10);
  expect(lines.filter((line) => line.trim().startsWith('--hash=sha256:')).length).toBeGreaterThanOrEqual(
    packages.length,
  );
});
