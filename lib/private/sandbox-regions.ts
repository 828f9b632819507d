import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/**
 * Regions where Lambda has no tenant isolation mode; it has all others.
 *
 * Source: "Tenant isolation", Supported AWS Regions, Lambda Developer Guide; "AWS Lambda announces tenant isolation mode", What's
 * New with AWS. State: 2026-11.
 */
const WITHOUT_TENANT_ISOLATION: readonly string[] = [
  'ap-southeast-6',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-east-1',
  'us-gov-west-1',
];

/**
 * Regions with the built-in tools of Amazon Bedrock AgentCore.
 *
 * Source: "Supported AWS Regions", Amazon Bedrock AgentCore Developer Guide. State: 2026-11.
 */
const WITH_CODE_INTERPRETER: readonly string[] = [
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-5',
  'ap-southeast-7',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-gov-west-1',
  'us-west-1',
  'us-west-2',
];

/** A warning and no error, because AWS adds regions and refuses by itself what it has not. Tokens pass. */
export function warnOfRegionWithoutTenantIsolation(scope: Construct): void {
  warn(
    scope,
    'ToolSandboxFunction',
    (region) => !WITHOUT_TENANT_ISOLATION.includes(region),
    'Lambda had no tenant isolation mode there in November 2026, and makes no function that asks for it',
  );
}

/** A warning and no error, because AWS adds regions and refuses by itself what it has not. Tokens pass. */
export function warnOfRegionWithoutCodeInterpreter(scope: Construct): void {
  warn(
    scope,
    'ToolSandboxCodeInterpreter',
    (region) => WITH_CODE_INTERPRETER.includes(region),
    'Amazon Bedrock AgentCore had no code interpreter there in November 2026',
  );
}

function warn(scope: Construct, kind: string, has: (region: string) => boolean, why: string): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region) || has(region)) return;
  Annotations.of(scope).addWarningV2(
    `cdk-letta:${kind}.region`,
    `${scope.node.path} is of region '${region}': ${why}; take another region, or acknowledge this if AWS has added it`,
  );
}
