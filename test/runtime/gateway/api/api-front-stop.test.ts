import { once } from 'node:events';
import { connect } from 'node:net';
import { drain } from '../../../../runtime/gateway/http-listener';
import { apiFronts, AUTH } from './api-front-parts';
import { until } from '../support';

const start = apiFronts();

test('on a stop, what is in flight finishes and nothing new comes in', async () => {
  let finish: () => void = () => undefined;
  const { origin, server } = await start({
    answer: (_request, response) => {
      response.write('first ');
      finish = () => response.end('last');
    },
  });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  const stopped = drain(server, 5_000);
  await expect(fetch(`${origin}/v1/agents/`, { headers: AUTH })).rejects.toThrow();
  finish();
  expect(await response.text()).toBe('first last');
  await stopped;
});

test('on a stop, what does not finish in time is cut', async () => {
  const { origin, server } = await start({ answer: (_request, response) => void response.write('first ') });
  const response = await fetch(`${origin}/v1/agents/`, { headers: AUTH });
  await drain(server, 200);
  await expect(response.text()).rejects.toThrow();
});

test('on a stop, a connection that never sent a request holds nothing up, and one that was sending is heard', async () => {
  const { origin, server } = await start({ answer: (_request, response) => void response.end('heard') });
  const { port } = new URL(origin);
  let accepted = 0;
  server.on('connection', () => accepted++);
  const silent = connect(Number(port), '127.0.0.1');
  const late = connect(Number(port), '127.0.0.1');
  await until(() => accepted === 2, 'two connections');
  const began = performance.now();
  const stopped = drain(server, 30_000);
  const gone = once(silent, 'close');
  const answer = once(late, 'data');
  late.write(
    `GET /v1/agents/ HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTH.authorization}\r\nConnection: close\r\n\r\n`,
  );
  expect(String((await answer)[0])).toMatch(/^HTTP\/1.1 200/);
  await Promise.all([gone, stopped]);
  expect(performance.now() - began).toBeLessThan(15_000);
});
