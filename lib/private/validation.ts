import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { IConstruct } from 'constructs';
import { shown } from './kinds';

/** Memory in MiB that Fargate offers by CPU units: from, to, step. Source: "Task definition parameters for Fargate". */
const FARGATE_SIZES: { readonly [cpu: number]: readonly [from: number, to: number, step: number] } = {
  256: [512, 2048, 512],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16384, 1024],
  4096: [8192, 30720, 1024],
  8192: [16384, 61440, 4096],
  16384: [32768, 122880, 8192],
};

/** What one Letta worker holds after start-up, measured with 0.16.8. */
const WORKER_MIB = 540;
/** Node and PgBouncer. */
const GATEWAY_MIB = 256;

/** A task size that Fargate has and that Letta's workers fit in. Tokens pass. */
export function validateTaskSize(path: string, cpu: number, memoryLimitMiB: number, workers: number): void {
  if (Token.isUnresolved(cpu) || Token.isUnresolved(memoryLimitMiB)) return;
  const size = FARGATE_SIZES[cpu];
  if (!size) {
    const wanted = Object.keys(FARGATE_SIZES).join(', ');
    throw new Error(`${path}: cpu is ${cpu}, wanted one of Fargate's sizes ${wanted}: change cpu`);
  }
  const [from, to, step] = size;
  const offered = memoryLimitMiB >= from && memoryLimitMiB <= to && (memoryLimitMiB - from) % step === 0;
  // The smallest size has 1536 MiB between two of its steps.
  if (!offered || (cpu === 256 && memoryLimitMiB === 1536)) {
    const wanted = cpu === 256 ? '512, 1024 or 2048' : `${from} to ${to} in steps of ${step}`;
    throw new Error(
      `${path}: memoryLimitMiB is ${memoryLimitMiB} with cpu ${cpu}, wanted what Fargate offers there, ${wanted}: ` +
        'change memoryLimitMiB or cpu',
    );
  }
  const needed = workers * WORKER_MIB + GATEWAY_MIB;
  if (!Token.isUnresolved(workers) && memoryLimitMiB < needed) {
    throw new Error(
      `${path}: memoryLimitMiB is ${memoryLimitMiB} for ${workers} uvicornWorkers, wanted at least ${needed} ` +
        `(${WORKER_MIB} for each worker and ${GATEWAY_MIB} for the gateway): raise memoryLimitMiB or use fewer workers`,
    );
  }
}

/** The tasks of a deployment: while it rolls, the old and the new ones run beside each other. */
export const MAX_HEALTHY_PERCENT = 200;

/** A value that decides the template: a token's stand-in would give nonsense without an error. */
export function validateKnown(path: string, prop: string, value: number | string, why: string): void {
  if (Token.isUnresolved(value)) {
    throw new Error(
      `${path}: ${prop} is known only at deployment, wanted a ${typeof value} at synth, because ${why}: change ${prop}`,
    );
  }
}

/** A whole number from a minimum, and up to a maximum if there is one. Tokens pass. */
export function validateWholeNumber(
  path: string,
  prop: string,
  value: number,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): void {
  if (Token.isUnresolved(value)) return;
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const wanted = maximum === Number.MAX_SAFE_INTEGER ? `${minimum}` : `${minimum} to ${maximum}`;
    throw new Error(`${path}: ${prop} is ${shown(value)}, wanted a whole number from ${wanted}: change ${prop}`);
  }
}

/** A duration between two bounds, in whole seconds. Tokens pass. */
export function validateSeconds(
  path: string,
  prop: string,
  value: Duration,
  from: number,
  to: number,
  why: string,
): void {
  if (value.isUnresolved()) return;
  const seconds = value.toSeconds({ integral: false });
  if (!Number.isInteger(seconds)) {
    throw new Error(
      `${path}: ${prop} is ${seconds} s, wanted whole seconds from ${from} to ${to}, because it is told as such: change ${prop}`,
    );
  }
  if (seconds < from || seconds > to) {
    throw new Error(`${path}: ${prop} is ${seconds} s, wanted ${from} to ${to} s, because ${why}: change ${prop}`);
  }
}

/** Clients that are somebody: in a network whose routes change, everybody is more than it was. Tokens pass. */
export function validatePeer(path: string, peer: ec2.IConnectable): void {
  const range = everybody(peer);
  if (!range) return;
  throw new Error(
    `${path}: allowFrom opens the API to everybody (${range}), wanted the networks that clients come from: give their ranges, ` +
      'e.g. ec2.Peer.ipv4("10.0.0.0/8"), or their security groups',
  );
}

/** The range of a peer that is all addresses, whatever stands before it: EC2 takes 10.0.0.0/0 for 0.0.0.0/0. */
export function everybody(peer: ec2.IConnectable): string | undefined {
  const range = 'uniqueId' in peer ? String(peer.uniqueId) : '';
  return /\/0+$/.test(range) ? range : undefined;
}

/** A region that is the stack's. Tokens pass. */
export function validateRegion(scope: IConstruct, prop: string, got: string, why: string): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(got) || Token.isUnresolved(region) || got === region) return;
  throw new Error(
    `${scope.node.path}: ${prop} is of region '${got}', wanted one of the stack's region '${region}', because ${why}: ` +
      `change ${prop}`,
  );
}

/** An account that is the stack's. Tokens pass. */
export function validateAccount(scope: IConstruct, prop: string, got: string, why: string): void {
  const { account } = Stack.of(scope);
  if (Token.isUnresolved(got) || Token.isUnresolved(account) || got === account) return;
  throw new Error(
    `${scope.node.path}: ${prop} is of account '${got}', wanted one of the stack's account '${account}', because ${why}: ` +
      `change ${prop}`,
  );
}

/** Origins as browsers send them. Tokens pass. */
export function validateCorsOrigins(path: string, origins: string[]): void {
  for (const origin of origins) {
    if (Token.isUnresolved(origin)) continue;
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || !/^https?:/.test(origin)) {
      throw new Error(
        `${path}: corsOrigins holds '${origin}', wanted an origin such as https://app.letta.com: give scheme and host ` +
          'without a path',
      );
    }
  }
}
