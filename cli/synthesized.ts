import * as fs from 'fs';
import * as path from 'path';
import { UsageError } from './usage-error';

export interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly Metadata?: Record<string, unknown>;
}

/** A stack as `cdk synth` wrote it. */
export interface Synthesized {
  readonly name: string;
  /** File of the template. */
  readonly file: string;
  /** Where it is to be deployed; not there if the app leaves that to the credentials. */
  readonly region?: string;
  readonly resources: Record<string, Resource>;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly displayName?: string;
  readonly properties?: { readonly templateFile?: string; readonly stackName?: string };
}

/**
 * A stack of a cloud assembly.
 *
 * @param name its id or name; may be left out when there is one only
 * @throws UsageError if there is no assembly, no such stack, or several to choose from
 */
export function readAssembly(folder: string, name?: string): Synthesized {
  const manifest = path.join(folder, 'manifest.json');
  if (!fs.existsSync(manifest)) {
    throw new UsageError(`--app ${folder}: holds no manifest.json, wanted a cloud assembly: run npx cdk synth first`);
  }
  const { artifacts = {} } = readJson(manifest) as { artifacts?: Record<string, Artifact> };
  const stacks = Object.entries(artifacts).filter(([, { type }]) => type === 'aws:cloudformation:stack');
  const all = stacks.map(([id, { displayName }]) => displayName ?? id).join(', ') || 'none';
  const matching = stacks.filter(
    ([id, artifact]) => name === undefined || [id, artifact.displayName, artifact.properties?.stackName].includes(name),
  );
  if (matching.length === 0) throw new UsageError(`no stack '${name}' in ${folder}, wanted one of: ${all}`);
  if (matching.length > 1) throw new UsageError(`several stacks in ${folder}, wanted one of: ${all}: name it`);
  const [id, { environment, displayName, properties }] = matching[0];
  const region = environment?.split('/').pop();
  return {
    ...readTemplate(path.join(folder, properties?.templateFile ?? `${id}.template.json`)),
    name: displayName ?? id,
    region: region === 'unknown-region' ? undefined : region,
  };
}

/** @throws UsageError if the file is no template */
export function readTemplate(file: string): Synthesized {
  const { Resources: resources } = readJson(file) as { Resources?: Record<string, Resource> };
  if (typeof resources !== 'object' || resources === null || !Object.values(resources).every(isResource)) {
    throw new UsageError(`${file}: has no Resources with a Type each, wanted a CloudFormation template in JSON`);
  }
  return { name: path.basename(file).replace(/(\.template)?\.json$/, ''), file, resources };
}

function isResource(value: Resource | null): boolean {
  const { Type, Properties = {} } = value ?? {};
  return typeof Type === 'string' && typeof Properties === 'object' && Properties !== null;
}

function readJson(file: string): object {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code}), wanted a file in JSON`);
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch (error) {
    throw new UsageError(`${file}: is not JSON (${(error as Error).message}): synthesize it anew with npx cdk synth`);
  }
  throw new UsageError(`${file}: is not a JSON object, wanted one: synthesize it anew with npx cdk synth`);
}
