import { Resource } from '../synthesized';

/** Hours in a month, as AWS counts them in its own estimates. */
export const HOURS = 730;

/** Something that a resource is billed for. */
export interface CostLine {
  /** In words, e.g. `2 × 1 vCPU, x86`. */
  readonly what: string;
  /** Name in the price table, e.g. `fargate/x86/vcpu-hour`. Its end is the unit. */
  readonly price: string;
  /** Units a month. Left out for what depends on use. */
  readonly quantity?: number;
  /** Units a month at most, for what grows by itself. */
  readonly most?: number;
}

/** What AWS charges for, but the template or this command does not say how much. */
export interface UnknownLine {
  readonly what: string;
  readonly unknown: string;
}

/** Lines of one resource; of others it may look at what they tell of it. */
export type Pricer = (
  properties: Record<string, unknown>,
  resources: Record<string, Resource>,
  logicalId: string,
) => (CostLine | UnknownLine)[];

/** A number that the template gives, as number or text; not there if CloudFormation works it out. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** The logical id that `{ Ref }` or `Fn::GetAtt` names. */
export function referenceOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: string[] };
  return Ref ?? attribute?.[0];
}

/** Length of a list that the template gives. */
export function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** Whether any word in the value names the logical id: within `Fn::Join` and the like, too. */
export function mentions(value: unknown, logicalId: string): boolean {
  return JSON.stringify(value ?? null).includes(`"${logicalId}"`);
}
