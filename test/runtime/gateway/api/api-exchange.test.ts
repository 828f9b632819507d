import { PASSWORD, startApiFront } from './api-front-parts';
import { rawExchange, until } from '../support';

async function loggedPath(target: string): Promise<unknown> {
  const { port, log, stop } = await startApiFront();
  const head = `GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${PASSWORD}\r\nConnection: close\r\n\r\n`;
  await rawExchange(port, head);
  await until(() => log.lines.length === 1, 'the line of the request');
  await stop();
  return log.lines[0].fields.path;
}

test.each([
  ['http://user:secretpw@h/v1/x', 'other form'],
  ['*', 'other form'],
  ['/v1/agents/?password=secretpw', '/v1/agents/'],
  ['/v1/agents/agent-1', '/v1/agents/agent-1'],
])('the target %s is logged as %s: a path, and nothing that may hold a password', async (target, path) => {
  expect(await loggedPath(target)).toBe(path);
});
