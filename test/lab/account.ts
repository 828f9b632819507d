/** The AWS account and region that the lab plays. */
export const Account = {
  ID: '111122223333',
  REGION: 'us-east-1',
  PARTITION: 'aws',
  URL_SUFFIX: 'amazonaws.com',
} as const;

/** ARN of something in that account; roles and other global things have an empty region. */
export function arn(service: string, resource: string, region: string = Account.REGION): string {
  return `arn:${Account.PARTITION}:${service}:${region}:${Account.ID}:${resource}`;
}
