import { LettaParts } from './letta-parts';
import { RULES } from './rules';
import { StackTemplate, Templates } from './template';

/** Something that a template of an app must not do. */
export interface LettaFinding {
  /** Name of the rule, e.g. `open-egress`; an acknowledgement names it as `LettaChecks::open-egress`. */
  readonly id: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** Where in the resource, e.g. `Properties/Scheme`. */
  readonly location: string;
  /** What is wrong and why, and what was found. */
  readonly message: string;
  readonly fix: string;
}

/**
 * Judges the templates of an app, whatever made them. References are followed from stack to stack, so an app's stacks
 * belong into one call.
 */
export function judgeTemplates(stacks: StackTemplate[]): LettaFinding[] {
  const parts = new LettaParts(new Templates(stacks));
  return RULES.flatMap(({ id, reason, fix, judge }) =>
    judge(parts).map(({ resource, location, found }) => ({
      id,
      stackName: resource.stackName,
      logicalId: resource.logicalId,
      location,
      message: `${reason}: ${found}`,
      fix,
    })),
  );
}
