import { Port } from '../../../runtime/contract';
import { routeTable } from '../../../runtime/gateway/api/route-verdicts';
import { askInside } from '../../lab/inside';
import type { Deployed } from '../deployed';

interface Operation {
  readonly method: string;
  readonly path: string;
}

/** What Letta 0.16.8 serves by its own document. Another number is another server: somebody has to read what is new. */
const DOCUMENTED = { operations: 249, paths: 192 };

/** Rows for what Letta serves but leaves out of its document, with a path of each. */
const UNDOCUMENTED: Record<string, string> = {
  '/agents/*/messages/capture': '/v1/agents/agent-0/messages/capture',
  '/anthropic/**': '/v1/anthropic/v1/messages',
  '/git/**': '/v1/git/agent-0/state.git/info/refs',
  '/zai/**': '/v1/zai/v1/messages',
};

/** Compares the gateway's table with the routes of the server that runs. */
export function routeTableSuite(deployed: Deployed): void {
  describe('the table of routes', () => {
    let operations: Operation[];
    const ask = (...requests: Operation[]) =>
      askInside(
        deployed.lab.service!.network,
        requests.map((request) => ({ ...request, port: Port.LETTA })),
      );
    beforeAll(async () => {
      const [answer] = await ask({ method: 'GET', path: '/openapi.json' });
      expect(answer.status).toBe(200);
      const { paths } = JSON.parse(answer.body) as { paths: Record<string, Record<string, unknown>> };
      operations = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
      );
    });

    test(`has a row for each of the ${DOCUMENTED.operations} operations on ${DOCUMENTED.paths} paths of the server's OpenAPI document`, () => {
      const rows = routeTable();
      const covers = ({ pattern, methods }: (typeof rows)[number], { method, path }: Operation) =>
        (methods.includes(method) || methods.includes('*')) && isCovered(pattern, patternOf(path));
      expect(operations.filter((operation) => !rows.some((row) => covers(row, operation)))).toEqual([]);
      const paths = new Set(operations.map(({ path }) => path));
      expect({ operations: operations.length, paths: paths.size }).toEqual(DOCUMENTED);
    });

    test('has no row, and in a row no method, that the server does not have', async () => {
      const unused = routeTable()
        .flatMap(({ pattern, methods }) => methods.map((method) => ({ pattern, method })))
        .filter((row) => !operations.some((operation) => serves(operation, row)));
      const onFolders = unused.filter(({ pattern, method }) => !(method !== '*' && pattern.endsWith('**')));
      expect([...new Set(onFolders.map(({ pattern }) => pattern))].sort()).toEqual(Object.keys(UNDOCUMENTED));
      // Letta answers 404 where it has no route, and 405 where it has one, but not with this method.
      const answers = await ask(
        { method: 'PROPFIND', path: '/v1/no-such-route' },
        ...Object.values(UNDOCUMENTED).map((path) => ({ method: 'PROPFIND', path })),
      );
      expect(answers.map(({ status }) => status)).toEqual([404, 405, 405, 405, 405]);
    });

    test('lets nobody through to a route that it does not have', async () => {
      const answers = await Promise.all([
        deployed.request('GET', '/v1/no-such-route'),
        deployed.request('PUT', '/v1/agents/'),
        deployed.request('GET', '/openapi.json'),
        deployed.request('GET', '/docs'),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
      for (const answer of answers) expect(await answer.text()).toContain('no route of this method and path');
    });
  });
}

/** A path of the document as the table writes it. */
function patternOf(path: string): string {
  return path
    .replace(/^\/v1/, '')
    .replace(/\/$/, '')
    .replace(/\{[^}]*\}/g, '*');
}

function isCovered(row: string, pattern: string): boolean {
  return row.endsWith('/**') ? `${pattern}/`.startsWith(row.slice(0, -2)) : row === pattern;
}

function serves({ method, path }: Operation, row: { pattern: string; method: string }): boolean {
  return (row.method === '*' || row.method === method) && isCovered(row.pattern, patternOf(path));
}
