import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { fromContainerMetadata } from '@aws-sdk/credential-providers';
import { refreshingCredentials, taskCredentials } from '../../../runtime/gateway/credentials';
import { close, listening, recordingLog, until } from './support';

/** The gateway's credentials from an endpoint as ECS has it, which is not always well. */

const MINUTE = 60_000;
const LIFETIME = 60 * MINUTE;

type Mode = 'well' | 'error' | 'reset' | 'silent' | 'cut' | 'nonsense';

async function startEndpoint() {
  const state = { now: Date.now(), mode: 'well' as Mode, asked: 0, issued: 0, inFlight: 0 };
  const answers: Record<Mode, (response: ServerResponse, request: IncomingMessage) => void> = {
    well: (response) => {
      state.issued += 1;
      const Expiration = new Date(state.now + LIFETIME).toISOString();
      response.end(
        JSON.stringify({ AccessKeyId: `key-${state.issued}`, SecretAccessKey: 's', Token: 't', Expiration }),
      );
    },
    error: (response) => response.writeHead(500).end(),
    reset: (_response, request) => request.socket.resetAndDestroy(),
    silent: () => undefined,
    cut: (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"AccessKeyId":', () => response.destroy());
    },
    nonsense: (response) => response.end('<html>'),
  };
  const { server, port } = await listening(
    createServer((request, response) => {
      state.asked += 1;
      state.inFlight += 1;
      response.once('close', () => (state.inFlight -= 1));
      answers[state.mode](response, request);
    }),
  );
  process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${port}/v2/credentials`;
  return { state, server };
}

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
beforeEach(async () => {
  endpoint = await startEndpoint();
});
afterEach(async () => {
  delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  await close(endpoint.server);
});

/** As many calls at once as a busy task makes; every one must get keys that are good now. */
async function callsSucceed(provide: ReturnType<typeof taskCredentials>, calls = 50): Promise<string> {
  const all = await Promise.all(Array.from({ length: calls }, () => provide()));
  for (const { expiration } of all) expect(expiration!.getTime()).toBeGreaterThan(endpoint.state.now);
  return all[0].accessKeyId;
}

test('for a day of calls, with an endpoint that fails for twelve minutes of each hour, no call fails', async () => {
  const { state } = endpoint;
  const provide = taskCredentials(recordingLog(), () => state.now);
  const failures: Mode[] = ['error', 'reset', 'nonsense'];
  for (let minute = 0; minute < 24 * 60; minute++) {
    // Just when the keys ought to be renewed.
    state.mode = minute % 60 >= 46 && minute % 60 < 58 ? failures[Math.floor(minute / 60) % 3] : 'well';
    await callsSucceed(provide);
    await until(() => state.inFlight === 0, 'the endpoint to be left alone');
    await new Promise((resolve) => setImmediate(resolve));
    state.now += MINUTE;
  }
  expect(state.issued).toBeGreaterThanOrEqual(24);
  expect(state.issued).toBeLessThan(60);
}, 60_000);

test('while the endpoint says nothing no call waits, and its return is noticed', async () => {
  const { state } = endpoint;
  const provide = taskCredentials(recordingLog(), () => state.now);
  expect(await callsSucceed(provide)).toBe('key-1');
  state.now += 50 * MINUTE;
  state.mode = 'silent';
  const began = Date.now();
  for (let second = 0; second < 60; second++) {
    expect(await callsSucceed(provide)).toBe('key-1');
    state.now += 1_000;
  }
  expect(Date.now() - began).toBeLessThan(10_000);
  state.mode = 'well';
  let key = 'key-1';
  await until(() => {
    state.now += 10;
    void provide().then(({ accessKeyId }) => (key = accessKeyId));
    return key === 'key-2';
  }, 'new keys');
}, 20_000);

test('an answer that is cut off does not stop the renewal for ever', async () => {
  const { state } = endpoint;
  const log = recordingLog();
  const provide = refreshingCredentials(fromContainerMetadata({ timeout: 2_000 }), log, () => state.now, 100);
  await callsSucceed(provide);
  state.now += 50 * MINUTE;
  state.mode = 'cut';
  expect(await callsSucceed(provide)).toBe('key-1');
  await until(() => log.lines.length > 0, 'the failure');
  state.mode = 'well';
  state.now += MINUTE;
  await callsSucceed(provide);
  await until(() => state.issued === 2 && state.inFlight === 0, 'new keys');
  await new Promise((resolve) => setImmediate(resolve));
  expect(await callsSucceed(provide)).toBe('key-2');
});

test('keys that expire while the endpoint fails are not handed out; with its return calls succeed at once', async () => {
  const { state } = endpoint;
  const provide = taskCredentials(recordingLog(), () => state.now);
  await callsSucceed(provide);
  state.mode = 'error';
  state.now += 61 * MINUTE;
  const refused = await Promise.all(Array.from({ length: 50 }, () => provide().catch((error: Error) => error.message)));
  expect(new Set(refused)).toEqual(new Set([expect.stringContaining('Error response received')]));
  state.mode = 'well';
  state.now += 1_000;
  expect(await callsSucceed(provide)).toBe('key-2');
});
