import { createHash } from 'node:crypto';
import { ConverseBlock, ConverseMessage } from './converse-types';
import { Fields, isObject, objectOf, show } from '../foreign-json';
import { invalid } from './openai-error';

export interface Conversation {
  readonly system: readonly string[];
  readonly messages: readonly ConverseMessage[];
}

export interface ConversationOptions {
  /** Whether the model takes images. */
  readonly images: boolean;
  /**
   * Whether the request has tools. Converse takes tool calls only beside tools; without them, as when a conversation is
   * to be summed up, they are told as text.
   */
  readonly tools: boolean;
}

/** Converse wants the user to begin, and some of its models no text beside tool results: this stands where one is due. */
const CONTINUED = '(continued)';
const NO_OUTPUT = '(no output)';

/** More than fit into any model's context: Letta shortens a conversation long before, and its messages have few parts. */
const MAX_MESSAGES = 50_000;
/** Parts of contents and tool calls, of all messages together. */
const MAX_PARTS = 100_000;

/**
 * OpenAI's messages as Converse wants them: roles alternate beginning with the user's, all results of an assistant's tool
 * calls stand in the one user message after it, and nothing is blank.
 *
 * @throws OpenAIError naming the message that cannot be said in Converse
 */
export function toConversation(messages: unknown, options: ConversationOptions): Conversation {
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalid('`messages` must be a list of at least one message', 'messages');
  requireBounded(messages);
  let system: readonly string[] = [];
  const turns = new Turns(options.tools);
  messages.forEach((message: unknown, at) => {
    const where = `messages[${at}]`;
    if (!isObject(message)) throw invalid(`\`${where}\` is not an object`, where);
    switch (message.role) {
      case 'system':
      case 'developer':
        if (at === 0) system = textsOf(message.content, where);
        else turns.add('user', eventBlocks(message.content, where), where);
        break;
      case 'user':
        turns.add('user', userBlocks(message.content, where, options), where);
        break;
      case 'assistant':
        turns.addAssistant(textsOf(message.content, where), toolCallsOf(message, where), where);
        break;
      case 'tool':
        turns.addResult(String(message.tool_call_id), toolResultBlocks(message.content, where, options), where);
        break;
      default:
        throw invalid(`\`${where}.role\` is ${show(message.role)}, wanted system, user, assistant or tool`, where);
    }
  });
  return { system, messages: turns.finished() };
}

/** One request is translated at once, and every other one of the gateway waits for it. */
function requireBounded(messages: readonly unknown[]): void {
  if (messages.length > MAX_MESSAGES)
    throw invalid(`\`messages\` has ${messages.length} messages, wanted at most ${MAX_MESSAGES}`, 'messages');
  let parts = 0;
  for (const message of messages) {
    const { content, tool_calls: calls } = objectOf(message);
    for (const list of [content, calls]) if (Array.isArray(list)) parts += list.length;
  }
  if (parts > MAX_PARTS) {
    throw invalid(
      `\`messages\` has ${parts} parts of contents and tool calls, wanted at most ${MAX_PARTS}`,
      'messages',
    );
  }
}

/** An id that Converse takes; the same one always for the same id, so that a result finds its call. */
export function converseToolId(id: string): string {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(id) ? id : `id-${createHash('sha256').update(id).digest('hex').slice(0, 40)}`;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Fields;
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: ConverseBlock[];
  readonly hasResults: boolean;
}

/** The turns so far, and the tool calls of the last one that have no result yet. */
class Turns {
  private readonly turns: Turn[] = [];
  private readonly open = new Map<string, string>();
  private readonly answered = new Set<string>();

  constructor(private readonly withTools: boolean) {}

  add(role: 'user' | 'assistant', content: readonly ConverseBlock[], where: string): void {
    this.requireAnswered(where);
    if (content.length === 0) return;
    const last = this.turns.at(-1);
    if (last?.role === role && !last.hasResults) return append(last, content);
    if (last?.role === role) this.begin('assistant', [{ text: CONTINUED }]);
    if (last === undefined && role === 'assistant') this.begin('user', [{ text: CONTINUED }]);
    this.begin(role, content);
  }

  addAssistant(texts: readonly string[], calls: readonly ToolCall[], where: string): void {
    const said = texts.map((text) => ({ text }));
    const called = calls.map(({ id, name, input }) =>
      this.withTools
        ? { toolUse: { toolUseId: converseToolId(id), name, input } }
        : { text: `(called the tool ${name} with ${JSON.stringify(input)})` },
    );
    this.add('assistant', [...said, ...called], where);
    if (calls.length > 0) this.answered.clear();
    for (const { id, name } of calls) {
      if (this.open.has(id)) throw invalid(`\`${where}\` has the tool call id ${show(id)} twice`, where);
      this.open.set(id, name);
    }
  }

