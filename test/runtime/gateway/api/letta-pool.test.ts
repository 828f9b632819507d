import { createServer, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { lettaPool } from '../../../../runtime/gateway/api/letta-pool';
import { close, listening } from '../support';

/** How long uvicorn takes from the last byte of an answer to the end of its connection: longer than a client's next request. */
const CLOSES_AFTER_MS = 20;

/** A server that keeps connections as uvicorn does: until its application fails, which it does not announce. */
async function uvicorn(statuses: number[]) {
  let connections = 0;
  const server = createServer((socket: Socket) => {
    connections += 1;
    let failed = false;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      // What comes on a connection that is about to close is lost.
      if (failed) return;
      const status = statuses.shift()!;
      socket.write(`HTTP/1.1 ${status} Whatever\r\ncontent-length: 2\r\n\r\n{}`);
      failed = status >= 500;
      if (failed) setTimeout(() => socket.destroy(), CLOSES_AFTER_MS);
    });
  });
  const { origin } = await listening(server);
  return { origin, connections: () => connections, stop: () => close(server) };
}

async function answers(statuses: number[]) {
  const letta = await uvicorn([...statuses]);
  const pool = lettaPool(letta.origin, 30);
  const got: number[] = [];
  try {
    while (got.length < statuses.length) {
      const { statusCode, body } = await pool.request({ method: 'GET', path: '/v1/agents/' });
      await body.dump();
      got.push(statusCode);
      // A connection is free again a turn of the event loop later.
      await setImmediate();
    }
    return { got, connections: letta.connections() };
  } finally {
    await pool.destroy();
    await letta.stop();
  }
}

test.each([500, 502, 503])('what comes right behind a %d goes on a connection of its own', async (status) => {
  expect(await answers([200, status, 200])).toEqual({ got: [200, status, 200], connections: 2 });
});

test('a connection that has only carried answers and refusals is used again', async () => {
  expect(await answers([200, 404, 422, 429, 200])).toEqual({ got: [200, 404, 422, 429, 200], connections: 1 });
});
