import { Token } from 'aws-cdk-lib';
import { IToolSandbox } from '../tool-sandbox';
import { ToolSandboxFunctionProps } from '../tool-sandbox-function';
import { has, shown } from './kinds';

type Kinds<Props> = { readonly [prop in keyof Props]?: readonly [isKind: (value: unknown) => boolean, wanted: string] };

const FUNCTION_KINDS: Kinds<ToolSandboxFunctionProps> = {
  vpc: [(value) => has(value, 'selectSubnets'), 'a VPC: give for example new SealedNetwork(…).vpc'],
  vpcSubnets: [
    isObject,
    'a selection of subnets: give for example { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }, or leave it out',
  ],
  securityGroup: [
    (value) => has(value, 'addEgressRule'),
    'a security group: give for example ec2.SecurityGroup.fromSecurityGroupId(…), or leave it out',
  ],
  role: [
    (value) => has(value, 'addToPrincipalPolicy'),
    'a role: give for example iam.Role.fromRoleArn(…), or leave it out',
  ],
  encryptionKey: [
    (value) => has(value, 'grantEncryptDecrypt'),
    'a key: give for example kms.Key.fromKeyArn(…), or leave it out',
  ],
  code: [
    (value) => has(value, '_bind'),
    'an image: give for example lambda.DockerImageCode.fromEcr(…), or leave it out',
  ],
  architecture: [
    (value) => isObject(value) && 'dockerPlatform' in value,
    'lambda.Architecture.X86_64 or lambda.Architecture.ARM_64: change architecture',
  ],
  packages: [
    (value) => typeof value === 'string' && value !== '',
    "the path of a folder: give for example 'tools/packages', or leave it out",
  ],
  baseImage: [isText, "the name of an image: give for example 'python:3.12-slim-bookworm', or leave it out"],
  nodeBaseImage: [isText, "the name of an image: give for example 'node:24-bookworm-slim', or leave it out"],
  allowedFunctions: [isList, 'a list of functions: give [fn], or leave it out'],
  allowedEndpoints: [isList, "a list: give for example ['api.example.com:443'], or leave it out"],
};

/** @throws for a prop of another kind, which JavaScript lets through and which would fail far from here */
export function validateFunctionKinds(path: string, props: ToolSandboxFunctionProps): void {
  requireOptions(`${path}: the properties`, props);
  for (const [prop, [isKind, wanted]] of Object.entries(FUNCTION_KINDS)) {
    const value: unknown = props[prop as keyof ToolSandboxFunctionProps];
    if ((value === undefined && prop !== 'vpc') || isKind(value)) continue;
    throw new Error(`${path}: ${prop} is ${shown(value)}, wanted ${wanted}`);
  }
}

/** @throws for options that are none */
export function requireOptions(where: string, options: unknown): void {
  if (isObject(options)) return;
  throw new Error(
    `${where}: got ${shown(options)}, wanted an object of options such as { maxRunsPerAgent: 2 }: change it`,
  );
}

/** @throws for what is no function */
export function requireFunction(path: string, fn: unknown): void {
  if (isObject(fn) && 'functionArn' in fn && 'node' in fn) return;
  throw new Error(
    `${path}: allowFunction got ${shown(fn)}, wanted a function: give the construct, or import it by ` +
      'lambda.Function.fromFunctionArn(…)',
  );
}

/** @throws for what is no sandbox that stands already */
export function requireSandbox(sandbox: IToolSandbox): void {
  if (has(sandbox, 'grantRun') && '_settings' in sandbox) return;
  const instead = has(sandbox, '_bind') ? 'give it as customTools itself' : 'give new ToolSandboxFunction(…)';
  throw new Error(
    `ToolSandbox.fromSandbox got ${shown(sandbox)}, wanted a ToolSandboxFunction or a ToolSandboxCodeInterpreter: ${instead}`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && !Token.isUnresolved(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
