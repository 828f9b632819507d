import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { CDK_JSON_CONTEXT } from './support';

const root = path.resolve(__dirname, '../..');
const examples = fs.readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.ts'));

interface Synthesis {
  readonly status: number | null;
  readonly output: string;
  readonly templates: string[];
  /** What the assembly tells the command line to print. */
  readonly warnings: string;
}

/** Runs an app as the CDK's command line does. */
function synthesize(app: string, context: Record<string, string> = {}): Synthesis {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-'));
  try {
    const { status, stdout, stderr } = spawnSync('node', ['-r', './tools/ts-register.js', app], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, CDK_OUTDIR: outdir, CDK_VALIDATION: 'false', CDK_CONTEXT_JSON: JSON.stringify(context) },
    });
    const files = fs.readdirSync(outdir);
    const templates = files.filter((file) => file.endsWith('.template.json'));
    const metadata = files.filter((file) => file.endsWith('.metadata.json') || file === 'manifest.json');
    const warnings = metadata.map((file) => fs.readFileSync(path.join(outdir, file), 'utf8')).join();
    return { status, output: stdout + stderr, templates, warnings };
  } finally {
    fs.rmSync(outdir, { recursive: true });
  }
}

test('there are examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(4);
});

/** Loads the apps, each with an output folder of its own; they synthesize when the process is about to end. */
const LOAD_ALL = `
  const [, outdir, ...apps] = process.argv;
  for (const app of apps) {
    process.env.CDK_OUTDIR = require('path').join(outdir, app);
    require(require('path').resolve(app));
  }`;

test('every example passes the validator of aws-cdk-lib; plain HTTP, where it is chosen, is the only warning', () => {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-'));
  try {
    const apps = examples.map((example) => `examples/${example}`);
    const withoutCertificate = apps.filter((app) =>
      fs.readFileSync(path.join(root, app), 'utf8').includes('http: true'),
    );
    // One process for all: the validator is WebAssembly, whose start costs more than its work.
    const { status, stdout, stderr } = spawnSync(
      'node',
      ['--liftoff-only', '-r', './tools/ts-register.js', '-e', LOAD_ALL, outdir, ...apps],
      { cwd: root, encoding: 'utf8', env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(CDK_JSON_CONTEXT) } },
    );
    const output = stdout + stderr;
    expect({ status, output: status ? output : '' }).toEqual({ status: 0, output: '' });
    const findings = [...output.matchAll(/Acknowledge with '(.*)'/g)].map(([, finding]) => finding);
    expect(findings).toEqual(withoutCertificate.map(() => 'Annotation::cdk-letta:LettaService.http'));
    for (const app of apps) {
      const files = fs.readdirSync(path.join(outdir, app));
      // The report is written only by a synth with validation.
      expect({ app, files }).toEqual({ app, files: expect.arrayContaining(['validation-report.json']) });
      expect(files.filter((file) => file.endsWith('.template.json'))).not.toEqual([]);
    }
  } finally {
    fs.rmSync(outdir, { recursive: true });
  }
}, 180_000);

describe('bin/letta.ts', () => {
  test('gives LettaBedrockStack and warns of plain HTTP', () => {
    const { status, templates, warnings } = synthesize('bin/letta.ts');
    expect(status).toBe(0);
    expect(templates).toEqual(['LettaBedrockStack.template.json']);
    expect(warnings).toContain('cdk-letta:LettaService.http');
  });

  test('takes certificate, models, clients, account and region from context', () => {
    const { status, templates, warnings } = synthesize('bin/letta.ts', {
      certificateArn: 'arn:aws:acm:ap-northeast-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
      models: 'jp.anthropic.claude-sonnet-4-6, jp.anthropic.claude-haiku-4-5-20251001-v1:0',
      embeddings: 'cohere.embed-multilingual-v3',
      allowFrom: '10.0.0.0/8,192.168.0.0/16',
      account: '111122223333',
      region: 'ap-northeast-1',
    });
    expect({ status, templates }).toEqual({ status: 0, templates: ['LettaBedrockStack.template.json'] });
    expect(warnings).not.toContain('cdk-letta:LettaService.http');
  });

  test.each([
    ['what is no ARN of a certificate', 'hello'],
    [
      "a certificate of another region than the stack's",
      'arn:aws:acm:eu-west-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
    ],
  ])('fails on %s', (_what, certificateArn) => {
    const { status, output } = synthesize('bin/letta.ts', { certificateArn, region: 'us-east-1' });
    expect(status).not.toBe(0);
    expect(output).toContain(`like arn:aws:acm:us-east-1:ACCOUNT:certificate/ID, got '${certificateArn}'`);
  });

  test('fails on a profile that the region does not serve', () => {
    const { status, output } = synthesize('bin/letta.ts', { region: 'eu-central-1' });
    expect(status).not.toBe(0);
    expect(output).toContain("cannot be called from the stack's region 'eu-central-1'");
  });
});
