import fc from 'fast-check';
import { answerReader, EVENT_STREAM } from '../../../../runtime/gateway/bedrock/answer-usage';
import { EventStreamReader, stringHeader } from '../../../../runtime/gateway/bedrock/event-stream-reader';
import { eventMessage, modelEvent } from './aws-front-parts';

const streamReader = (headers = {}) => answerReader(200, { 'content-type': EVENT_STREAM, ...headers });

/** Cuts bytes at the given places, in any order and with repetitions. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const count = fc.nat({ max: 1_000_000 });
const usages = fc.record({ input: count, output: count, read: count, write: count });
const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { maxLength: 30 });
const places = fc.array(fc.nat(), { maxLength: 60 });

function claudeStream(
  { input, output, read, write }: { input: number; output: number; read: number; write: number },
  said: string[],
) {
  return Buffer.concat(
    [
      {
        type: 'message_start',
        message: {
          usage: {
            input_tokens: input,
            output_tokens: 1,
            cache_read_input_tokens: read,
            cache_creation_input_tokens: write,
          },
        },
      },
      ...said.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: output } },
      { type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 1, outputTokenCount: 1 } },
    ].map(modelEvent),
  );
}

test('however a stream is cut into pieces, its tokens are the same and it is whole', () => {
  fc.assert(
    fc.property(usages, texts, places, (usage, said, at) => {
      const reader = streamReader();
      for (const piece of cut(claudeStream(usage, said), at)) reader.read(piece);
      expect(reader.usage()).toEqual({
        inputTokens: usage.input,
        outputTokens: usage.output,
        cacheReadInputTokens: usage.read,
        cacheWriteInputTokens: usage.write,
      });
      expect([reader.missing(), reader.exception(), reader.betweenMessages]).toEqual([undefined, undefined, true]);
    }),
    { numRuns: 300 },
  );
});

test('a stream that stops anywhere before its end is not whole', () => {
  fc.assert(
    fc.property(texts, fc.nat(), places, (said, stop, at) => {
      const stream = claudeStream({ input: 1, output: 2, read: 3, write: 4 }, said);
      const reader = streamReader();
      for (const piece of cut(stream.subarray(0, stop % stream.length), at)) reader.read(piece);
      expect(reader.missing()).toMatch(/^the stream ended/);
    }),
    { numRuns: 300 },
  );
});

test('no bytes make it throw, or change', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), places, (random, at) => {
      const bytes = Buffer.from(random);
      const before = Buffer.from(bytes);
      for (const reader of [streamReader(), answerReader(200, {}), answerReader(500, {})]) {
        for (const piece of cut(bytes, at)) reader.read(piece);
        reader.usage();
        reader.missing();
        reader.exception();
      }
      expect(bytes.equals(before)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('a stream with one byte changed makes it neither throw nor invent a number that is none', () => {
  const stream = claudeStream({ input: 10, output: 20, read: 30, write: 40 }, ['hello', 'world']);
  fc.assert(
    fc.property(fc.nat({ max: stream.length - 1 }), fc.integer({ min: 1, max: 255 }), places, (where, change, at) => {
      const bytes = Buffer.from(stream);
      bytes[where] ^= change;
      const reader = streamReader();
      for (const piece of cut(bytes, at)) reader.read(piece);
      for (const tokens of Object.values(reader.usage() ?? {})) expect(Number.isSafeInteger(tokens)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['negative', -1],
  ['a fraction', 1.5],
  ['a text', '12'],
  ['too large to be exact', 2 ** 60],
])('a count that is %s is not counted', (_, input) => {
  const reader = answerReader(200, {});
  reader.read(Buffer.from(JSON.stringify({ usage: { input_tokens: input, output_tokens: 3 } })));
  expect(reader.usage()).toEqual({
    inputTokens: 0,
    outputTokens: 3,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
  });
});

test("where the body says nothing, Bedrock's headers do", () => {
  const reader = answerReader(200, {
    'x-amzn-bedrock-input-token-count': '11',
    'x-amzn-bedrock-output-token-count': '12',
    'x-amzn-bedrock-cache-read-input-token-count': '13',
    'x-amzn-bedrock-cache-write-input-token-count': 'x',
  });
  reader.read(Buffer.from('{}'));
  expect(reader.usage()).toEqual({
    inputTokens: 11,
    outputTokens: 12,
    cacheReadInputTokens: 13,
    cacheWriteInputTokens: 0,
  });
});

test("where a stream's events have no usage, the metrics that Bedrock adds do", () => {
  const reader = streamReader();
  const metrics = {
    inputTokenCount: 5,
    outputTokenCount: 6,
    cacheReadInputTokenCount: 7,
    cacheWriteInputTokenCount: 8,
  };
  reader.read(modelEvent({ type: 'message_stop', 'amazon-bedrock-invocationMetrics': metrics }));
  expect(reader.usage()).toEqual({
    inputTokens: 5,
    outputTokens: 6,
    cacheReadInputTokens: 7,
    cacheWriteInputTokens: 8,
  });
});

test("an error event of the model's own is an exception", () => {
  const reader = streamReader();
  reader.read(modelEvent({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }));
  expect(reader.exception()).toBe('overloaded_error');
});

test('answers without tokens have no usage', () => {
  expect([answerReader(500, {}).usage(), streamReader().usage()]).toEqual([undefined, undefined]);
});

test('a length that no event has ends the reading, not the stream', () => {
  const seen: string[] = [];
  const reader = new EventStreamReader((headers) => seen.push(stringHeader(headers, Buffer.from('name'))!));
  reader.push(eventMessage({ other: 'x', name: 'first' }, {}));
  const huge = Buffer.alloc(16);
  huge.writeUInt32BE(2 ** 31);
  reader.push(huge);
  reader.push(eventMessage({ name: 'second' }, {}));
  expect([seen, reader.readable, reader.betweenMessages]).toEqual([['first'], false, false]);
});
