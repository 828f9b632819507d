import { Annotations, Token } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { IConstruct } from 'constructs';
import * as path from 'path';

const IMAGES = path.join(__dirname, '..', 'runtime', 'images');

/**
 * Where the image of the Letta server comes from.
 *
 * Upstream has retired the server, so an image is only ever built or pinned: nothing here follows a moving tag.
 */
export abstract class LettaImage {
  /**
   * Builds the image from the PyPI package with hash-locked dependencies: slim, unprivileged, and rebuilt by whoever
   * deploys it when one of its dependencies has to be patched.
   */
  public static fromPackage(): LettaImage {
    return new BuiltImage('letta');
  }

  /**
   * Wraps the last image upstream published (`letta/letta:0.16.8`, by digest) so that it runs unprivileged and comes
   * from the account's own registry, which a network without internet access can reach.
   *
   * Only for x86_64 tasks. Its dependencies stay as they were when it was published.
   */
  public static fromDockerHub(): LettaImage {
    return new BuiltImage('letta-dockerhub', ecs.CpuArchitecture.X86_64);
  }

  /**
   * An image of your own, laid out like the one `fromPackage()` builds. Leave the package `trafilatura` out of it, as
   * ours do: Letta's tool `fetch_webpage` would reach Letta's own port with it, behind the gateway's route rules.
   *
   * @param tagOrDigest a digest (`sha256:…`); a tag gives a warning, because what it names can change under a deployment
   */
  public static fromEcr(repository: ecr.IRepository, tagOrDigest: string): LettaImage {
    return new RepositoryImage(repository, tagOrDigest);
  }

  /**
   * The image for a task of an architecture.
   *
   * @internal
   */
  public abstract _containerImage(scope: IConstruct, architecture: ecs.CpuArchitecture): ecs.ContainerImage;
}

class BuiltImage extends LettaImage {
  public constructor(
    private readonly folder: string,
    private readonly only?: ecs.CpuArchitecture,
  ) {
    super();
  }

  public _containerImage(scope: IConstruct, architecture: ecs.CpuArchitecture): ecs.ContainerImage {
    if (this.only && this.only !== architecture) {
      throw new Error(
        `${scope.node.path}: the image upstream published is pinned for x86_64, got cpuArchitecture ARM64: use ` +
          'LettaImage.fromPackage(), or leave cpuArchitecture out',
      );
    }
    return imageFromFolder(this.folder, architecture);
  }
}

class RepositoryImage extends LettaImage {
  public constructor(
    private readonly repository: ecr.IRepository,
    private readonly tagOrDigest: string,
  ) {
    super();
  }

  public _containerImage(): ecs.ContainerImage {
    return ecs.ContainerImage.fromEcrRepository(this.repository, this.tagOrDigest);
  }
}

/**
 * An image built from a folder of the package. The platform is always said: without it a build machine's own
 * architecture decides what runs.
 *
 * @internal
 */
export function imageFromFolder(folder: string, architecture: ecs.CpuArchitecture): ecs.ContainerImage {
  const platform = architecture === ecs.CpuArchitecture.ARM64 ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64;
  return ecs.ContainerImage.fromAsset(path.join(IMAGES, folder), { platform });
}

/**
 * Warns about an image whose content can change without a change of the template.
 *
 * @internal
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
