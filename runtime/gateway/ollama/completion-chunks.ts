import { Answer, CompletionHead, completionUsage, FinishReason, finishReasonOf, tokenUsageOf } from './converse-answer';
import { Fields, isObject, objectOf } from '../foreign-json';
import { OpenAIError } from './openai-error';
import { TokenUsage } from '../bedrock/usage';

/** One event of ConverseStream. */
export interface ConverseEvent {
  /** E.g. `contentBlockDelta`. */
  readonly type: string;
  readonly payload: Fields;
}

/** Turns the events of one ConverseStream, in their order, into OpenAI's `chat.completion.chunk`s. */
export class CompletionChunks {
  /** Known once the stream's `metadata` came. */
  usage?: TokenUsage;
  private finishReason?: FinishReason;
  /** Tool calls by the index of their content block: OpenAI counts them apart from texts. */
  private readonly tools = new Map<unknown, { readonly index: number; hasInput: boolean }>();

  constructor(private readonly head: CompletionHead) {}

  /** Whether the model's answer came to its end. */
  get complete(): boolean {
    return this.finishReason !== undefined;
  }

  /** @throws OpenAIError for an end that is none of a whole answer */
  next({ type, payload }: ConverseEvent): object[] {
    switch (type) {
      case 'messageStart':
        return [this.chunk({ role: 'assistant', content: '' })];
      case 'contentBlockStart':
        return this.start(payload);
      case 'contentBlockDelta':
        return this.delta(payload);
      case 'contentBlockStop':
        return this.stop(payload);
      case 'messageStop':
        this.finishReason = finishReasonOf(payload.stopReason, this.tools.size > 0);
        return [this.chunk({}, this.finishReason)];
      case 'metadata':
        this.usage = tokenUsageOf(payload.usage);
        return [];
      default:
        return [];
    }
  }

  /** The chunk after the last one, for a client that asked for it. */
  usageChunk(): object {
    return { ...this.head, object: 'chat.completion.chunk', choices: [], usage: completionUsage(this.usage) };
  }

  private start({ contentBlockIndex, start }: Fields): object[] {
    const { toolUse } = objectOf(start);
    if (!isObject(toolUse)) return [];
    if (typeof toolUse.toolUseId !== 'string' || typeof toolUse.name !== 'string')
      throw new OpenAIError(502, 'Bedrock streamed a tool call without id or name');
    const index = this.tools.size;
    this.tools.set(contentBlockIndex, { index, hasInput: false });
    const called = { name: toolUse.name, arguments: '' };
    return [this.chunk({ tool_calls: [{ index, id: toolUse.toolUseId, type: 'function', function: called }] })];
  }

  private delta({ contentBlockIndex, delta }: Fields): object[] {
    const { text, toolUse, reasoningContent } = objectOf(delta);
    if (typeof text === 'string') return text === '' ? [] : [this.chunk({ content: text })];
    const thought = objectOf(reasoningContent).text;
    if (typeof thought === 'string') return thought === '' ? [] : [this.chunk({ reasoning_content: thought })];
    const { input } = objectOf(toolUse);
    return typeof input === 'string' && input !== '' ? this.toolInput(contentBlockIndex, input) : [];
  }

  /** A call without arguments is streamed without input, which is no JSON: OpenAI's clients want an empty object. */
  private stop({ contentBlockIndex }: Fields): object[] {
    return this.tools.get(contentBlockIndex)?.hasInput === false ? this.toolInput(contentBlockIndex, '{}') : [];
  }

  private toolInput(block: unknown, input: string): object[] {
    const tool = this.tools.get(block);
    if (!tool) throw new OpenAIError(502, "Bedrock streamed a tool call's input before the call");
    tool.hasInput = true;
    return [this.chunk({ tool_calls: [{ index: tool.index, function: { arguments: input } }] })];
  }

  private chunk(delta: object, finishReason: FinishReason | null = null): object {
    const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason };
    return { ...this.head, object: 'chat.completion.chunk', choices: [choice] };
  }
}

/** A whole answer as the chunks of a stream: for a model that does not stream while it has tools. */
export function chunksOf(head: CompletionHead, answer: Answer, withUsage: boolean): object[] {
  const { content, reasoning, toolCalls, finishReason, usage } = answer;
  const delta = {
    role: 'assistant',
    content: content ?? '',
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map((call, index) => ({ index, ...call })) }),
  };
  const chunk = { ...head, object: 'chat.completion.chunk' };
  return [
    { ...chunk, choices: [{ index: 0, delta, logprobs: null, finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: finishReason }] },
    ...(withUsage ? [{ ...chunk, choices: [], usage: completionUsage(usage) }] : []),
  ];
}
