/**
 * US dollars that runs of tools cost in us-east-1; other regions differ. Free tiers are left out. What Lambda charges for
 * each execution environment that it makes for a tenant is not in it: its pricing page has that figure, by memory.
 * Source: "AWS Lambda pricing", aws.amazon.com/lambda/pricing, and "Amazon Bedrock AgentCore pricing",
 * aws.amazon.com/bedrock/agentcore/pricing, tables of November 2026.
 */
const REQUEST = 0.2 / 1_000_000;
/** For a GB and second of the first tier. */
const LAMBDA_GB_SECOND = { x86: 0.0000166667, arm: 0.0000133334 };
const INTERPRETER_VCPU_HOUR = 0.0895;
const INTERPRETER_GB_HOUR = 0.00945;

export type Architecture = keyof typeof LAMBDA_GB_SECOND;

/** For runs of a function that takes so many seconds each. */
export function functionPrice(runs: number, memoryMb: number, seconds: number, architecture: Architecture): number {
  // Billed by the millisecond, rounded up.
  const billed = Math.ceil(seconds * 1000) / 1000;
  return runs * (REQUEST + (memoryMb / 1024) * billed * LAMBDA_GB_SECOND[architecture]);
}

/** For so many seconds of a session in which the processor is busy. Its idle time costs memory alone. */
export function interpreterPrice(seconds: { readonly busy: number; readonly idle: number }, gb: number): number {
  const { busy, idle } = seconds;
  return (busy * INTERPRETER_VCPU_HOUR + (busy + idle) * gb * INTERPRETER_GB_HOUR) / 3600;
}
