import { ChatModel, ConverseFeature } from '../../contract';
import { Guardrail } from '../configuration';
import { toConversation } from './converse-messages';
import { ConverseRequest, ConverseTool, ConverseToolConfig } from './converse-types';
import { Fields, isObject, objectOf, show } from '../foreign-json';
import { invalid } from './openai-error';

/** A request for a chat completion, as it goes to Converse. */
export interface ChatRequest {
  readonly converse: ConverseRequest;
  /** The system prompt's last text, which tells whose call it is. */
  readonly system: string;
  readonly stream: boolean;
  /** Whether the client wants the tokens at the end of a stream. */
  readonly streamUsage: boolean;
}

/** Fields that say nothing about the answer, or only how it might be made sooner or cheaper. */
const HARMLESS = new Set(
  (
    'model messages user metadata store seed service_tier safety_identifier prompt_cache_key prompt_cache_retention ' +
    'prediction reasoning_effort verbosity parallel_tool_calls'
  ).split(' '),
);
const TRANSLATED = new Set(
  'tools tool_choice max_tokens max_completion_tokens temperature top_p stop stream stream_options'.split(' '),
);
/** Fields that may stand there as long as they ask for nothing. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  logprobs: (value) => value === false,
  presence_penalty: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
  response_format: (value) => objectOf(value).type === 'text',
  modalities: (value) => Array.isArray(value) && value.every((modality) => modality === 'text'),
};

/**
 * OpenAI's request in Converse's words.
 *
 * @throws OpenAIError naming the field that Converse or this model has no word for
 */
export function toChatRequest(body: Fields, model: ChatModel, guardrail: Guardrail | undefined): ChatRequest {
  refuseUnknown(body);
  const toolConfig = toolConfigOf(body, model);
  const { system, messages } = toConversation(body.messages, {
    images: can(model, ConverseFeature.IMAGES),
    tools: toolConfig !== undefined,
  });
  const inferenceConfig = inferenceConfigOf(body, model);
  return {
    converse: {
      messages,
      ...(system.length > 0 && { system: system.map((text) => ({ text })) }),
      ...(Object.keys(inferenceConfig).length > 0 && { inferenceConfig }),
      ...(toolConfig && { toolConfig }),
      ...(guardrail && {
        guardrailConfig: { guardrailIdentifier: guardrail.identifier, guardrailVersion: guardrail.version },
      }),
    },
    system: system.at(-1) ?? '',
    stream: flag(body, 'stream'),
    streamUsage: flag(objectOf(body.stream_options), 'include_usage'),
  };
}

function can(model: ChatModel, feature: ConverseFeature): boolean {
  return model.features?.includes(feature) ?? false;
}

function refuseUnknown(body: Fields): void {
  for (const [field, value] of Object.entries(body)) {
    if (value === null || value === undefined || HARMLESS.has(field) || TRANSLATED.has(field)) continue;
    const neutral = Object.hasOwn(NEUTRAL, field) ? NEUTRAL[field] : undefined;
    if (!neutral?.(value))
      throw invalid(`\`${field.slice(0, 64)}\` cannot be said to Bedrock's Converse: leave it out`, field.slice(0, 64));
  }
}

function inferenceConfigOf(body: Fields, model: ChatModel): NonNullable<ConverseRequest['inferenceConfig']> {
  const field = present(body.max_completion_tokens) ? 'max_completion_tokens' : 'max_tokens';
  const wanted = number(body, field, 1, Number.MAX_SAFE_INTEGER);
  if (wanted !== undefined && !Number.isSafeInteger(wanted)) throw invalid(`\`${field}\` is not a whole number`, field);
  const temperature = number(body, 'temperature', 0, 1);
  const topP = number(body, 'top_p', 0, 1);
  const stopSequences = stopOf(body.stop);
  return {
    // Letta asks every model for 16,384 tokens, and Bedrock refuses more than a model can write.
    ...(wanted !== undefined && { maxTokens: Math.min(wanted, model.maxOutputTokens ?? wanted) }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stopSequences.length > 0 && { stopSequences }),
  };
}

function stopOf(stop: unknown): string[] {
  if (!present(stop)) return [];
  const stops: unknown[] = Array.isArray(stop) ? stop : [stop];
  if (!stops.every((text): text is string => typeof text === 'string' && text !== ''))
    throw invalid('`stop` must be a text or a list of texts', 'stop');
  return stops;
}

/** `none` has no word in Converse: such a request goes without tools. */
function toolConfigOf({ tools, tool_choice: choice }: Fields, model: ChatModel): ConverseToolConfig | undefined {
  if (present(tools) && !Array.isArray(tools)) throw invalid('`tools` must be a list', 'tools');
  const specified = ((tools as unknown[] | null | undefined) ?? []).map(toolOf);
  const named = objectOf(objectOf(choice).function).name;
  if (choice === 'none' || (specified.length === 0 && (!present(choice) || choice === 'auto'))) return undefined;
  if (!present(choice) || choice === 'auto') return { tools: specified, toolChoice: { auto: {} } };
  if (choice !== 'required' && typeof named !== 'string')
    throw invalid('`tool_choice` must be auto, none, required or a function', 'tool_choice');
  const eligible = choice === 'required' ? specified : specified.filter(({ toolSpec }) => toolSpec.name === named);
  if (eligible.length === 0) throw invalid('`tool_choice` asks for a tool that `tools` does not have', 'tool_choice');
  if (choice !== 'required' && can(model, ConverseFeature.NAMED_TOOL))
    return { tools: specified, toolChoice: { tool: { name: named as string } } };
  // To have to call one of one tool is to have to call that tool.
  if (can(model, ConverseFeature.ANY_TOOL)) return { tools: eligible, toolChoice: { any: {} } };
  throw invalid(
    `model ${model.id} cannot be made to call a tool, so \`tool_choice\` can only be auto or none: choose another model, ` +
      "or an agent of Letta's default type and without tool rules",
    'tool_choice',
  );
}

function toolOf(tool: unknown, at: number): ConverseTool {
  const { name, description, parameters } = objectOf(objectOf(tool).function);
  if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    throw invalid(
      `\`tools[${at}].function.name\` is ${show(name ?? null)}, wanted 1 to 64 letters, digits, _ or -`,
      'tools',
    );
  }
  const said = typeof description === 'string' && description.trim() !== '';
  return { toolSpec: { name, ...(said && { description }), inputSchema: { json: schemaOf(parameters) } } };
}

/** Nova takes no more at the top of a schema (Nova user guide, "Defining a tool"); what is left out only narrows it. */
const SCHEMA_KEYS = ['properties', 'required', '$defs', 'definitions'];

function schemaOf(parameters: unknown): unknown {
  const entries = Object.entries(objectOf(parameters)).filter(
    // Letta says `required: []` of a tool that demands nothing, which older JSON Schema forbids.
    ([key, value]) => SCHEMA_KEYS.includes(key) && !(key === 'required' && Array.isArray(value) && value.length === 0),
  );
  return { type: 'object', properties: {}, ...Object.fromEntries(entries) };
}

function number(body: Fields, field: string, least: number, most: number): number | undefined {
  const value = body[field];
  if (!present(value)) return undefined;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw invalid(`\`${field}\` is ${show(value)}, Bedrock wants ${least} to ${most}`, field);
}

function flag(body: Fields, field: string): boolean {
  const value = body[field];
  if (present(value) && typeof value !== 'boolean') throw invalid(`\`${field}\` must be true or false`, field);
  return value === true;
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}
