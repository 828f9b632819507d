import type { PolicyDocument } from './deployment';

const document = (Action: string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});

/** AWS's own policies that a role of ours may carry. Source: AWS Managed Policy Reference Guide. */
export const MANAGED_POLICIES: Record<string, PolicyDocument> = {
  'service-role/AWSLambdaBasicExecutionRole': document([
    'logs:CreateLogGroup',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
  ]),
};

/** The document behind an ARN of AWS's; one that is not listed here is an error, so that nothing is guessed. */
export function managedPolicy(arn: string): PolicyDocument {
  const name = arn.split(':policy/')[1];
  const found = MANAGED_POLICIES[name];
  if (!found) throw new Error(`managed-policies.ts does not know ${arn}: add its document from AWS's reference guide`);
  return found;
}
