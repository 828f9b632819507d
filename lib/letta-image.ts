import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { IConstruct } from 'constructs';
import { imageFromFolder, validateBaseImage } from './private/container-image';

/** What can be chosen about the image that is built from the package. */
export interface PackagedImageOptions {
  /**
   * Image of Debian with Python 3.11 to build on, e.g. one that your registry mirrors, or one that a digest holds still:
   * `python:3.11-slim-bookworm@sha256:…`. `docker buildx imagetools inspect python:3.11-slim-bookworm` prints the digest, which
   * is for every architecture. Held still it takes no fixes of Debian's until you give a newer one.
   *
   * @default - `python:3.11-slim-bookworm`, as it is when the image is built
   */
  readonly baseImage?: string;
}

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
  public static fromPackage(options: PackagedImageOptions = {}): LettaImage {
    return new BuiltImage('letta', { baseImage: options.baseImage });
  }

  /**
   * Wraps the last image upstream published (`letta/letta:0.16.8`, by digest) so that it runs unprivileged and comes
   * from the account's own registry, which a network without internet access can reach.
   *
   * Only for x86_64 tasks. Its dependencies stay as they were when it was published.
   */
  public static fromDockerHub(): LettaImage {
    return new BuiltImage('letta-dockerhub', { only: ecs.CpuArchitecture.X86_64 });
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
   * Whether it is built from this package, with what this package takes out of Letta.
   *
   * @internal
   */
  public abstract readonly _isBuiltHere: boolean;

  /**
   * The image for a task of an architecture.
   *
   * @internal
   */
  public abstract _containerImage(scope: IConstruct, architecture: ecs.CpuArchitecture): ecs.ContainerImage;
}

class BuiltImage extends LettaImage {
  public readonly _isBuiltHere = true;

  public constructor(
    private readonly folder: string,
    private readonly options: { readonly only?: ecs.CpuArchitecture; readonly baseImage?: string },
  ) {
    super();
  }

  public _containerImage(scope: IConstruct, architecture: ecs.CpuArchitecture): ecs.ContainerImage {
    const { only, baseImage } = this.options;
    validateBaseImage(scope.node.path, 'baseImage', baseImage);
    if (only && only !== architecture) {
      throw new Error(
        `${scope.node.path}: the image upstream published is pinned for x86_64, got cpuArchitecture ARM64: use ` +
          'LettaImage.fromPackage(), or leave cpuArchitecture out',
      );
    }
    return imageFromFolder(this.folder, architecture, baseImage);
  }
}

class RepositoryImage extends LettaImage {
  public readonly _isBuiltHere = false;

  public constructor(
    private readonly repository: ecr.IRepository,
    private readonly tagOrDigest: string,
  ) {
    super();
  }

  public _containerImage(scope: IConstruct): ecs.ContainerImage {
    if (this.tagOrDigest.startsWith('sha256:') && !/^sha256:[0-9a-f]{64}$/.test(this.tagOrDigest)) {
      throw new Error(
        `${scope.node.path}: the image's digest is '${this.tagOrDigest}', wanted 'sha256:' and 64 hexadecimal digits: give ` +
          'LettaImage.fromEcr() the whole digest',
      );
    }
    return ecs.ContainerImage.fromEcrRepository(this.repository, this.tagOrDigest);
  }
}