  addResult(id: string, content: readonly ConverseBlock[], where: string): void {
    const name = this.open.get(id);
    if (name === undefined) {
      throw invalid(
        `\`${where}\` answers the tool call ${show(id)}, which the assistant's message before it ` +
          (this.answered.has(id) ? 'has an answer to already' : 'does not make'),
        where,
      );
    }
    this.open.delete(id);
    this.answered.add(id);
    const last = this.turns.at(-1)!;
    const blocks: ConverseBlock[] = this.withTools
      ? [{ toolResult: { toolUseId: converseToolId(id), content } }]
      : [{ text: `(the tool ${name} answered:)` }, ...content];
    if (last.role === 'user') append(last, blocks);
    else this.begin('user', blocks, this.withTools);
  }

  finished(): ConverseMessage[] {
    this.requireAnswered('the end of messages');
    if (this.turns.length === 0) throw invalid('`messages` has nothing in it for the model to answer', 'messages');
    return this.turns.map(({ role, content }) => ({ role, content }));
  }

  private begin(role: Turn['role'], content: readonly ConverseBlock[], hasResults = false): void {
    this.turns.push({ role, content: [...content], hasResults });
  }

  private requireAnswered(where: string): void {
    const [missing] = this.open.keys();
    if (missing !== undefined)
      throw invalid(`the tool call ${show(missing)} has no answer before ${where}`, 'messages');
  }
}

/** One by one: a call takes only so many arguments. */
function append({ content }: Turn, blocks: readonly ConverseBlock[]): void {
  for (const block of blocks) content.push(block);
}

function userBlocks(content: unknown, where: string, { images }: ConversationOptions): ConverseBlock[] {
  if (!Array.isArray(content)) return textsOf(content, where).map((text) => ({ text }));
  return content.flatMap((part: unknown, at): ConverseBlock[] => {
    const { type, text, image_url: image } = objectOf(part);
    const here = `${where}.content[${at}]`;
    if (type === 'image_url') return [imageBlock(objectOf(image).url, here, images)];
    if (type !== 'text' || typeof text !== 'string')
      throw invalid(`\`${here}\` is of type ${show(type)}, wanted text or image_url`, here);
    return isBlank(text) ? [] : [{ text }];
  });
}

function toolResultBlocks(content: unknown, where: string, options: ConversationOptions): ConverseBlock[] {
  const blocks = userBlocks(content, where, options);
  return blocks.length > 0 ? blocks : [{ text: NO_OUTPUT }];
}

/** Formats that Converse takes (API reference, "ImageBlock"). */
const DATA_URL = /^data:image\/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/]+={0,2})$/;

/** The gateway never fetches an image: whoever could name a URL would otherwise reach what the task reaches. */
function imageBlock(url: unknown, where: string, allowed: boolean): ConverseBlock {
  if (!allowed) throw invalid(`\`${where}\` is an image, which this model does not take`, where);
  const data = typeof url === 'string' ? DATA_URL.exec(url) : null;
  if (!data) {
    throw invalid(
      `\`${where}\` is not a data: URL of a png, jpeg, gif or webp in base64; the gateway fetches no other URL`,
      where,
    );
  }
  return { image: { format: data[1], source: { bytes: data[2] } } };
}

/**
 * Letta's own system message is the first one. A later one is what a caller wrote with the role `system`: the user's word,
 * and in Letta's words for Claude (0.16.8, `letta/schemas/message.py`, `to_anthropic_dict`).
 */
function eventBlocks(content: unknown, where: string): ConverseBlock[] {
  const texts = textsOf(content, where);
  return texts.length > 0 ? [{ text: `<event>SYSTEM ALERT: ${texts.join('\n\n')}</event>` }] : [];
}

/** What was said, without the blank texts that Converse refuses. */
function textsOf(content: unknown, where: string): string[] {
  if (content === undefined || content === null) return [];
  const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return parts
    .map((part) => {
      const { type, text, refusal } = objectOf(part);
      const said = type === 'refusal' ? refusal : text;
      if ((type !== 'text' && type !== 'refusal') || typeof said !== 'string')
        throw invalid(`\`${where}.content\` must be a text or a list of texts`, where);
      return said;
    })
    .filter((text) => !isBlank(text));
}

function toolCallsOf({ tool_calls: calls }: Fields, where: string): ToolCall[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw invalid(`\`${where}.tool_calls\` is not a list`, where);
  return calls.map((call: unknown) => {
    const { id, function: called } = objectOf(call);
    const { name, arguments: written } = objectOf(called);
    if (typeof id !== 'string' || typeof name !== 'string')
      throw invalid(`\`${where}.tool_calls\` has a call without an id or a function's name`, where);
    return { id, name, input: inputOf(written) };
  });
}

/** Converse takes an object only; what a model once wrote that is none is kept as it stands. */
function inputOf(written: unknown): Fields {
  try {
    const value: unknown = JSON.parse(String(written ?? '{}') || '{}');
    if (isObject(value)) return value;
  } catch {
    // Kept below.
  }
  return { arguments: String(written) };
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
