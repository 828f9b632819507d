import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { LettaApi } from '../../../runtime/export/letta-api';

const AGENT = 'agent-01234567-89ab-cdef-0123-456789abcdef';

/** Answers each call with the next status and body. */
async function answering(answers: [number, unknown, http.OutgoingHttpHeaders?][]) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const [status, body, headers] = answers.shift() ?? [500, 'no more answers'];
    request.resume().once('end', () => {
      if (status === 0) return void response.destroy();
      response.writeHead(status, headers).end(JSON.stringify(body));
    });
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, api: new LettaApi({ url, password: 'p', retry: { attempts: 3, firstDelay: 1 } }) };
}
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

test('a call that is refused for load is made again, after as long as the service says', async () => {
  const { api, asked } = await answering([
    [429, {}, { 'retry-after': '1' }],
    [503, {}],
    [200, [{}]],
  ]);
  const start = Date.now();
  await api.addPassages('archive-1', [{ text: 'a', tags: [] }]);
  expect(asked).toHaveLength(3);
  expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
});

test.each([[500], [0]])(
  'fails where nobody knows whether a passage was written (%i), rather than write it twice',
  async (status) => {
    const { api, asked } = await answering([1, 2, 3].map(() => [status, {}]));
    for (const add of [
      () => api.addPassage(AGENT, { text: 'a', tags: [] }),
      () => api.addPassages('archive-1', [{ text: 'a', tags: [] }]),
      () => api.addUnembeddedPassage('archive-1', { text: 'a', tags: [] }),
    ]) {
      await expect(add()).rejects.toThrow();
    }
    expect(asked).toHaveLength(3);
  },
);

test('fails where fewer passages were added than sent', async () => {
  const { api } = await answering([[200, [{}]]]);
  const passage = { text: 'a', tags: [] };
  await expect(api.addPassages('archive-1', [passage, passage])).rejects.toThrow('added 1 of 2 passages');
});

test('what only reads is asked again after any failure', async () => {
  const { api } = await answering([
    [500, {}],
    [0, {}],
    [200, { version: '0.16.8' }],
  ]);
  expect(await api.version()).toBe('0.16.8');
});

test('fails where imports are closed, with the reason that the gateway gives', async () => {
  const { api } = await answering([[403, { detail: 'open it by the prop `agentImport`' }]]);
  await expect(api.requireImport()).rejects.toThrow('answered 403: open it by the prop `agentImport`');
});

test('a failure of Letta is told without its text, which may hold what an agent said', async () => {
  const { api } = await answering([[422, { detail: 'INSERT … my parrot' }]]);
  await expect(api.importAgent('{}')).rejects.toThrow(/^POST \/v1\/agents\/import answered 422$/);
});

test('fails for an id that would lead elsewhere', async () => {
  const { api } = await answering([[200, [{ id: 'agent-../../x', tags: [] }]]]);
  await expect(api.agents().next()).rejects.toThrow('no id');
});
