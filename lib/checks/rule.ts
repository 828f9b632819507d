import { LettaParts } from './letta-parts';
import { Resource } from './template';

/** Where a template breaks a rule. */
export interface Fault {
  readonly resource: Resource;
  /** Path of the property, e.g. `Properties/Scheme`. */
  readonly location: string;
  /** What was found, in a few words. */
  readonly found: string;
}

/** One thing that a template must not do. */
export interface Rule {
  /** Never changes: acknowledgements name it. */
  readonly id: string;
  /** Heading of the rule in the documentation. */
  readonly area: string;
  /** What is wrong and why. */
  readonly reason: string;
  /** What to do about it. */
  readonly fix: string;
  /** The faults of an app. */
  judge(parts: LettaParts): Fault[];
}

/** A fault at a property of a resource. */
export function fault(resource: Resource, property: string, found: string): Fault {
  return { resource, location: property ? `Properties/${property}` : 'Properties', found };
}

/** Faults of the resources that `what` finds something at. */
export function faults(
  resources: Resource[],
  property: string,
  what: (resource: Resource) => string | undefined | false,
): Fault[] {
  return resources.flatMap((resource) => {
    const found = what(resource);
    return found ? [fault(resource, property, found)] : [];
  });
}
