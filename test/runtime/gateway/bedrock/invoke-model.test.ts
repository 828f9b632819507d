import { EventStreamCodec } from '@smithy/eventstream-codec';
import { Metric } from '../../../../runtime/contract';
import {
  eventMessage,
  eventStream,
  FOUNDATION,
  invoke,
  modelEvent,
  PROFILE,
  startFront,
  stopFronts,
} from './aws-front-parts';
import { until } from '../support';

afterEach(stopFronts);

const AGENT = 'agent-11111111-2222-3333-4444-555555555555';
const STREAM = { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'request-7' };
const system = `You are.\n\n<memory_metadata>\n- AGENT_ID: ${AGENT}\n- CONVERSATION_ID: default\n</memory_metadata>`;
const request = JSON.stringify({ messages: [], system: [{ type: 'text', text: system }] });

const start = {
  type: 'message_start',
  message: { usage: { input_tokens: 12, cache_read_input_tokens: 900, output_tokens: 1 } },
};
const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } };
const end = [{ type: 'message_delta', delta: {}, usage: { output_tokens: 34 } }, { type: 'message_stop' }];

const streamed = (origin: string) => invoke(origin, PROFILE, 'invoke-with-response-stream', { body: request });

/** What the client had read when the stream failed under it, or to the end. */
async function readAll(response: Response): Promise<{ bytes: Buffer; failed: boolean }> {
  const pieces: Uint8Array[] = [];
  const reader = response.body!.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
    return { bytes: Buffer.concat(pieces), failed: false };
  } catch {
    return { bytes: Buffer.concat(pieces), failed: true };
  }
}

function lastMessage(bytes: Buffer): ReturnType<EventStreamCodec['decode']> {
  let rest = bytes;
  while (rest.readUInt32BE(0) < rest.length) rest = rest.subarray(rest.readUInt32BE(0));
  return eventStream.decode(rest);
}

test('an answer is recorded with its tokens, its agent and its metrics', async () => {
  const { origin, recorded } = await startFront({
    bedrock: (_, response) => {
      response.setHeader('x-amzn-requestid', 'request-1');
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          content: [],
          usage: { input_tokens: 5, output_tokens: 6, cache_read_input_tokens: 7, cache_creation_input_tokens: 8 },
        }),
      );
    },
  });
  await (await invoke(origin, PROFILE, 'invoke', { body: request })).text();
  expect(await recorded()).toMatchObject({
    model: PROFILE,
    operation: 'invoke',
    status: 200,
    bedrockRequestId: 'request-1',
    agent: AGENT,
    complete: true,
    Model: PROFILE,
    [Metric.MODEL_CALLS]: 1,
    [Metric.MODEL_CALLS_FAILED]: 0,
    [Metric.MODEL_CALLS_THROTTLED]: 0,
    [Metric.INPUT_TOKENS]: 5,
    [Metric.OUTPUT_TOKENS]: 6,
    [Metric.CACHE_READ_INPUT_TOKENS]: 7,
    [Metric.CACHE_WRITE_INPUT_TOKENS]: 8,
  });
});

test('a stream passes byte for byte as it comes, and is recorded by what its events say', async () => {
  let release = () => undefined as void;
  const events = [start, text, ...end].map(modelEvent);
  const { origin, recorded } = await startFront({
    bedrock: async (_, response) => {
      response.writeHead(200, STREAM);
      response.write(events[0]);
      await new Promise<void>((resolve) => (release = resolve));
      response.end(Buffer.concat(events.slice(1)));
    },
  });
  const response = await streamed(origin);
  expect(response.headers.get('content-type')).toBe(STREAM['content-type']);
  const reader = response.body!.getReader();
  expect(Buffer.from((await reader.read()).value!)).toEqual(events[0]);
  release();
  reader.releaseLock();
  expect((await readAll(response)).bytes).toEqual(Buffer.concat(events.slice(1)));
  expect(await recorded()).toMatchObject({
    bedrockRequestId: 'request-7',
    agent: AGENT,
    complete: true,
    [Metric.INPUT_TOKENS]: 12,
    [Metric.OUTPUT_TOKENS]: 34,
    [Metric.CACHE_READ_INPUT_TOKENS]: 900,
    [Metric.CACHE_WRITE_INPUT_TOKENS]: 0,
  });
});

describe('a stream that is not whole fails for the client and in the record', () => {
  test.each([
    ['ends without message_stop', false, 'message_stop'],
    ['is cut between two events', true, 'broke off'],
  ])('when it %s: an exception, then the cut', async (_, cut, reason) => {
    const { origin, recorded } = await startFront({
      bedrock: (_request, response) => {
        response.writeHead(200, STREAM);
        response.write(modelEvent(start));
        response.write(modelEvent(text), () => (cut ? response.destroy() : response.end()));
      },
    });
    const { bytes, failed } = await readAll(await streamed(origin));
    expect(failed).toBe(true);
    const { headers, body } = lastMessage(bytes);
    expect(headers[':message-type'].value).toBe('exception');
    expect(headers[':exception-type'].value).toBe('modelStreamErrorException');
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({ message: expect.stringContaining(reason) });
    expect(await recorded()).toMatchObject({
      status: 200,
      complete: false,
      failure: expect.stringContaining(reason),
      [Metric.MODEL_CALLS_FAILED]: 1,
      [Metric.INPUT_TOKENS]: 12,
    });
  });

  test('when it is cut within an event: nothing that could be read as the rest of it', async () => {
    const sent = Buffer.concat([modelEvent(start), modelEvent(text).subarray(0, 40)]);
    const { origin, recorded } = await startFront({
      bedrock: (_request, response) => {
        response.writeHead(200, STREAM);
        response.write(sent, () => response.destroy());
      },
    });
    expect(await readAll(await streamed(origin))).toEqual({ bytes: sent, failed: true });
    expect(await recorded()).toMatchObject({ complete: false, [Metric.MODEL_CALLS_FAILED]: 1 });
  });

  test('when the model falls silent', async () => {
    const { origin, recorded } = await startFront({
      idleMs: 200,
      bedrock: (_request, response) => {
        response.writeHead(200, STREAM);
        response.write(modelEvent(start));
      },
    });
    const { bytes, failed } = await readAll(await streamed(origin));
    expect([failed, lastMessage(bytes).headers[':message-type'].value]).toEqual([true, 'exception']);
    expect(await recorded()).toMatchObject({
      failure: expect.stringMatching(/timeout/i),
      [Metric.MODEL_CALLS_FAILED]: 1,
    });
  });
});

