/**
 * Actions that AWS cannot restrict to a resource: a policy must name `*`. Everything else this library grants is exact.
 * Source: "Actions, resources, and condition keys", Service Authorization Reference.
 */
export const UNSCOPABLE_ACTIONS = {
  /** Lists the profiles of the account; has no resource type. */
  LIST_INFERENCE_PROFILES: 'bedrock:ListInferenceProfiles',
  /** Logs in to the account's ECR; has no resource type. */
  GET_AUTHORIZATION_TOKEN: 'ecr:GetAuthorizationToken',
  /** Finds the S3 prefix list of a region; has no resource type. */
  DESCRIBE_MANAGED_PREFIX_LISTS: 'ec2:DescribeManagedPrefixLists',
  /**
   * Network interfaces of a function in a VPC. Lambda requires them on any interface when it makes the function
   * ("Giving Lambda functions access to resources in an Amazon VPC", Lambda Developer Guide).
   */
  LAMBDA_NETWORK_INTERFACES: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
} as const;
