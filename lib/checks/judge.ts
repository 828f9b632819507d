import { casesOf } from './conditions';
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
 * belong into one call. What conditions decide is judged in each case that they distinguish.
 */
export function judgeTemplates(stacks: StackTemplate[]): LettaFinding[] {
  const findings = new Map<string, LettaFinding>();
  for (const inCase of casesOf(stacks)) {
    for (const finding of judgeCase(new LettaParts(new Templates(stacks, inCase)))) {
      const { id, stackName, logicalId, location } = finding;
      const key = [id, stackName, logicalId, location].join(' ');
      if (!findings.has(key)) findings.set(key, finding);
    }
  }
  return [...findings.values()];
}

function judgeCase(parts: LettaParts): LettaFinding[] {
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
