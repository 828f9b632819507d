/** What CDK's provider framework hands to `onEvent`. */
export interface OnEventRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** The same in every attempt to handle one event. */
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** E.g. `Custom::LettaMigration`. */
  readonly ResourceType?: string;
  /** Set on Update and Delete. */
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Record<string, unknown>;
  /** Set on Update. */
  readonly OldResourceProperties?: Record<string, unknown>;
}

/** What `onEvent` returns; the framework hands it on to `isComplete`. */
export interface OnEventResponse {
  readonly PhysicalResourceId?: string;
  readonly Data?: Record<string, string>;
}

/** The request of `onEvent` with what it returned. */
export type IsCompleteRequest = OnEventRequest & OnEventResponse;

/** What `isComplete` returns. `Data` is allowed only with `IsComplete: true`. */
export interface IsCompleteResponse {
  readonly IsComplete: boolean;
  readonly Data?: Record<string, string>;
}

/**
 * Returns the id a resource keeps for life. It must not change on an update: CloudFormation would take the resource for
 * a new one and delete the old.
 */
export function stableId(event: OnEventRequest): string {
  return event.PhysicalResourceId ?? `${event.LogicalResourceId}-${event.RequestId}`;
}

/** Reads a non-empty string property. @throws naming the resource, the property and what it got */
export function stringProperty(event: OnEventRequest, name: string): string {
  const value = event.ResourceProperties[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(
    `${event.LogicalResourceId}: property ${name} is ${JSON.stringify(value)}, wanted a non-empty string`,
  );
}

/** Reads a property that is a non-empty list of strings. @throws naming the resource, the property and what it got */
export function listProperty(event: OnEventRequest, name: string): string[] {
  const value = event.ResourceProperties[name];
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && item !== '')) {
    return value;
  }
  throw new Error(`${event.LogicalResourceId}: property ${name} is ${JSON.stringify(value)}, wanted a list of strings`);
}

/** Reads an environment variable. @throws naming it when it is missing */
export function variable(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`environment variable ${name} is not set; the construct that makes this function sets it`);
  return value;
}
