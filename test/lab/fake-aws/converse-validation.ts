import { AwsError } from './service';

type Fields = Record<string, unknown>;
type Block = Record<string, Fields | string>;

export interface ConverseBody {
  readonly messages: { role: 'user' | 'assistant'; content: Block[] }[];
  readonly system?: { text: string }[];
  readonly inferenceConfig?: Fields;
  readonly toolConfig?: { tools: { toolSpec: Fields }[]; toolChoice?: Fields };
  readonly guardrailConfig?: { guardrailIdentifier: string; guardrailVersion: string };
}

/** What some models refuse though Converse has a word for it. */
const MOST_TOKENS: [RegExp, number][] = [
  [/nova-/, 10_000],
  [/llama/, 4_096],
];
const STREAMS_TOOLS = /nova-/;
const FORCED_TOOLS: Record<string, RegExp> = { auto: /./, any: /nova-|mistral-large|deepseek/, tool: /nova-/ };

/**
 * Refuses what AWS would: what the API's shape does not have (Bedrock API reference, "Converse"), and what its service or
 * the models behind it answer with a `ValidationException`.
 *
 * @throws AwsError
 */
export function validateConverse(model: string, body: Fields, stream: boolean): ConverseBody {
  keys(body, 'request', ['messages'], ['system', 'inferenceConfig', 'toolConfig', 'guardrailConfig']);
  for (const block of list(body.system ?? [], 'system')) {
    keys(block as Fields, 'system', ['text']);
    nonBlank((block as Fields).text, 'system.text');
  }
  inferenceConfig(model, (body.inferenceConfig ?? {}) as Fields);
  if (body.toolConfig !== undefined) toolConfig(model, body.toolConfig as Fields, stream);
  if (body.guardrailConfig !== undefined)
    keys(body.guardrailConfig as Fields, 'guardrailConfig', ['guardrailIdentifier', 'guardrailVersion']);
  messages(list(body.messages, 'messages') as ConverseBody['messages'], body.toolConfig !== undefined);
  return body as unknown as ConverseBody;
}

function messages(turns: ConverseBody['messages'], hasTools: boolean): void {
  refuseIf(turns.length === 0 || turns[0].role !== 'user', 'A conversation must start with a user message');
  let open: unknown[] = [];
  turns.forEach((turn, at) => {
    const where = `messages.${at}.content`;
    keys(turn, `messages.${at}`, ['role', 'content']);
    refuseIf(turn.role !== (at % 2 === 0 ? 'user' : 'assistant'), `messages.${at}: roles must alternate`);
    refuseIf(list(turn.content, where).length === 0, `${where} is empty`);
    turn.content.forEach((one) => block(one, where));
    const kinds = turn.content.map((one) => Object.keys(one)[0]);
    refuseIf(
      !hasTools && kinds.some((kind) => kind.startsWith('tool')),
      'The toolConfig field must be defined when using toolUse and toolResult content blocks.',
    );
    const results = turn.content.flatMap((one) => ('toolResult' in one ? [(one.toolResult as Fields).toolUseId] : []));
    refuseIf(
      results.length > 0 && results.length < kinds.length,
      `${where}: Conversation blocks and tool result blocks cannot be provided in the same turn.`,
    );
    refuseIf(
      JSON.stringify([...results].sort()) !== JSON.stringify([...open].sort()),
      `${where}: Expected toolResult blocks for the following Ids: ${open.join(', ')}, got ${results.join(', ')}`,
    );
    open = turn.content.flatMap((one) => ('toolUse' in one ? [(one.toolUse as Fields).toolUseId] : []));
    refuseIf(turn.role === 'user' && open.length > 0, `${where}: a user message has toolUse blocks`);
  });
  refuseIf(turns.at(-1)!.role !== 'user', 'A conversation must end with a user message.');
}

