import { setTimeout as sleep } from 'node:timers/promises';
import { type ConverseBody, validateConverse } from './converse-validation';
import { answer, type ModelRequest, type Reply } from './fake-model';
import { writeMessage } from './message-stream';
import type { SignedCall } from './service';

type ModelBlock = Exclude<ModelRequest['messages'][number]['content'], string>[number];

/** Answers Converse or ConverseStream with the fake model, in the words of Converse. @throws AwsError */
export async function converse(
  call: SignedCall,
  model: string,
  body: Record<string, unknown>,
  stream: boolean,
): Promise<void> {
  const reply = answer(modelRequest(validateConverse(model, body, stream)));
  if (!stream) {
    await sleep(reply.pauses * (reply.pieces.length + 1));
    return call.json(converseAnswer(reply, model));
  }
  call.response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
  for (const [type, payload] of converseEvents(reply, model)) {
    if (call.response.destroyed) return;
    // AWS pads its events, so that their sizes do not tell what is said.
    writeMessage(call.response, type, { ...payload, p: 'abcdefghijklm' });
    if (reply.pauses > 0) await sleep(reply.pauses);
  }
  call.response.end();
}

/** The request as the fake model, which knows the Messages API, takes it. */
function modelRequest({ system, messages, toolConfig }: ConverseBody): ModelRequest {
  return {
    system,
    messages: messages.map(({ role, content }) => ({ role, content: content.map(modelBlock) })),
    tools: toolConfig?.tools.map(({ toolSpec }) => ({
      name: String(toolSpec.name),
      input_schema: (toolSpec.inputSchema as { json: object }).json,
    })),
  };
}

function modelBlock(block: ConverseBody['messages'][number]['content'][number]): ModelBlock {
  const [kind, value] = Object.entries(block)[0];
  if (typeof value === 'string') return { type: 'text', text: value };
  if (kind === 'toolUse') return { type: 'tool_use', name: String(value.name) };
  if (kind !== 'toolResult') return { type: kind };
  const content = (value.content as Parameters<typeof modelBlock>[0][]).map(modelBlock);
  return { type: 'tool_result', tool_use_id: String(value.toolUseId), content };
}

const metrics = { latencyMs: 1 };

function usageOf(reply: Reply, model: string) {
  const { input_tokens: inputTokens, output_tokens: outputTokens } = reply.message(model).usage;
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}

function converseAnswer(reply: Reply, model: string) {
  const { content, stop_reason: stopReason } = reply.message(model);
  const blocks = content.map((block) =>
    block.type === 'text'
      ? { text: block.text }
      : { toolUse: { toolUseId: toolUseId(block.id), name: block.name, input: block.input } },
  );
  return {
    output: { message: { role: 'assistant', content: blocks } },
    stopReason,
    usage: usageOf(reply, model),
    metrics,
  };
}

function* converseEvents(reply: Reply, model: string): Generator<[string, object]> {
  const { content, stop_reason: stopReason } = reply.message(model);
  yield ['messageStart', { role: 'assistant' }];
  for (const [contentBlockIndex, block] of content.entries()) {
    if (block.type === 'text') {
      for (const text of reply.pieces) yield ['contentBlockDelta', { contentBlockIndex, delta: { text } }];
    } else {
      const toolUse = { toolUseId: toolUseId(block.id), name: block.name };
      yield ['contentBlockStart', { contentBlockIndex, start: { toolUse } }];
      const json = JSON.stringify(block.input);
      const half = Math.ceil(json.length / 2);
      for (const input of [json.slice(0, half), json.slice(half)])
        yield ['contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input } } }];
    }
    yield ['contentBlockStop', { contentBlockIndex }];
  }
  yield ['messageStop', { stopReason }];
  yield ['metadata', { usage: usageOf(reply, model), metrics }];
}

/** As long as AWS's own: longer than the 29 characters of an id that Letta keeps. */
function toolUseId(id: string): string {
  return `tooluse_${id.replace('toolu_', '').slice(0, 22)}`;
}
