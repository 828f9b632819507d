import { isUtf8 } from 'node:buffer';
import { Fields, isObject, show } from '../foreign-json';

/** A body with which the configured guardrail would not see the whole call. */
export class BodyNotGuarded extends Error {}

/**
 * Bedrock's own fields beside the model's: `amazon-bedrock-guardrailConfig` has the tags that narrow what a guardrail looks
 * at (user guide, "Apply tags to user input to filter content"), `amazon-bedrock-trace` shows how it decided.
 */
const BEDROCK_FIELD = /^amazon-bedrock-/i;

/** @throws BodyNotGuarded naming Bedrock's own field, or for a body in which none could be found */
export function guardedFields(body: Buffer): Fields {
  const fields = fieldsOf(body);
  if (fields === undefined) throw new BodyNotGuarded('the body is not a JSON object, which the guardrail demands');
  const field = Object.keys(fields).find((name) => BEDROCK_FIELD.test(name));
  if (field !== undefined)
    throw new BodyNotGuarded(`the body has the field ${show(field)}: with a guardrail, leave it out`);
  return fields;
}

/** The JSON object that a body is, if it is one. */
export function fieldsOf(body: Buffer): Fields | undefined {
  try {
    const value: unknown = isUtf8(body) ? JSON.parse(body.toString('utf8')) : undefined;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
