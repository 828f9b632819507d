import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';

/** What of a template is looked at here. */
export interface GoldenTemplate {
  readonly Resources: Record<string, GoldenResource>;
}

interface GoldenResource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties?: Record<string, unknown>;
}

/** Resources that are not retained, and that an update must not make anew all the same: whoever uses them knows them. */
const KNOWN_BY_OTHERS = [
  // Runs in progress.
  'AWS::ElastiCache::ReplicationGroup',
  // Its name is the address that clients connect to.
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  // The API password.
  'AWS::SecretsManager::Secret',
  'AWS::Bedrock::Guardrail',
];

const IMPACTS: Partial<Record<ResourceImpact, string>> = {
  [ResourceImpact.WILL_REPLACE]: 'is replaced',
  [ResourceImpact.MAY_REPLACE]: 'may be replaced',
  [ResourceImpact.WILL_DESTROY]: 'is deleted',
  [ResourceImpact.WILL_ORPHAN]: 'leaves the stack',
};

/** A change that a stack must not meet on its way from one template to another. */
export interface StatefulChange {
  readonly logicalId: string;
  readonly type: string;
  readonly change: string;
}

/**
 * What an update would do to what is kept: data, and what data stands on. By CloudFormation's own rules of replacement, from a
 * property to all that refer to its resource.
 */
export function statefulChanges(before: GoldenTemplate, after: GoldenTemplate): StatefulChange[] {
  const { changes } = fullDiff({ ...before }, { ...after }).resources;
  return Object.entries(before.Resources)
    .filter(([, resource]) => isStateful(resource))
    .flatMap(([logicalId, resource]) => {
      const impact = changes[logicalId] && IMPACTS[changes[logicalId].changeImpact];
      const weaker = weakerPolicy(resource, after.Resources[logicalId]);
      return [impact, weaker]
        .filter((change) => change !== undefined)
        .map((change) => ({ logicalId, type: resource.Type, change }));
    });
}

function isStateful({ Type, DeletionPolicy = 'Delete' }: GoldenResource): boolean {
  if (Type.startsWith('Custom::')) return false;
  return DeletionPolicy !== 'Delete' || KNOWN_BY_OTHERS.includes(Type);
}

function weakerPolicy(before: GoldenResource, after: GoldenResource | undefined): string | undefined {
  if (!after) return undefined;
  for (const policy of ['DeletionPolicy', 'UpdateReplacePolicy'] as const) {
    if (before[policy] === 'Retain' && after[policy] !== 'Retain') {
      return `is no longer kept: ${policy} was Retain and is ${after[policy] ?? 'not given'}`;
    }
  }
  return undefined;
}
