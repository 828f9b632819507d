import { EventStreamCodec } from '@smithy/eventstream-codec';

/** Messages of an AWS event stream, with their checksums. */
export const eventStreamCodec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);
