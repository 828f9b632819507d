import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { LettaBedrockStack, type LettaBedrockStackProps } from '../../lib';
import { REPOSITORY } from './parts/cache';
import type { TemplateDocument } from './template';

/** A synthesized stack. */
export interface Assembly {
  readonly template: TemplateDocument;
  /** Folder of the cloud assembly. */
  readonly folder: string;
  /** Build context of each image asset, by the tag its container definitions use. */
  readonly imageFolders: Record<string, string>;
}

/** Synthesizes `LettaBedrockStack` as the app in `bin/` does, with the metadata that tells where its assets are. */
export function synthesize(
  folder: string,
  props: LettaBedrockStackProps = { http: true },
  extend: (stack: LettaBedrockStack) => void = () => undefined,
): Assembly {
  const settings = JSON.parse(readFileSync(path.join(REPOSITORY, 'cdk.json'), 'utf8')) as { context: object };
  const app = new App({
    outdir: folder,
    // The validator has its own test; here it would only cost time.
    builtinCloudFormationValidation: false,
    context: { ...settings.context, 'aws:cdk:enable-asset-metadata': true, 'aws:cdk:enable-path-metadata': true },
  });
  const stack = new LettaBedrockStack(app, 'LettaBedrockStack', props);
  extend(stack);
  const assembly = app.synth();
  const assets = JSON.parse(readFileSync(path.join(folder, `${stack.stackName}.assets.json`), 'utf8')) as {
    dockerImages?: Record<string, { source: { directory: string } }>;
  };
  const images = Object.entries(assets.dockerImages ?? {});
  return {
    template: assembly.getStackByName(stack.stackName).template as TemplateDocument,
    folder,
    imageFolders: Object.fromEntries(images.map(([tag, { source }]) => [tag, path.join(folder, source.directory)])),
  };
}
