import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsRecord } from './aws-record';
import { roleOf } from './resource-values';
import type { Template } from './template';

/** Invokes a function of the template. */
export type Invoke = (functionId: string, event: unknown) => Promise<unknown>;

interface Answer {
  readonly PhysicalResourceId?: string;
  readonly Data?: Record<string, string>;
  readonly IsComplete?: boolean;
}

export interface CustomResourceRun {
  readonly template: Template;
  readonly record: AwsRecord;
  readonly invoke: Invoke;
  /** @default 'Create' */
  readonly requestType?: 'Create' | 'Update' | 'Delete';
  readonly physicalResourceId?: string;
  /** Properties that an update changes, as they were. */
  readonly old?: Record<string, string>;
  /** Milliseconds until `isComplete` must have said yes. */
  readonly timeout: number;
}

/** Whether a custom resource of the template is answered by CDK's provider framework. */
export function hasProvider(template: Template, id: string): boolean {
  return 'USER_ON_EVENT_FUNCTION_ARN' in frameworkVariables(template, id);
}

/**
 * Runs a custom resource as CDK's provider framework does: `onEvent`, then `isComplete` until it says yes. Which
 * functions these are, and that the framework's role may invoke them, follows from the template.
 *
 * @returns its attributes
 */
export async function runCustomResource(id: string, run: CustomResourceRun): Promise<Record<string, string>> {
  const { template, invoke } = run;
  const variables = frameworkVariables(template, id);
  const properties = template.properties(id);
  const event = {
    RequestType: run.requestType ?? 'Create',
    RequestId: randomUUID(),
    StackId: String(template.resolve({ Ref: 'AWS::StackId' })),
    LogicalResourceId: id,
    ResourceType: template.resource(id).Type,
    ResourceProperties: strings({ ...properties, ServiceToken: undefined }),
    ...(run.physicalResourceId ? { PhysicalResourceId: run.physicalResourceId } : {}),
    ...(run.old ? { OldResourceProperties: { ...(strings(properties) as object), ...run.old } } : {}),
  };
  const started = (await invoke(allowed(run, id, variables.USER_ON_EVENT_FUNCTION_ARN), event)) as Answer;
  if (!variables.USER_IS_COMPLETE_FUNCTION_ARN) return started.Data ?? {};

  const end = Date.now() + run.timeout;
  for (;;) {
    const isComplete = allowed(run, id, variables.USER_IS_COMPLETE_FUNCTION_ARN);
    const answer = (await invoke(isComplete, { ...event, ...started })) as Answer;
    if (answer.IsComplete) return { ...started.Data, ...answer.Data };
    if (Date.now() > end) throw new Error(`waited ${run.timeout / 1000} s in vain for ${id} to be complete`);
    await sleep(1000);
  }
}

function framework(template: Template, id: string): string {
  const token = template.resource(id).Properties?.ServiceToken as { 'Fn::GetAtt'?: string[] } | undefined;
  const functionId = token?.['Fn::GetAtt']?.[0];
  if (!functionId) throw new Error(`${id} has no ServiceToken that names a function of the template`);
  return functionId;
}

function frameworkVariables(template: Template, id: string): Record<string, string> {
  const properties = template.properties<{ Environment?: { Variables: Record<string, string> } }>(
    framework(template, id),
  );
  return properties.Environment?.Variables ?? {};
}

/** The function's logical id, if the framework's role may invoke it. */
function allowed({ template, record }: CustomResourceRun, id: string, functionArn: string): string {
  const role = roleOf(template.properties<{ Role: string }>(framework(template, id)).Role);
  if (!record.decide(role, { action: 'lambda:InvokeFunction', resource: functionArn })) {
    throw new Error(`role ${role} of the provider framework may not invoke ${functionArn}`);
  }
  return functionArn.split('function:')[1];
}

/** CloudFormation hands all scalars to a custom resource as strings. */
function strings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strings);
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, strings(item)]));
}
