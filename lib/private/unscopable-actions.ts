/**
 * Actions that AWS cannot restrict to a resource: a policy must name `*`. Everything else this library grants is exact.
 * Source: "Actions, resources, and condition keys", Service Authorization Reference.
 */
export const UNSCOPABLE_ACTIONS = {
  /** Lists the profiles of the account; has no resource type. */
  LIST_INFERENCE_PROFILES: 'bedrock:ListInferenceProfiles',
} as const;
