import { readFileSync } from 'node:fs';
import { appendFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { LettaBackup, LettaBedrockStack, LettaImage, LettaRetention } from '../../lib';
import { REPOSITORY } from '../lab/parts/cache';
import type { TemplateDocument } from '../lab/template';

export const ACCOUNT = '111122223333';
export const REGION = 'us-west-2';
export const STACK = 'Letta';

/** A cloud assembly with the stack, for `--app`. */
export interface Assembly {
  readonly folder: string;
  readonly template: TemplateDocument;
}

/**
 * Synthesizes the stack with one image of Letta. Images come from a registry: to build them takes Docker.
 *
 * @param authority PEM text of an authority that the functions shall trust for databases as well
 */
export async function synthesize(folder: string, digest: string, authority: string): Promise<Assembly> {
  const settings = JSON.parse(readFileSync(path.join(REPOSITORY, 'cdk.json'), 'utf8')) as { context: object };
  const app = new App({ outdir: folder, builtinCloudFormationValidation: false, context: { ...settings.context } });
  const imported = new Stack(new App({ autoSynth: false }));
  const repository = (name: string) => ecr.Repository.fromRepositoryName(imported, name, name);
  const certificate = `arn:aws:acm:${REGION}:${ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000`;
  const stack = new LettaBedrockStack(app, STACK, {
    env: { account: ACCOUNT, region: REGION },
    certificate: acm.Certificate.fromCertificateArn(imported, 'Certificate', certificate),
    image: LettaImage.fromEcr(repository('letta'), digest),
    gatewayImage: ecs.ContainerImage.fromEcrRepository(repository('gateway'), `sha256:${'0'.repeat(64)}`),
    guardrailFilters: {},
    customerManagedKey: true,
  });
  new LettaBackup(stack, 'Backup', { database: stack.ownDatabase!, encryptionKey: stack.encryptionKey });
  new LettaRetention(stack, 'Retention', {
    database: stack.ownDatabase!,
    service: stack.service,
    messages: Duration.days(90),
    encryptionKey: stack.encryptionKey,
  });
  const template = app.synth().getStackByName(STACK).template as TemplateDocument;
  for (const file of await readdir(folder, { recursive: true })) {
    if (path.basename(file) === 'rds.pem') await appendFile(path.join(folder, file), `\n${authority}`);
  }
  return { folder, template };
}
