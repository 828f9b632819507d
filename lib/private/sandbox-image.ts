import { FileSystem } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as fs from 'fs';
import * as path from 'path';
import { ToolSandboxFunctionOptions } from '../tool-sandbox-function-options';
import { IMAGES, validateBaseImage } from './container-image';

/** Files of `packages` that the image installs from. */
const PACKAGE_FILES = ['requirements.txt', 'package.json'];

type ImageOptions = Pick<ToolSandboxFunctionOptions, 'code' | 'packages' | 'baseImage' | 'nodeBaseImage'>;

/** The image of the sandbox function. @throws for a folder without packages, or what cannot be together */
export function sandboxCode(
  where: string,
  architecture: lambda.Architecture,
  options: ImageOptions,
): lambda.DockerImageCode {
  const { code, packages, baseImage, nodeBaseImage } = options;
  if (code) {
    for (const prop of ['packages', 'baseImage', 'nodeBaseImage'] as const) {
      if (options[prop] === undefined) continue;
      throw new Error(
        `${where}: code and ${prop} are both given, wanted one of them: an image that is not built here has its packages and ` +
          `its base already; leave ${prop} out`,
      );
    }
    return code;
  }
  validateBaseImage(where, 'baseImage', baseImage);
  validateBaseImage(where, 'nodeBaseImage', nodeBaseImage);
  if (packages !== undefined) requirePackages(where, packages);
  return lambda.DockerImageCode.fromImageAsset(path.join(IMAGES, 'sandbox'), {
    platform: architecture.name === lambda.Architecture.ARM_64.name ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
    buildArgs: {
      ...(baseImage !== undefined && { BASE: baseImage }),
      ...(nodeBaseImage !== undefined && { NODE_BASE: nodeBaseImage }),
    },
    ...(packages !== undefined && {
      // Takes the place of the Dockerfile's empty stage of that name.
      buildContexts: { packages: path.resolve(packages) },
      // The CDK hashes the folder's name only, which differs between machines while its content may not.
      invalidation: { buildContexts: false },
      extraHash: FileSystem.fingerprint(packages),
    }),
  });
}

function requirePackages(where: string, packages: string): void {
  const isFile = (file: string): boolean =>
    fs.statSync(path.join(packages, file), { throwIfNoEntry: false })?.isFile() ?? false;
  const found = PACKAGE_FILES.filter(isFile);
  if (found.length === 0) {
    throw new Error(
      `${where}: packages is '${packages}', wanted a folder with a ${PACKAGE_FILES.join(' or a ')} (it stands for ${path.resolve(packages)}): change packages`,
    );
  }
  if (found.includes('package.json') && !isFile('package-lock.json')) {
    throw new Error(
      `${where}: packages is '${packages}', which has a package.json and no package-lock.json, wanted both, so that each build ` +
        'installs the same: run npm install --package-lock-only there',
    );
  }
}
