import { App, CfnResource, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NagPack, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { IConstruct } from 'constructs';

/** The packs, as plugins of an app. */
export const PACKS = [AwsSolutionsChecks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks];

/** What the ids of their findings begin with. */
export const PACK_NAMES = PACKS.map((Pack) => new Pack().readPackName);

/** What a rule of a pack says about a resource. */
export interface Finding {
  /** E.g. `HIPAA.Security-LambdaDLQ`. */
  readonly id: string;
  /** Construct path of the resource. */
  readonly path: string;
}

/** A finding that a construct answers. */
export interface Acknowledgement extends Finding {
  /** The construct that answers: the resource's own or one around it. */
  readonly at: string;
  readonly reason: string;
}

/** All that cdk-nag's packs have to say about an app: what is acknowledged, and what is not. */
export function ruleFindings(app: App): { readonly open: Finding[]; readonly acknowledged: Acknowledgement[] } {
  const open: Finding[] = [];
  const acknowledged: Acknowledgement[] = [];
  for (const Pack of PACKS) {
    for (const { id, resource } of everything(new Pack(app), app)) {
      const finding = { id, path: resource.node.path };
      const answer = answerOf(resource, id);
      if (answer) acknowledged.push({ ...finding, ...answer });
      else open.push(finding);
    }
  }
  return { open, acknowledged };
}

/** A pack's findings with those that are acknowledged among them, which it keeps to itself. */
function everything(pack: NagPack, app: App): { id: string; resource: CfnResource }[] {
  const found: { id: string; resource: CfnResource }[] = [];
  const isAcknowledged = (resource: CfnResource, id: string): boolean => {
    found.push({ id, resource });
    return true;
  };
  // Private to TypeScript only.
  Object.assign<object, object>(pack, { isAcknowledged });
  const { violations } = pack.validateScope(app);
  if (violations.length > 0 || found.length === 0) throw new Error('cdk-nag no longer asks what is acknowledged');
  return found;
}

/** The acknowledgements that stand at a construct: reasons by id. */
export function acknowledgementsAt(construct: IConstruct): Record<string, string> {
  const entries = construct.node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY);
  const written: Record<string, string> = Object.assign({}, ...entries.map(({ data }) => data));
  return Object.fromEntries(Object.entries(written).map(([id, reason]) => [id.replace(/^Annotation::/, ''), reason]));
}

function answerOf(resource: CfnResource, id: string): { at: string; reason: string } | undefined {
  for (const scope of [...resource.node.scopes].reverse()) {
    const reason = acknowledgementsAt(scope)[id];
    if (reason !== undefined) return { at: scope.node.path, reason };
  }
  return undefined;
}
