/** From where AWS says where the profile's calls may go. Any other region of the geography may be routed otherwise. */
interface ProfileRoutes {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
}

/**
 * Where a profile routes from a source region, as far as AWS's own words could be read; for all others the whole geography
 * counts. It serves to judge which regions an organization must allow. Roles stay allowed in the whole geography, through
 * the profile only: a destination that AWS adds then refuses nobody.
 *
 * Source: "Supported Regions and models for inference profiles", Amazon Bedrock User Guide (as it is quoted in public, the
 * page itself was not at hand), for both profiles from us-east-1;
 * "Unlock global AI inference scalability using new global cross-Region inference on Amazon Bedrock with Anthropic's Claude
 * Sonnet 4.5", AWS Machine Learning Blog (2025-10): an organization must allow these three for Sonnet 4.5. State: 2026-02.
 */
const ROUTES: { readonly [profile: string]: ProfileRoutes } = {
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0': {
    sources: ['us-east-1'],
    destinations: ['us-east-1', 'us-east-2', 'us-west-2'],
  },
  'us.anthropic.claude-haiku-4-5-20251001-v1:0': {
    sources: ['us-east-1'],
    destinations: ['us-east-1', 'us-east-2', 'us-west-2'],
  },
};

/** Regions that a call of a profile may run in, from a source region; none if it is not known more narrowly than its geography. */
export function knownDestinations(profile: string, source: string): readonly string[] | undefined {
  if (!Object.hasOwn(ROUTES, profile)) return undefined;
  const { sources, destinations } = ROUTES[profile];
  return sources.includes(source) ? destinations : undefined;
}
