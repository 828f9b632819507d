import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { lint } from '../lint/cfn-lint';

/**
 * `npm run gate`: all that is proven about the synthesized templates before anything is deployed. Prints what each part
 * took and found; ends with `N passed, M failed`.
 */
const ROOT = path.resolve(__dirname, '../..');

/** The parts that are tests, by the files that hold them. */
const PARTS: Record<string, RegExp> = {
  LettaChecks: /test\/checks\//,
  'rule packs': /test\/gate\/rule-packs/,
  'IAM decisions': /test\/security\/(?!reach)/,
  reachability: /test\/security\/reach/,
  endpoints: /test\/gate\/endpoints/,
  documents: /test\/gate\/(?!rule-packs|endpoints)/,
};

interface Part {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

interface JestReport {
  readonly testResults: {
    readonly name: string;
    readonly startTime: number;
    readonly endTime: number;
    readonly message: string;
    readonly assertionResults: { readonly status: string }[];
  }[];
}

async function main(): Promise<number> {
  const started = Date.now();
  const work = mkdtempSync(path.join(os.tmpdir(), 'letta-gate-'));
  try {
    const figures = path.join(work, 'figures');
    // Jest's two workers end at different times; cfn-lint fills what they leave of two cores.
    const [tested, linted] = await Promise.all([runTests(work, figures), lintAll(work)]);
    const parts = [...tested, linted];
    for (const { name, passed, failed, seconds } of parts) {
      console.log(
        `${name.padEnd(16)} ${`${passed}`.padStart(6)} passed ${`${failed}`.padStart(4)} failed ${seconds.toFixed(1).padStart(7)} s`,
      );
    }
    console.log(`\n${totals(figures).join('\n')}`);
    console.log(`\n${((Date.now() - started) / 1000).toFixed(1)} s`);
    const failed = parts.reduce((sum, part) => sum + part.failed, 0);
    const empty = parts.filter((part) => part.passed === 0).map(({ name }) => name);
    if (empty.length > 0) console.error(`nothing was checked by: ${empty.join(', ')}`);
    console.log(`${parts.reduce((sum, part) => sum + part.passed, 0)} passed, ${failed + empty.length} failed`);
    return failed + empty.length > 0 ? 1 : 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Figures that the tests left, added up by name. */
function totals(file: string): string[] {
  const sums = new Map<string, number>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) {
    const [name, value] = line.split(' ');
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return [...sums].map(([name, value]) => `${name} ${value}`).sort();
}

async function runTests(work: string, figures: string): Promise<Part[]> {
  const report = path.join(work, 'jest.json');
  const jest = require.resolve('jest/bin/jest');
  const folders = ['test/checks/', 'test/gate/', 'test/security/'];
  const args = [jest, ...folders, '--maxWorkers=2', '--silent', '--json', `--outputFile=${report}`];
  await run(process.execPath, args, { GATE_FIGURES: figures });
  const { testResults }: JestReport = JSON.parse(readFileSync(report, 'utf8'));
  return Object.entries(PARTS).map(([name, files]) => {
    const suites = testResults.filter((suite) => files.test(suite.name));
    const statuses = suites.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
    const broken = suites.filter(({ assertionResults }) => assertionResults.length === 0);
    const passed = statuses.filter((status) => status === 'passed').length;
    for (const { message } of suites) if (message) console.error(message);
    // A suite that cannot be loaded, and a test that is skipped, count as failures.
    const failed = statuses.length - passed + broken.length;
    return { name, passed, failed, seconds: sum(suites.map(({ startTime, endTime }) => endTime - startTime)) / 1000 };
  });
}

async function lintAll(work: string): Promise<Part> {
  const started = Date.now();
  const assemblies = path.join(work, 'assemblies');
  const tsNode = require.resolve('ts-node/dist/bin');
  const { status, output } = await run(process.execPath, [
    tsNode,
    '-T',
    path.join(__dirname, 'synthesize.ts'),
    assemblies,
  ]);
  if (status !== 0) throw new Error(`the apps could not be synthesized:\n${output}`);
  const templates = readdirSync(assemblies, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.template.json'))
    .map((file) => path.join(assemblies, file))
    // A stack that holds nothing but imports is never deployed.
    .filter((file) => JSON.parse(readFileSync(file, 'utf8')).Resources);
  const lines = await lint(templates);
  lines.forEach((line) => console.error(line.replace(`${assemblies}/`, '')));
  return {
    name: 'cfn-lint',
    passed: lines.length === 0 ? templates.length : 0,
    failed: lines.length,
    seconds: (Date.now() - started) / 1000,
  };
}

function run(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
