import { existsSync } from 'node:fs';
import path from 'node:path';
import { Account } from './account';
import type { KeyIssuer } from './credentials';
import { type EnvironmentAnswer, ExecutionEnvironment, RUNTIME_API } from './execution-environment';
import type { InvokedFunction } from './fake-aws/lambda';
import { copiedFiles, type Image, type Mount, readDockerfile } from './image';
import type { LogFile } from './logs';
import type { VpcNamespace } from './namespace';

/** A function of an image, as its resource describes it, and what Lambda gives it. */
export interface ImageFunctionOptions {
  readonly name: string;
  readonly functionArn: string;
  readonly role: string;
  /** The image's build context. */
  readonly context: string;
  readonly environment: Record<string, string>;
  readonly memorySize: number;
  readonly temporarySize: number;
  readonly timeoutSeconds: number;
  readonly perTenant: boolean;
  readonly reservedConcurrency?: number;
  readonly issuer: KeyIssuer;
  readonly vpc: VpcNamespace;
  readonly hosts: string;
  /** What it can reach now: tasks come and go. */
  readonly ways: () => readonly { readonly address: string; readonly port: number }[];
  /** Folder that stands for `/usr/local`. */
  readonly programs: string;
  /** PEM file of the lab's authority for AWS endpoints. */
  readonly awsCa: string;
  readonly folder: string;
  readonly logGroup: string;
  readonly log: (stream: string) => LogFile;
}

interface Place {
  readonly environment: ExecutionEnvironment;
  readonly tenantId?: string;
  readonly ways: string;
  busy: boolean;
  usedAt: number;
}

/** Environments that are kept without work; Lambda keeps more, and for minutes. */
const MOST_IDLE = 6;
/** The first process is Lambda's own, not the runtime: it hands on the credentials without having them in its environment. */
const INIT = 'while IFS= read -r variable; do export "$variable"; done; "$@" & wait $!';
/** Lambda has one user for all, each in a machine of its own. Here the kernel counts a user's processes over all of them. */
const FIRST_USER = 20_000;
let users = 0;

/** A Lambda function that runs as its image says, in execution environments that stay for the next call of their tenant. */
export class ImageFunction implements InvokedFunction {
  private readonly image: Image;
  private places: Place[] = [];
  private made = 0;

  constructor(private readonly options: ImageFunctionOptions) {
    this.image = { ...readDockerfile(path.join(options.context, 'Dockerfile')), mounts: mounts(options) };
  }

  get perTenant(): boolean {
    return this.options.perTenant;
  }

  get reservedConcurrency(): number | undefined {
    return this.options.reservedConcurrency;
  }

  /** How many execution environments there are, and have been. */
  get environments(): { readonly live: number; readonly made: number } {
    return { live: this.places.length, made: this.made };
  }

  async invoke(event: Buffer, tenantId?: string): Promise<EnvironmentAnswer> {
    const place = this.idle(tenantId) ?? (await this.newPlace(tenantId));
    place.busy = true;
    try {
      const timeout = this.options.timeoutSeconds * 1000;
      return await place.environment.invoke(event, { functionArn: this.options.functionArn, timeout, tenantId });
    } finally {
      place.busy = false;
      place.usedAt = Date.now();
      await this.tidy();
    }
  }

  async stop(): Promise<void> {
    const places = this.places.splice(0);
    await Promise.all(places.map(({ environment }) => environment.stop()));
  }

  private idle(tenantId: string | undefined): Place | undefined {
    const ways = JSON.stringify(this.options.ways());
    return this.places.find(
      (place) => !place.busy && !place.environment.hasEnded && place.tenantId === tenantId && place.ways === ways,
    );
  }

  private async newPlace(tenantId: string | undefined): Promise<Place> {
    const ways = this.options.ways();
    const environment = await this.start(ways);
    const place = { environment, tenantId, ways: JSON.stringify(ways), busy: true, usedAt: Date.now() };
    this.places.push(place);
    return place;
  }

  /** Removes what has ended, and those that have waited longest for work. */
  private async tidy(): Promise<void> {
    const idle = this.places.filter(({ busy }) => !busy).sort((one, other) => other.usedAt - one.usedAt);
    const gone = [...idle.filter(({ environment }) => environment.hasEnded), ...idle.slice(MOST_IDLE)];
    this.places = this.places.filter((place) => !gone.includes(place));
    await Promise.all(gone.map(({ environment }) => environment.stop()));
  }

  private start(ways: ReturnType<ImageFunctionOptions['ways']>): Promise<ExecutionEnvironment> {
    const { options, image } = this;
    const number = ++this.made;
    const user = `${FIRST_USER + ++users}:990`;
    const stream = `function-${number}`;
    const keys = options.issuer.issue(options.role, { sourceFunction: options.functionArn });
    const environment: Record<string, string> = {
      ...image.environment,
      TZ: ':UTC',
      _HANDLER: image.command[0] ?? '',
      LAMBDA_TASK_ROOT: '/var/task',
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      AWS_REGION: Account.REGION,
      AWS_DEFAULT_REGION: Account.REGION,
      AWS_EXECUTION_ENV: 'AWS_Lambda_Image',
      AWS_LAMBDA_FUNCTION_NAME: options.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(options.memorySize),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: options.logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: stream,
      AWS_LAMBDA_RUNTIME_API: `${RUNTIME_API.address}:${RUNTIME_API.port}`,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken,
      ...options.environment,
    };
    return ExecutionEnvironment.start({
      vpc: options.vpc,
      name: `${options.name}-${number}`,
      folder: options.folder,
      memorySize: options.memorySize,
      ways,
      container: {
        command: ['/bin/sh', '-c', INIT, 'init', ...image.entryPoint, ...image.command],
        environment: { PATH: image.environment.PATH },
        input: Object.entries(environment)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
        user,
        workingDirectory: image.workingDirectory,
        mounts: image.mounts,
        volumes: [{ path: '/tmp', owner: user, size: options.temporarySize }],
        hosts: options.hosts,
        log: options.log(stream),
      },
    });
  }
}

/** The image's programs and files; what trusts AWS there trusts the lab's authority. */
function mounts({ context, programs, awsCa }: ImageFunctionOptions): Mount[] {
  const packages = 'lib/python3.11/site-packages';
  const trusting = ['botocore/cacert.pem', 'certifi/cacert.pem'].map((file) => `${packages}/${file}`);
  return [
    { source: programs, target: '/usr/local' },
    ...trusting
      .filter((file) => existsSync(path.join(programs, file)))
      .map((file) => ({ source: awsCa, target: `/usr/local/${file}` })),
    ...copiedFiles(context),
  ];
}
