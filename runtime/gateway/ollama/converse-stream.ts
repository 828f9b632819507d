import { ConverseEvent } from './completion-chunks';
import { objectOf } from '../foreign-json';
import { eventStreamCodec } from '../bedrock/event-stream-codec';
import { EventStreamReader } from '../bedrock/event-stream-reader';
import { bedrockFailure, OpenAIError } from './openai-error';

/** The status that Converse itself answers with before a stream has begun (API reference, "ConverseStream"). */
const STATUS_OF_EXCEPTION: Readonly<Record<string, number>> = {
  throttlingException: 429,
  validationException: 400,
  modelStreamErrorException: 424,
  internalServerException: 500,
  serviceUnavailableException: 503,
};

/**
 * The events of an AWS event stream that comes in pieces of any size; not more than one message is held.
 *
 * @throws OpenAIError for an exception inside the stream, and for a stream that is damaged or breaks off in a message
 */
export async function* converseEvents(pieces: AsyncIterable<Buffer>): AsyncGenerator<ConverseEvent> {
  for await (const message of messages(pieces)) yield eventOf(message);
}

async function* messages(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const read: Buffer[] = [];
  const reader = new EventStreamReader((_headers, _payload, message) => read.push(message));
  for await (const piece of pieces) {
    reader.push(piece);
    yield* read.splice(0);
    if (!reader.readable) throw new OpenAIError(502, "Bedrock's answer is no event stream");
  }
  if (!reader.betweenMessages) throw new OpenAIError(502, "Bedrock's answer broke off in the middle of an event");
}

function eventOf(message: Buffer): ConverseEvent {
  const { headers, body } = decode(message);
  const header = (name: string) => String(headers[name]?.value ?? '');
  const payload = () => objectOf(json(body));
  switch (header(':message-type')) {
    case 'event':
      return { type: header(':event-type'), payload: payload() };
    case 'exception': {
      const code = header(':exception-type');
      const status = Object.hasOwn(STATUS_OF_EXCEPTION, code) ? STATUS_OF_EXCEPTION[code] : 502;
      throw bedrockFailure(status, code, String(payload().message ?? 'no message'));
    }
    default:
      throw bedrockFailure(502, header(':error-code') || 'error', header(':error-message') || 'no message');
  }
}

/** Both checksums are verified: a damaged answer must not pass for what the model said. */
function decode(message: Buffer) {
  try {
    return eventStreamCodec.decode(message);
  } catch (error) {
    throw new OpenAIError(502, `Bedrock's answer is damaged: ${(error as Error).message}`);
  }
}

function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new OpenAIError(502, 'Bedrock streamed an event that is not JSON');
  }
}
