import type { Writable } from 'node:stream';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { Reply } from './fake-model';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** Writes one event of InvokeModelWithResponseStream: base64 of the model's own event. */
export function writeEvent(stream: Writable, event: object): void {
  writeMessage(stream, 'chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64') });
}

/** Writes one message of an AWS event stream, with its checksums. */
export function writeMessage(stream: Writable, type: string, payload: object): void {
  const text = (value: string) => ({ type: 'string' as const, value });
  const message = codec.encode({
    headers: {
      ':event-type': text(type),
      ':content-type': text('application/json'),
      ':message-type': text('event'),
    },
    body: Buffer.from(JSON.stringify(payload)),
  });
  stream.write(message);
}

/** The events of one reply, as the Anthropic Messages API streams them. */
export function* streamEvents(reply: Reply, model: string): Generator<object> {
  const message = reply.message(model);
  yield { type: 'message_start', message: { ...message, content: [], stop_reason: null } };
  for (const [index, block] of message.content.entries()) {
    if (block.type === 'text') {
      yield { type: 'content_block_start', index, content_block: { type: 'text', text: '' } };
      for (const text of reply.pieces)
        yield { type: 'content_block_delta', index, delta: { type: 'text_delta', text } };
    } else {
      yield { type: 'content_block_start', index, content_block: { ...block, input: {} } };
      const json = JSON.stringify(block.input);
      const half = Math.ceil(json.length / 2);
      for (const part of [json.slice(0, half), json.slice(half)]) {
        yield { type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: part } };
      }
    }
    yield { type: 'content_block_stop', index };
  }
  yield {
    type: 'message_delta',
    delta: { stop_reason: message.stop_reason, stop_sequence: null },
    usage: { output_tokens: message.usage.output_tokens },
  };
  yield { type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 1, outputTokenCount: 1 } };
}
