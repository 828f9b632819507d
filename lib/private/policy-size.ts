/** Most characters of an endpoint's policy. Source: "Control access to VPC endpoints using endpoint policies", AWS PrivateLink Guide. */
export const ENDPOINT_POLICY_LIMIT = 20_480;

/**
 * Most characters of all inline policies of a role together. Source: "IAM and AWS STS quotas", IAM User Guide, which does not
 * count white space.
 */
export const ROLE_POLICY_LIMIT = 10_240;

/** Characters of what only a deployment knows. */
export interface UnknownLengths {
  /** Partition, region or account. */
  readonly pseudoParameter: number;
  readonly arn: number;
  /** Id or name of a resource. */
  readonly ref: number;
  readonly other: number;
}

/** About as long as such values are, rather more than less. */
const ABOUT: UnknownLengths = { pseudoParameter: 16, arn: 100, ref: 100, other: 100 };
/** No such value is shorter: a guardrail's ARN has 63 characters, an older VPC's id 12. */
export const AT_LEAST: UnknownLengths = { pseudoParameter: 3, arn: 60, ref: 12, other: 1 };

/** Characters of a resolved policy, about: what only a deployment knows is estimated. */
export function policySize(policy: unknown, unknown = ABOUT): number {
  return JSON.stringify(policy, (_key, value: unknown) => (isIntrinsic(value) ? textOf(value, unknown) : value)).length;
}

function isIntrinsic(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

function textOf(value: unknown, unknown: UnknownLengths): string {
  if (typeof value === 'string') return value;
  return isIntrinsic(value) ? textOfIntrinsic(value, unknown) : 'x'.repeat(unknown.other);
}

function textOfIntrinsic(value: Record<string, unknown>, unknown: UnknownLengths): string {
  const { 'Fn::Join': join, 'Fn::GetAtt': attribute, Ref: ref } = value as Intrinsic;
  if (join) return join[1].map((part) => textOf(part, unknown)).join(join[0]);
  if (ref?.startsWith('AWS::')) return 'x'.repeat(unknown.pseudoParameter);
  if (ref) return 'x'.repeat(unknown.ref);
  return 'x'.repeat(attribute?.[1].endsWith('Arn') ? unknown.arn : unknown.other);
}

interface Intrinsic {
  readonly 'Fn::Join'?: [string, unknown[]];
  readonly 'Fn::GetAtt'?: [string, string];
  readonly Ref?: string;
}
