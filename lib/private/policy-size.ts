/** Most characters of an endpoint's policy. Source: "Control access to VPC endpoints using endpoint policies", AWS PrivateLink Guide. */
export const ENDPOINT_POLICY_LIMIT = 20_480;

/** About as long as an ARN that is known only at deployment. */
const UNKNOWN = 100;

/** Characters of a resolved policy, about: what only a deployment knows is estimated. */
export function policySize(policy: unknown): number {
  return JSON.stringify(policy, (_key, value: unknown) => (isIntrinsic(value) ? textOf(value) : value)).length;
}

function isIntrinsic(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isIntrinsic(value)) return 'x'.repeat(UNKNOWN);
  const { 'Fn::Join': join, Ref: ref } = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  if (join) return join[1].map(textOf).join(join[0]);
  // Partition, region and account have at most 16 characters.
  return 'x'.repeat(ref?.startsWith('AWS::') ? 16 : UNKNOWN);
}
