import { EventStreamCodec } from '@smithy/eventstream-codec';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** One message of an AWS event stream with its checksums. */
export function eventMessage(headers: Record<string, string>, payload: unknown): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]);
  const body = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return Buffer.from(codec.encode({ headers: Object.fromEntries(typed), body }));
}

/** An event as ConverseStream sends it. */
export function converseEvent(type: string, payload: unknown): Buffer {
  return eventMessage({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, payload);
}

/** What Bedrock says in a stream that has begun and cannot go on. */
export function exceptionMessage(type: string, message: string): Buffer {
  return eventMessage({ ':message-type': 'exception', ':exception-type': type }, { message });
}
