import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { run } from '../../cli/program';
import { Shell } from '../../cli/shell';
import { Resource } from '../../cli/synthesized';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line as the process would. */
export async function command(args: string[], shell: Partial<Shell> = {}): Promise<Ended> {
  let out = '';
  let error = '';
  const code = await run(args, {
    out: (text) => (out += text),
    error: (text) => (error += text),
    isTerminal: false,
    hasColours: false,
    columns: 100,
    environment: {},
    ...shell,
  });
  return { code, out, error };
}

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-letta-cli-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

export interface AssembledStack {
  readonly environment?: string;
  readonly resources: Record<string, Resource>;
}

/** Writes a cloud assembly as `cdk synth` does. */
export function writeAssembly(folder: string, stacks: Record<string, AssembledStack>): void {
  const artifacts = Object.entries(stacks).map(
    ([name, { environment = 'aws://111122223333/us-east-1', resources }]) => {
      const templateFile = `${name}.template.json`;
      fs.writeFileSync(path.join(folder, templateFile), JSON.stringify({ Resources: resources }));
      return [name, { type: 'aws:cloudformation:stack', environment, properties: { templateFile }, displayName: name }];
    },
  );
  const manifest = { artifacts: { Tree: { type: 'cdk:tree' }, ...Object.fromEntries(artifacts) } };
  fs.writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
}
