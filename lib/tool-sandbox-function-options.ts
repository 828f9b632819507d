import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';

/** What can be chosen about the function that runs callers' tools. */
export interface ToolSandboxFunctionOptions {
  /**
   * Memory of one execution environment in MiB, 512 to 10,240. A tool may use it but for what the runtime holds; processors
   * come with it, one at 1,769 MiB.
   *
   * @default 1024
   */
  readonly memorySize?: number;

  /**
   * How long one run of a tool may take, 1 to 270 s, known at synth.
   *
   * @default Duration.minutes(3)
   */
  readonly timeout?: Duration;

  /**
   * Most runs of one agent at once in each task, 1 to 1,000; one more is refused with an error that the agent reads.
   *
   * @default 4
   */
  readonly maxRunsPerAgent?: number;

  /**
   * Concurrent executions of Lambda that are kept for tools, at least 1, and the most that they get: without it they share
   * the account's with everything else there.
   *
   * @default - none is reserved: new accounts have nothing to reserve
   */
  readonly reservedConcurrentExecutions?: number;

  /**
   * Folder with a `requirements.txt` for Python, or a `package.json` with its `package-lock.json` for TypeScript, or both:
   * packages that tools may import, besides those that are there (docs/tools.md). They are installed when the image is built.
   * Not together with `code`.
   *
   * @default - no others
   */
  readonly packages?: string;

  /**
   * An image of your own, made from ours (docs/tools.md), e.g. `lambda.DockerImageCode.fromEcr(repository, { tagOrDigest })`.
   *
   * @default - built from this package
   */
  readonly code?: lambda.DockerImageCode;

  /**
   * Image of Debian 12 with Python 3.12 to build on, e.g. one that your registry mirrors, or one that a digest holds still. Not
   * together with `code`.
   *
   * @default - `python:3.12-slim-bookworm`, as it is when the image is built
   */
  readonly baseImage?: string;

  /**
   * Image that Node.js 24 is taken from. Not together with `code`.
   *
   * @default - `node:24-bookworm-slim`, as it is when the image is built
   */
  readonly nodeBaseImage?: string;

  /**
   * Processor of the function and of its image.
   *
   * @default - that of the service; X86_64 without one
   */
  readonly architecture?: lambda.Architecture;

  /**
   * Subnets of the function. Public ones are an error.
   *
   * @default - those of the service; without one the VPC's isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security group of the function. What it lets out, tools can reach: one that lets everything out is an error, and an
   * imported one must be given with `allowAllOutbound: false`.
   *
   * @default - a new one that lets nothing in or out
   */
  readonly securityGroup?: ec2.ISecurityGroup;

  /**
   * Role of the function. What Lambda needs is added to it, and a denial of everything else to the function's code. A role that
   * allows more, or that Lambda is not trusted by, is an error at synth; of an imported one that cannot be told, which gives a
   * warning.
   *
   * @default - a new one
   */
  readonly role?: iam.IRole;

  /**
   * Functions that tools may invoke, these and no others: see `ToolSandboxFunction.allowFunction`. Gives a warning.
   *
   * @default - none
   */
  readonly allowedFunctions?: lambda.IFunction[];

  /**
   * What tools may reach outside, as `host:port`: see `ToolSandboxFunction.allowEndpoint`. Gives a warning.
   *
   * @default - nothing
   */
  readonly allowedEndpoints?: string[];

  /**
   * How long the function's logs are kept. They hold neither code nor arguments nor what tools print.
   *
   * @default - as the service's; three months without one
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * What happens to the logs when they leave the stack.
   *
   * @default - as the service's; `RemovalPolicy.RETAIN` without one
   */
  readonly logRemovalPolicy?: RemovalPolicy;

  /**
   * Key of the logs.
   *
   * @default - the service's; without one the key of CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;
}
