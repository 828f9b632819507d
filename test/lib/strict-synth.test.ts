import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

const root = path.resolve(__dirname, '../..');

/** The command line with the validator built into aws-cdk-lib, every warning an error. */
function strictSynth(...args: string[]): { status: number | null; output: string } {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-'));
  try {
    const { status, stdout, stderr } = spawnSync(
      path.join(root, 'node_modules/.bin/cdk'),
      ['synth', 'LettaBedrockStack', '--strict', '--quiet', '--no-notices', '--output', outdir, ...args],
      { cwd: root, encoding: 'utf8' },
    );
    return { status, output: stdout + stderr };
  } finally {
    fs.rmSync(outdir, { recursive: true });
  }
}

const CERTIFICATE =
  'certificateArn=arn:aws:acm:us-east-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';

test('the stack passes the strict validator', () => {
  const { status, output } = strictSynth('-c', CERTIFICATE);
  expect({ status, output: status ? output : '' }).toEqual({ status: 0, output: '' });
}, 120_000);

test('the stack passes it in a known region, where it checks more', () => {
  const { status, output } = strictSynth('-c', CERTIFICATE, '-c', 'region=us-east-1', '-c', 'account=111122223333');
  expect({ status, output: status ? output : '' }).toEqual({ status: 0, output: '' });
}, 120_000);

test('plain HTTP is its only warning', () => {
  const { status, output } = strictSynth();
  expect(status).toBe(1);
  expect(output.match(/^WARNING.*/gm)).toEqual([expect.stringContaining('serves plain HTTP')]);
}, 120_000);
