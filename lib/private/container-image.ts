import { Annotations, Token } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { IConstruct } from 'constructs';
import * as path from 'path';

/** Folders that images are built from, in a clone and in the published package. */
export const IMAGES = path.join(__dirname, '..', '..', 'runtime', 'images');
const REFERENCE = /^[a-z0-9][\w./:-]*(@sha256:[0-9a-f]{64})?$/;

/**
 * An image built from a folder of the package. The platform is always said: without it a build machine's own
 * architecture decides what runs.
 */
export function imageFromFolder(
  folder: string,
  architecture: ecs.CpuArchitecture,
  baseImage?: string,
): ecs.ContainerImage {
  const platform = architecture === ecs.CpuArchitecture.ARM64 ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;
  const buildArgs = baseImage === undefined ? undefined : { BASE: baseImage };
  return ecs.ContainerImage.fromAsset(path.join(IMAGES, folder), { platform, buildArgs });
}

/**
 * Warns about an image whose content can change without a change of the template.
 */
export function warnUnlessPinned(
  scope: IConstruct,
  image: ecs.ContainerImage,
  container: ecs.ContainerDefinition,
): void {
  const name = container.imageName;
  if (image instanceof ecs.AssetImage || name.includes('@sha256:')) return;
  const shown = Token.isUnresolved(name) ? 'an image without a digest that is known at synth' : `'${name}'`;
  Annotations.of(scope).addWarningV2(
    'cdk-letta:LettaService.imageNotPinned',
    `container '${container.containerName}' runs ${shown}, wanted an asset or a digest (sha256:…): what a tag names can ` +
      'change between two tasks of one deployment',
  );
}

/** The image that one of ours is built on. @throws for what Docker could not pull */
export function validateBaseImage(path: string, prop: string, image: string | undefined): void {
  if (image === undefined || REFERENCE.test(image)) return;
  throw new Error(
    `${path}: ${prop} is '${image}', wanted an image such as registry.example.com/python:3.11-slim-bookworm@sha256:… with a ` +
      `digest of 64 hexadecimal digits: change ${prop}`,
  );
}