function block(one: Block, where: string): void {
  const [kind, ...more] = Object.keys(one);
  refuseIf(more.length > 0, `${where}: a block is a union`);
  const value = one[kind] as Fields;
  switch (kind) {
    case 'text':
      return nonBlank(one.text, where);
    case 'image':
      keys(value, where, ['format', 'source']);
      refuseIf(!['png', 'jpeg', 'gif', 'webp'].includes(String(value.format)), `${where}.image.format`);
      return keys(value.source as Fields, `${where}.image.source`, ['bytes']);
    case 'toolUse':
      keys(value, where, ['toolUseId', 'name', 'input']);
      matching(value.toolUseId, /^[a-zA-Z0-9_-]{1,64}$/, `${where}.toolUse.toolUseId`);
      matching(value.name, /^[a-zA-Z0-9_-]{1,64}$/, `${where}.toolUse.name`);
      return object(value.input, `${where}.toolUse.input`);
    case 'toolResult':
      keys(value, where, ['toolUseId', 'content'], ['status']);
      refuseIf(list(value.content, where).length === 0, `${where}.toolResult.content is empty`);
      return (value.content as Block[]).forEach((inner) => block(inner, `${where}.toolResult.content`));
    default:
      throw new AwsError('ValidationException', `${where}: unknown block ${kind}`);
  }
}

function toolConfig(model: string, config: Fields, stream: boolean): void {
  keys(config, 'toolConfig', ['tools'], ['toolChoice']);
  const tools = list(config.tools, 'toolConfig.tools') as { toolSpec: Fields }[];
  refuseIf(tools.length === 0, 'toolConfig.tools is empty');
  for (const { toolSpec } of tools) {
    keys(toolSpec, 'toolSpec', ['name', 'inputSchema'], ['description']);
    matching(toolSpec.name, /^[a-zA-Z0-9_-]{1,64}$/, 'toolSpec.name');
    if (toolSpec.description !== undefined) nonBlank(toolSpec.description, 'toolSpec.description');
    keys(toolSpec.inputSchema as Fields, 'inputSchema', ['json']);
    const schema = (toolSpec.inputSchema as Fields).json as Fields;
    keys(schema, 'inputSchema.json', ['type'], ['properties', 'required', '$defs', 'definitions']);
    refuseIf(schema.type !== 'object', 'inputSchema.json.type must be one of the following: object.');
  }
  const [choice, ...more] = Object.keys((config.toolChoice as Fields | undefined) ?? { auto: {} });
  refuseIf(more.length > 0 || !FORCED_TOOLS[choice], 'toolConfig.toolChoice is a union of auto, any and tool');
  refuseIf(
    !FORCED_TOOLS[choice].test(model),
    `This model doesn't support the toolConfig.toolChoice.${choice} field. Remove toolConfig.toolChoice.${choice} and try again.`,
  );
  refuseIf(stream && !STREAMS_TOOLS.test(model), "This model doesn't support tool use in streaming mode.");
}

function inferenceConfig(model: string, config: Fields): void {
  keys(config, 'inferenceConfig', [], ['maxTokens', 'temperature', 'topP', 'stopSequences']);
  const most = MOST_TOKENS.find(([pattern]) => pattern.test(model))?.[1] ?? Infinity;
  const { maxTokens = 1 } = config;
  refuseIf(!Number.isInteger(maxTokens) || (maxTokens as number) < 1, 'inferenceConfig.maxTokens');
  refuseIf((maxTokens as number) > most, `The maximum tokens you requested exceeds the model limit of ${most}.`);
  for (const name of ['temperature', 'topP']) {
    const { [name]: value = 0 } = config;
    refuseIf(typeof value !== 'number' || value < 0 || value > 1, `inferenceConfig.${name}`);
  }
  list(config.stopSequences ?? [], 'inferenceConfig.stopSequences').forEach((text) => nonBlank(text, 'stopSequences'));
}

function keys(value: Fields, where: string, required: string[], optional: string[] = []): void {
  object(value, where);
  for (const key of required) refuseIf(value[key] === undefined, `${where}: required key [${key}] not found`);
  for (const key of Object.keys(value))
    refuseIf(!required.includes(key) && !optional.includes(key), `${where}: extraneous key [${key}] is not permitted`);
}

function object(value: unknown, where: string): void {
  refuseIf(typeof value !== 'object' || value === null || Array.isArray(value), `${where}: wanted an object`);
}

function list(value: unknown, where: string): unknown[] {
  refuseIf(!Array.isArray(value), `${where}: wanted a list`);
  return value as unknown[];
}

function nonBlank(value: unknown, where: string): void {
  refuseIf(typeof value !== 'string' || value.trim() === '', `The text field at ${where} is blank`);
}

function matching(value: unknown, pattern: RegExp, where: string): void {
  refuseIf(typeof value !== 'string' || !pattern.test(value), `${where} must satisfy ${pattern}`);
}

function refuseIf(wrong: boolean, message: string): void {
  if (wrong) throw new AwsError('ValidationException', message);
}
