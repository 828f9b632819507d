import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { enterLab } from '../lab/enter';

/** What jest writes with --json, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly retryReasons?: readonly string[];
    }[];
  }[];
}

/** Twice what it takes on two cores: a run that stands still must say so before whoever started it gives up. */
const LONGEST_RUN_MS = 65 * 60_000;

/** `npm run conformance [-- spec]`: the deployment's specification, run in the lab. */
async function main(): Promise<number> {
  await enterLab({ stock: true });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-conformance-'));
  const report = path.join(folder, 'report.json');
  const args = [
    '--config',
    path.join(__dirname, 'jest.config.js'),
    '--runInBand',
    // What a failed test left open must not keep the run from ending.
    '--forceExit',
    '--silent',
    '--verbose',
    '--json',
    `--outputFile=${report}`,
  ];
  try {
    const jest = require.resolve('jest/bin/jest');
    // What it prints of the tests goes to stderr, the report to the file; stdout would only repeat the report.
    const { status } = spawnSync(process.execPath, [jest, ...args, ...process.argv.slice(2)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: LONGEST_RUN_MS,
      killSignal: 'SIGKILL',
    });
    if (status === null) throw new Error(`conformance had not ended after ${LONGEST_RUN_MS / 60_000} minutes`);
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    ) as Report;
    const retried = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status, retryReasons = [] }) => status === 'passed' && retryReasons.length > 0);
    for (const { fullName, retryReasons } of retried) {
      console.log(
        `PASSED ONLY AT THE SECOND TRY: ${fullName}\n${retryReasons![0].split('\n').slice(0, 12).join('\n')}`,
      );
    }
    if (retried.length > 0) console.log(`${retried.length} tests passed only at the second try`);
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    console.log(`${numPassedTests} passed, ${failed} failed`);
    return status !== 0 || failed > 0 || numPassedTests === 0 ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    console.log('0 passed, 1 failed');
    process.exit(1);
  },
);