test.each([
  ['throttlingException', 1],
  ['internalServerException', 0],
])("Bedrock's own %s in a stream passes, and counts", async (type, throttled) => {
  const exception = eventMessage({ ':message-type': 'exception', ':exception-type': type }, { message: 'slow' });
  const sent = Buffer.concat([modelEvent(start), exception]);
  const { origin, recorded } = await startFront({
    bedrock: (_request, response) => void response.writeHead(200, STREAM).end(sent),
  });
  expect(await readAll(await streamed(origin))).toEqual({ bytes: sent, failed: false });
  expect(await recorded()).toMatchObject({
    failure: type,
    [Metric.MODEL_CALLS_FAILED]: 1,
    [Metric.MODEL_CALLS_THROTTLED]: throttled,
  });
});

test('an answer that is cut does not look whole', async () => {
  const { origin, recorded } = await startFront({
    bedrock: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"content":', () => response.destroy());
    },
  });
  expect((await readAll(await invoke(origin, PROFILE))).failed).toBe(true);
  expect(await recorded()).toMatchObject({ complete: false, [Metric.MODEL_CALLS_FAILED]: 1 });
});

test('throttling keeps status, type, Retry-After and message, and is counted', async () => {
  const { origin, recorded } = await startFront({
    bedrock: (_request, response) => {
      response.writeHead(429, { 'x-amzn-errortype': 'ThrottlingException:http://x/', 'retry-after': '7' });
      response.end('{"message":"slow down"}');
    },
  });
  const response = await invoke(origin, PROFILE);
  const { headers } = response;
  expect([response.status, headers.get('x-amzn-errortype'), headers.get('retry-after'), await response.json()]).toEqual(
    [429, 'ThrottlingException:http://x/', '7', { message: 'slow down' }],
  );
  expect(await recorded()).toMatchObject({
    status: 429,
    complete: true,
    failure: 'ThrottlingException',
    [Metric.MODEL_CALLS_FAILED]: 1,
    [Metric.MODEL_CALLS_THROTTLED]: 1,
  });
});

test('a model that does not answer is a timeout in the shape of AWS, which the SDK does not repeat', async () => {
  const { origin, recorded } = await startFront({ idleMs: 200, bedrock: () => undefined });
  const response = await invoke(origin, PROFILE);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([408, 'ModelTimeoutException']);
  expect(response.headers.get('x-should-retry')).toBe('false');
  expect(await recorded()).toMatchObject({ status: 408, [Metric.MODEL_CALLS_FAILED]: 1 });
});

test('a Bedrock that cannot be reached is an error in the shape of AWS', async () => {
  const { origin, recorded } = await startFront({ bedrock: (received) => received.socket.destroy() });
  const response = await invoke(origin, FOUNDATION);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([503, 'ServiceUnavailableException']);
  expect(await recorded()).toMatchObject({ status: 503, failure: expect.stringContaining('did not answer') });
});

test('credentials that cannot be had are an error that says so, and the next call tries again', async () => {
  let broken = true;
  const { origin, seen, log } = await startFront({
    credentials: async () => {
      if (broken) throw new Error('the container credential endpoint answered 500');
      return { accessKeyId: 'A', secretAccessKey: 'S' };
    },
  });
  const response = await invoke(origin, PROFILE);
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([503, 'ServiceUnavailableException']);
  expect(await response.json()).toEqual({ message: expect.stringContaining('credential endpoint answered 500') });
  expect(seen).toEqual([]);
  broken = false;
  expect((await invoke(origin, PROFILE)).status).toBe(200);
  await until(() => log.lines.length === 2, 'both records');
  expect(log.lines.map(({ fields }) => fields[Metric.MODEL_CALLS_FAILED])).toEqual([1, 0]);
});

test('a client that goes away ends the call upstream, which is no failure of the model', async () => {
  let ended = false;
  const { origin, recorded } = await startFront({
    bedrock: (_request, response) => {
      response.once('close', () => (ended = true));
      response.writeHead(200, STREAM);
      response.write(modelEvent(start));
    },
  });
  const abort = new AbortController();
  const response = await invoke(origin, PROFILE, 'invoke-with-response-stream', { signal: abort.signal });
  await response.body!.getReader().read();
  abort.abort();
  await until(() => ended, 'the end of the call upstream');
  expect(await recorded()).toMatchObject({
    complete: false,
    [Metric.MODEL_CALLS_FAILED]: 0,
    [Metric.INPUT_TOKENS]: 12,
  });
});
