import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { lint } from '../lint/cfn-lint';
import { LOADING } from './figures';

/**
 * `npm run gate`: all that is proven about the synthesized templates before anything is deployed. Prints what each part
 * took and found; ends with `N passed, M failed`.
 */
const ROOT = path.resolve(__dirname, '../..');

/** The parts that are tests, by the files that hold them: the suites put each file's tests under its name. */
const PARTS: Record<string, RegExp> = {
  LettaChecks: /^test\/checks\//,
  'rule packs': /^test\/gate\/rule-packs/,
  'IAM decisions': /^test\/security\/(?!reach)/,
  reachability: /^test\/security\/reach/,
  endpoints: /^test\/gate\/endpoints/,
  documents: /^test\/gate\/(?!rule-packs|endpoints)/,
};

interface Part {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

interface JestReport {
  readonly testResults: {
    readonly message: string;
    readonly assertionResults: {
      readonly ancestorTitles: string[];
      readonly status: string;
      readonly duration?: number | null;
    }[];
  }[];
}

async function main(): Promise<number> {
  const started = Date.now();
  const work = mkdtempSync(path.join(os.tmpdir(), 'letta-gate-'));
  try {
    const figures = path.join(work, 'figures');
    // Three processes of about the same work: two of Jest, and cfn-lint.
    const [tested, linted] = await Promise.all([runTests(work, figures), lintAll(work)]);
    const parts = [...tested, linted];
    for (const { name, passed, failed, seconds } of parts) {
      console.log(
        `${name.padEnd(16)} ${`${passed}`.padStart(6)} passed ${`${failed}`.padStart(4)} failed ${seconds.toFixed(1).padStart(7)} s`,
      );
    }
    const left = [...totals(figures)].filter(([name]) => !name.startsWith(LOADING)).sort();
    console.log(`\n${left.map(([name, value]) => `${name} ${value}`).join('\n')}`);
    console.log(`\n${((Date.now() - started) / 1000).toFixed(1)} s`);
    const failed = parts.reduce((sum, part) => sum + part.failed, 0);
    const empty = parts.filter((part) => part.passed + part.failed === 0).map(({ name }) => name);
    if (empty.length > 0) console.error(`nothing was checked by: ${empty.join(', ')}`);
    console.log(`${parts.reduce((sum, part) => sum + part.passed, 0)} passed, ${failed + empty.length} failed`);
    return failed + empty.length > 0 ? 1 : 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Figures that the tests left, added up by name. */
function totals(file: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) {
    const [name, value] = line.split(' ');
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

async function runTests(work: string, figures: string): Promise<Part[]> {
  const report = path.join(work, 'jest.json');
  const jest = require.resolve('jest/bin/jest');
  const config = path.join(__dirname, 'suites/jest.config.js');
  const args = [jest, '--config', config, '--maxWorkers=2', '--silent', '--json', `--outputFile=${report}`];
  await run(process.execPath, args, { GATE_FIGURES: figures });
  const { testResults }: JestReport = JSON.parse(readFileSync(report, 'utf8'));
  for (const { message } of testResults) if (message) console.error(message);
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const loading = [...totals(figures)].filter(([name]) => name.startsWith(LOADING));
  const parts = Object.entries(PARTS).map(([name, files]) => {
    const tests = results.filter(({ ancestorTitles }) => files.test(ancestorTitles[0]));
    const passed = tests.filter(({ status }) => status === 'passed').length;
    const loaded = loading.filter(([file]) => files.test(file.slice(LOADING.length))).map(([, value]) => value);
    const milliseconds = sum([...loaded, ...tests.map(({ duration }) => duration ?? 0)]);
    // A test that is skipped counts as a failure.
    return { name, passed, failed: tests.length - passed, seconds: milliseconds / 1000 };
  });
  // So does a suite that cannot be loaded, and a test that is of no part.
  const broken = testResults.filter(({ assertionResults }) => assertionResults.length === 0).length;
  const others = results.length - sum(parts.map(({ passed, failed }) => passed + failed));
  return broken + others > 0 ? [...parts, { name: 'not run', passed: 0, failed: broken + others, seconds: 0 }] : parts;
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
