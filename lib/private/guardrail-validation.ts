import { Token } from 'aws-cdk-lib';
import { GuardrailPii, GuardrailStrength, GuardrailTopic } from '../guardrail-filters';

/** What of a guardrail's properties can be wrong. */
export interface GuardrailContent {
  readonly hate?: GuardrailStrength;
  readonly insults?: GuardrailStrength;
  readonly sexual?: GuardrailStrength;
  readonly violence?: GuardrailStrength;
  readonly misconduct?: GuardrailStrength;
  readonly promptAttack?: GuardrailStrength;
  readonly profanity?: boolean;
  readonly blockedWords?: string[];
  readonly deniedTopics?: GuardrailTopic[];
  readonly blockedPii: GuardrailPii[];
  readonly anonymizedPii: GuardrailPii[];
  readonly blockedInputMessage?: string;
  readonly blockedOutputMessage?: string;
}

const STRENGTHS = ['hate', 'insults', 'sexual', 'violence', 'misconduct', 'promptAttack'] as const;

/**
 * Limits of a guardrail, from the schema of `AWS::Bedrock::Guardrail` and "Amazon Bedrock endpoints and quotas". Tokens pass.
 *
 * @throws with the prop, what it is and what is wanted
 */
export function validateGuardrail(path: string, content: GuardrailContent): void {
  for (const prop of STRENGTHS) requireKnown(path, prop, content[prop] ?? GuardrailStrength.HIGH, GuardrailStrength);
  for (const kind of content.blockedPii) requireKnown(path, 'blockedPii', kind, GuardrailPii);
  for (const kind of content.anonymizedPii) requireKnown(path, 'anonymizedPii', kind, GuardrailPii);
  const both = content.blockedPii.find((kind) => content.anonymizedPii.includes(kind));
  if (both) {
    throw new Error(
      `${path}: blockedPii and anonymizedPii both name ${both}, wanted it in one of them: leave it out of the other`,
    );
  }
  requireOnce(path, 'blockedPii', content.blockedPii);
  requireOnce(path, 'anonymizedPii', content.anonymizedPii);
  requireLength(path, 'blockedInputMessage', content.blockedInputMessage, 500);
  requireLength(path, 'blockedOutputMessage', content.blockedOutputMessage, 500);
  requireCount(path, 'blockedWords', content.blockedWords, 10_000);
  content.blockedWords?.forEach((word) => requireLength(path, 'blockedWords', word, 100));
  requireCount(path, 'deniedTopics', content.deniedTopics, 30);
  content.deniedTopics?.forEach((topic) => requireTopic(path, topic));
  requireOnce(path, 'deniedTopics', content.deniedTopics?.map(({ name }) => name) ?? []);
  requireSome(path, content);
}

function requireTopic(path: string, { name, definition, examples }: GuardrailTopic): void {
  if (!Token.isUnresolved(name) && !/^[0-9a-zA-Z-_ !?.]{1,100}$/.test(name)) {
    throw new Error(
      `${path}: deniedTopics has the name '${name}', wanted 1 to 100 letters, digits, blanks and -_!?.: change name`,
    );
  }
  requireLength(path, `definition of the topic '${name}'`, definition, 200);
  requireCount(path, `examples of the topic '${name}'`, examples, 5);
  examples?.forEach((example) => requireLength(path, `examples of the topic '${name}'`, example, 100));
}

function requireKnown(path: string, prop: string, value: string, known: Record<string, string>): void {
  if (Token.isUnresolved(value) || Object.values(known).includes(value)) return;
  throw new Error(`${path}: ${prop} is '${value}', wanted one of ${Object.values(known).join(', ')}: change ${prop}`);
}

function requireOnce(path: string, prop: string, values: string[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) {
    throw new Error(`${path}: ${prop} names '${twice}' twice, wanted each once: leave one out`);
  }
}

function requireLength(path: string, prop: string, text: string | undefined, longest: number): void {
  if (text === undefined || Token.isUnresolved(text)) return;
  if (text.length < 1 || text.length > longest) {
    throw new Error(`${path}: ${prop} has ${text.length} characters, wanted 1 to ${longest}: change it`);
  }
}

function requireCount(path: string, prop: string, list: unknown[] | undefined, most: number): void {
  if (list === undefined || Token.isUnresolved(list) || list.length <= most) return;
  throw new Error(`${path}: ${prop} has ${list.length} entries, wanted at most ${most}: leave some out`);
}

/** AWS makes no guardrail without a filter. */
function requireSome(path: string, content: GuardrailContent): void {
  const filters = STRENGTHS.some((prop) => content[prop] !== GuardrailStrength.NONE);
  const lists = [content.blockedPii, content.anonymizedPii, content.blockedWords ?? [], content.deniedTopics ?? []];
  if (filters || content.profanity || lists.some(({ length }) => length > 0)) return;
  throw new Error(
    `${path}: the guardrail stops nothing, wanted at least one filter: set one of ${STRENGTHS.join(', ')}`,
  );
}
