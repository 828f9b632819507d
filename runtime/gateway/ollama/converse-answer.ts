import { Fields, isObject, objectOf, show } from '../foreign-json';
import { OpenAIError } from './openai-error';
import { TokenUsage } from '../bedrock/usage';

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** What the model said, in OpenAI's words. */
export interface Answer {
  readonly content: string | null;
  readonly reasoning?: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage?: TokenUsage;
}

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** Says which completion it is of. */
export interface CompletionHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};

/**
 * @param hasToolCalls some models end their turn with a tool call and still say `end_turn`
 * @throws OpenAIError for a reason that is none of a whole answer, such as `malformed_tool_use`
 */
export function finishReasonOf(stopReason: unknown, hasToolCalls: boolean): FinishReason {
  const known = Object.hasOwn(FINISH_REASONS, String(stopReason)) ? FINISH_REASONS[String(stopReason)] : undefined;
  if (known === undefined) throw new OpenAIError(502, `the model stopped with ${show(stopReason ?? null)}`);
  return known === 'stop' && hasToolCalls ? 'tool_calls' : known;
}

/** @throws OpenAIError if it is not what Converse answers with */
export function answerOf(converse: unknown): Answer {
  const { output, stopReason, usage } = objectOf(converse);
  const { content } = objectOf(objectOf(output).message);
  if (!Array.isArray(content)) throw new OpenAIError(502, 'Bedrock answered with something that is no message');
  const blocks = content.map(objectOf);
  const texts = blocks.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  const thoughts = blocks.flatMap(({ reasoningContent }) => {
    const { text } = objectOf(objectOf(reasoningContent).reasoningText);
    return typeof text === 'string' ? [text] : [];
  });
  const toolCalls = blocks.flatMap(({ toolUse }) => (isObject(toolUse) ? [toolCallOf(toolUse)] : []));
  return {
    content: texts.length > 0 ? texts.join('') : null,
    ...(thoughts.length > 0 && { reasoning: thoughts.join('') }),
    toolCalls,
    finishReason: finishReasonOf(stopReason, toolCalls.length > 0),
    usage: tokenUsageOf(usage),
  };
}

function toolCallOf({ toolUseId, name, input }: Fields): ToolCall {
  if (typeof toolUseId !== 'string' || typeof name !== 'string')
    throw new OpenAIError(502, 'Bedrock answered with a tool call without id or name');
  return { id: toolUseId, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

/** Converse counts what it read from and wrote to the prompt cache apart from the rest of the input. */
export function tokenUsageOf(usage: unknown): TokenUsage | undefined {
  if (!isObject(usage)) return undefined;
  const count = (name: string) => (Number.isSafeInteger(usage[name]) ? (usage[name] as number) : 0);
  return {
    inputTokens: count('inputTokens'),
    outputTokens: count('outputTokens'),
    cacheReadInputTokens: count('cacheReadInputTokens'),
    cacheWriteInputTokens: count('cacheWriteInputTokens'),
  };
}

/** OpenAI's prompt tokens hold those from the cache. */
export function completionUsage(usage: TokenUsage | undefined) {
  const { inputTokens = 0, outputTokens = 0, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 } = usage ?? {};
  const prompt = inputTokens + cacheReadInputTokens + cacheWriteInputTokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadInputTokens },
  };
}

/** OpenAI's `chat.completion`. */
export function completion(head: CompletionHead, answer: Answer) {
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: answer.content,
          ...(answer.reasoning !== undefined && { reasoning_content: answer.reasoning }),
          ...(answer.toolCalls.length > 0 && { tool_calls: answer.toolCalls }),
        },
        logprobs: null,
        finish_reason: answer.finishReason,
      },
    ],
    usage: completionUsage(answer.usage),
  };
}
