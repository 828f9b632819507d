import * as fs from 'fs';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { LettaBedrockStack, ToolSandbox } from '../../lib';
import { enterpriseStack } from '../lib/enterprise-stack';
import { CDK_JSON_CONTEXT, WITHOUT_TRACES } from '../lib/support';

/**
 * `ts-node -T test/gate/synthesize.ts FOLDER`: every app's templates, in a folder each, with aws-cdk-lib's own validator
 * left out, which the tests of the examples run.
 */
const [, , folder] = process.argv;
const root = path.resolve(__dirname, '../..');
const examples = fs.readdirSync(path.join(root, 'examples')).filter((file) => /(?<!\.d)\.ts$/.test(file));

async function main(): Promise<void> {
  process.env.CDK_VALIDATION = 'false';
  process.env.CDK_CONTEXT_JSON = JSON.stringify({ ...CDK_JSON_CONTEXT, ...WITHOUT_TRACES });
  for (const program of ['bin/letta.ts', ...examples.map((file) => `examples/${file}`)]) {
    process.env.CDK_OUTDIR = path.join(folder, program);
    // They synthesize when this process is about to end.
    await import(path.join(root, program));
  }
  enterpriseStack(new App({ outdir: path.join(folder, 'enterprise') }));
  const interpreter = new App({ outdir: path.join(folder, 'code-interpreter') });
  new LettaBedrockStack(interpreter, 'Letta', { http: true, customTools: ToolSandbox.codeInterpreter() });
}

void main();
