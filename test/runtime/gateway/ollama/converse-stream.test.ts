import fc from 'fast-check';
import { ConverseEvent } from '../../../../runtime/gateway/ollama/completion-chunks';
import { converseEvents } from '../../../../runtime/gateway/ollama/converse-stream';
import { converseEvent, eventMessage, exceptionMessage } from '../bedrock/event-stream';

async function* pieces(...buffers: Buffer[]): AsyncGenerator<Buffer> {
  for (const buffer of buffers) yield buffer;
}

/** The events up to the end or the error. */
async function read(...buffers: Buffer[]): Promise<{ events: ConverseEvent[]; error?: unknown }> {
  const events: ConverseEvent[] = [];
  try {
    for await (const event of converseEvents(pieces(...buffers))) events.push(event);
    return { events };
  } catch (error) {
    return { events, error };
  }
}

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
};

test('the events are the same however the bytes are cut', async () => {
  const event = fc.tuple(
    fc.constantFrom('messageStart', 'contentBlockDelta', 'metadata'),
    fc.dictionary(fc.string(), fc.string()),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), async (events, at) => {
      const bytes = Buffer.concat(events.map(([type, payload]) => converseEvent(type, payload)));
      expect(await read(...cut(bytes, at))).toEqual({
        events: events.map(([type, payload]) => ({ type, payload: JSON.parse(JSON.stringify(payload)) })),
      });
    }),
  );
});

test('a damaged byte anywhere is an error, and no event of a damaged message comes out', async () => {
  const first = converseEvent('messageStart', { role: 'assistant' });
  const bytes = Buffer.concat([first, converseEvent('contentBlockDelta', { delta: { text: 'Hello.' } })]);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 0x01;
    const { events, error } = await read(damaged);
    expect(error).toMatchObject({ status: 502 });
    expect(events).toHaveLength(at < first.length ? 0 : 1);
  }
});

test('a stream that breaks off in a message is an error', async () => {
  const bytes = converseEvent('messageStart', {});
  for (let length = 1; length < bytes.length; length++) {
    expect((await read(bytes.subarray(0, length))).error).toMatchObject({
      message: "Bedrock's answer broke off in the middle of an event",
    });
  }
});

test('what claims to be longer than any event is not waited for', async () => {
  const prelude = Buffer.alloc(16);
  prelude.writeUInt32BE(0x7fffffff);
  expect((await read(prelude)).error).toMatchObject({ message: "Bedrock's answer is no event stream" });
  prelude.writeUInt32BE(15);
  expect((await read(prelude)).error).toMatchObject({ message: "Bedrock's answer is no event stream" });
});

test.each([
  ['throttlingException', 429],
  ['validationException', 400],
  ['modelStreamErrorException', 424],
  ['internalServerException', 500],
  ['serviceUnavailableException', 503],
  ['toString', 502],
])('the exception %s in a stream is an error with the status %i', async (code, status) => {
  const { events, error } = await read(converseEvent('messageStart', {}), exceptionMessage(code, 'slow down'));
  expect(events).toHaveLength(1);
  expect(error).toMatchObject({ status, code, message: `Bedrock answered ${code}: slow down` });
});

test('an error message, and an event that is not JSON, are errors', async () => {
  const failed = eventMessage({ ':message-type': 'error', ':error-code': 'Oops', ':error-message': 'sorry' }, '');
  expect((await read(eventMessage({ ':message-type': 'event', ':event-type': 'x' }, '{'))).error).toMatchObject({
    message: 'Bedrock streamed an event that is not JSON',
  });
  // An error message has no payload of its own.
  expect((await read(failed)).error).toMatchObject({ status: 502, message: 'Bedrock answered Oops: sorry' });
});

test('random bytes are an error or wait for more, never a crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), async (parts) => {
      const { events } = await read(...parts.map((part) => Buffer.from(part)));
      expect(events).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
