import { createHash } from 'node:crypto';

/** What Letta sends, as far as the fake model looks at it (Anthropic Messages API). */
export interface ModelRequest {
  readonly system?: string | { text: string }[];
  readonly messages: { role: string; content: string | Block[] }[];
  readonly tools?: { name: string; input_schema?: { required?: string[] } }[];
}

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly name?: string;
  readonly content?: string | Block[];
  readonly tool_use_id?: string;
}

type ReplyBlock =
  { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

/** What the fake model says to a request. */
export interface Reply {
  /** The text in the pieces it is streamed in. */
  readonly pieces: string[];
  /** Milliseconds before each piece. */
  readonly pauses: number;
  message(model: string): {
    readonly content: ReplyBlock[];
    readonly stop_reason: string;
    readonly usage: { input_tokens: number; output_tokens: number };
  };
}

/**
 * A model that is none: the same request always gives the same answer, and everything it knows it read in the request.
 *
 * - `call tool NAME with {…}` makes it call that tool, if it has it;
 * - after a tool's answer it repeats that answer;
 * - a question is answered by the sentence of its memory blocks or of the conversation that shares most words with it;
 * - `count slowly to N` takes half a second a number;
 * - anything else is echoed.
 */
export function answer(request: ModelRequest): Reply {
  const texts = request.messages.map((message) => ({ role: message.role, text: textOf(message.content) }));
  const last = request.messages.at(-1);
  const toolResult = blocks(last?.content)
    .filter((block) => block.type === 'tool_result')
    .at(-1);
  if (toolResult) return speak(request, `${introduction} The tool answered: ${textOf(toolResult.content ?? '')}`);

  const users = texts.filter((message) => message.role === 'user' && message.text);
  const said = userText(users.at(-1)?.text ?? '');
  const order = /call tool (\w+) with (\{.*\})/s.exec(said);
  if (order) return callTool(request, order[1], order[2]);
  const count = /count slowly to (\d+)/i.exec(said);
  if (count) return slow(Math.min(Number(count[1]), 240));
  if (said.trim().endsWith('?')) {
    const known = [...memoryBlocks(request.system), ...users.slice(0, -1).map((message) => userText(message.text))];
    const found = bestSentence(said, known);
    return speak(
      request,
      found ? `${introduction} I remember: ${found}` : `${introduction} I remember nothing of that.`,
    );
  }
  return speak(request, `${introduction} You said: ${said}`);
}

const introduction = "I am the lab's fake model, not Claude.";

function callTool(request: ModelRequest, name: string, json: string): Reply {
  const tool = request.tools?.find((candidate) => candidate.name === name);
  if (!tool) return speak(request, `${introduction} I have no tool ${name}; I have: ${toolNames(request)}`);
  let input: Record<string, unknown>;
  try {
    input = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return speak(request, `${introduction} What you want me to call ${name} with is not JSON: ${json}`);
  }
  // Letta adds parameters of its own to some tools; a model fills in what is required.
  for (const required of tool.input_schema?.required ?? []) {
    if (!(required in input)) input[required] = required === 'request_heartbeat' ? true : 'as asked';
  }
  return reply([toolUse(request, name, input)], 'tool_use', []);
}

/** Says a text: agents of the older kinds have to call a tool for it. */
function speak(request: ModelRequest, text: string): Reply {
  if (request.tools?.some((tool) => tool.name === 'send_message')) {
    return reply([toolUse(request, 'send_message', { thinking: 'none', message: text })], 'tool_use', []);
  }
  return reply([{ type: 'text', text }], 'end_turn', text.match(/\S+\s*/g) ?? [text]);
}

function slow(numbers: number): Reply {
  const pieces = Array.from({ length: numbers }, (_, index) => `${index + 1} `);
  return reply([{ type: 'text', text: pieces.join('') }], 'end_turn', pieces, 500);
}

function reply(content: ReplyBlock[], stopReason: string, pieces: string[], pauses = 0): Reply {
  const usage = { input_tokens: 100, output_tokens: 10 };
  const message = (model: string) => ({
    id: 'msg_lab',
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage,
  });
  return { pieces, pauses, message };
}

/** The id follows from the conversation: unique in it, and the same each time. */
function toolUse(request: ModelRequest, name: string, input: Record<string, unknown>): ReplyBlock {
  const hash = createHash('sha256')
    .update(JSON.stringify([request.messages, name, input]))
    .digest('hex');
  return { type: 'tool_use', id: `toolu_${hash.slice(0, 24)}`, name, input };
}

function toolNames(request: ModelRequest): string {
  return (request.tools ?? []).map((tool) => tool.name).join(', ') || 'none';
}

function blocks(content: string | Block[] | undefined): Block[] {
  return Array.isArray(content) ? content : [];
}

function textOf(content: string | Block[]): string {
  if (typeof content === 'string') return content;
  return content.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : [])).join('\n');
}

/** Agents of the older kinds get user messages wrapped in JSON. */
function userText(text: string): string {
  try {
    const wrapped = JSON.parse(text) as { message?: unknown };
    return typeof wrapped.message === 'string' ? wrapped.message : text;
  } catch {
    return text;
  }
}

/** The agent's own memory: what stands in its blocks, not the instructions around them. */
function memoryBlocks(system: ModelRequest['system']): string[] {
  const text = typeof system === 'string' ? system : (system ?? []).map((part) => part.text).join('\n');
  return [...text.matchAll(/<value>(.*?)<\/value>/gs)].map((match) => match[1]);
}

function bestSentence(question: string, known: string[]): string | undefined {
  const wanted = words(question);
  let best: { sentence: string; score: number } | undefined;
  for (const sentence of known.flatMap((text) => text.split(/(?<=[.!?])\s+|\n/))) {
    if (sentence.trim().endsWith('?')) continue;
    const score = [...words(sentence)].filter((word) => wanted.has(word)).length;
    if (score > 0 && score >= (best?.score ?? 1)) best = { sentence: sentence.trim(), score };
  }
  return best?.sentence;
}

const ignoredWords = new Set(
  'about and are did does had has have how know own remember she that the they this was what when where which who you your'.split(
    ' ',
  ),
);

function words(text: string): Set<string> {
  const found = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return new Set(found.filter((word) => !ignoredWords.has(word)));
}
