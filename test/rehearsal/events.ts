import type { StackEvent } from '@aws-sdk/client-cloudformation';

/** Types in the order in which their first resources were complete. */
export function completed(events: StackEvent[], types: string[]): string[] {
  const complete = events.filter(({ ResourceStatus }) => /^(CREATE|UPDATE)_COMPLETE$/.test(ResourceStatus ?? ''));
  return [...new Set(complete.map(({ ResourceType }) => ResourceType!))].filter((type) => types.includes(type));
}

/** What became of the resources of a type, one after the other. */
export function statuses(events: StackEvent[], type: string): string[] {
  return events.filter(({ ResourceType }) => ResourceType === type).map(({ ResourceStatus }) => ResourceStatus!);
}

/** Why resources of a type failed. */
export function reasons(events: StackEvent[], type: string): string {
  return events
    .filter(({ ResourceType, ResourceStatus }) => ResourceType === type && /FAILED/.test(ResourceStatus ?? ''))
    .map(({ ResourceStatusReason }) => ResourceStatusReason)
    .join('\n');
}
