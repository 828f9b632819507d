import fc from 'fast-check';
import { RouteGroup } from '../../../../runtime/contract';
import { judgeMcpBody, JudgedMcpBody } from '../../../../runtime/gateway/api/mcp-server';
import { apiFronts, AUTH } from './api-front-parts';

const ALLOWED = new Set(['mcp.example.com:443', '10.2.0.7:8443', '[2001:db8::7]:80']);
const judge = (body: unknown): JudgedMcpBody => judgeMcpBody(Buffer.from(JSON.stringify(body)), ALLOWED);
const at = (server_url: unknown) => judge({ server_name: 's', type: 'sse', server_url });

describe('a process for an MCP server is refused, however it is said', () => {
  const stdio = { server_name: 's', command: 'sh', args: ['-c', 'id'] };
  test.each<[string, object]>([
    ['by its type', { server_name: 's', type: 'stdio', server_url: 'https://mcp.example.com/' }],
    ['by a command without a type', stdio],
    ['by a command with another type', { ...stdio, type: 'sse', server_url: 'https://mcp.example.com/' }],
    ['within a config', { server_name: 's', config: { ...stdio, mcp_server_type: 'stdio' } }],
    ['within a config, by its type alone', { config: { mcp_server_type: 'stdio', command: null, args: null } }],
    ['by a change of the process', { stdio_config: stdio }],
  ])('%s', (_how, body) => {
    expect(judge(body)).toEqual({ status: 403, detail: expect.stringMatching(/over stdio .*`server_url`/) });
  });
});

describe('the address of an MCP server', () => {
  test.each([
    'https://mcp.example.com/mcp?a=b',
    'HTTPS://MCP.example.com',
    'https://mcp.example.com:443/',
    'http://10.2.0.7:8443/sse',
    'http://[2001:DB8:0::7]/',
  ])('%s passes where `allowedEgress` holds it', (url) => {
    const judged = at(url);
    expect('body' in judged && JSON.parse(judged.body.toString())).toMatchObject({ server_url: url });
  });

  test.each([
    'http://mcp.example.com/',
    'https://mcp.example.com:8443/',
    'https://evil.example.com/',
    'http://127.0.0.1:4566/',
    'http://localhost:3000/',
    'http://169.254.170.2/v2/credentials',
  ])('%s is refused, and the prop named', (url) => {
    expect(at(url)).toEqual({ status: 403, detail: expect.stringContaining('`allowedEgress`') });
    expect(judge({ config: { mcp_server_type: 'sse', server_url: url } })).toMatchObject({ status: 403 });
  });

  test.each([
    'https://user:secret@mcp.example.com/',
    'https://mcp.example.com:443@evil.example.com/',
    'https://evil.example.com\\@mcp.example.com/',
    'https://mcp.example.com\\.evil.example.com/',
    'https://mcp.example.com:443:80/',
    'https://{{ HOST }}/',
    ' https://mcp.example.com/',
    'https://mcp.example.com/\n',
    'https://mcp.example.com\t/',
    'https://ｍcp.example.com/',
    'ws://mcp.example.com/',
    'file:///etc/passwd',
    'mcp.example.com/mcp',
    '',
    7,
    ['https://mcp.example.com/'],
  ])('%j is refused, as it cannot be judged', (url) => {
    const judged = at(url);
    expect(judged).toEqual({ status: 400, detail: expect.stringContaining('`server_url`') });
    expect(JSON.stringify(judged)).not.toContain('secret');
  });

  test('whatever passes leads to an allowed destination, as another parser reads it', () => {
    const piece = fc.constantFrom('https://', 'http:', '//', 'mcp.example.com', 'evil', '@', ':', '443', '\\', '/', '?', '#', '.', '%40', '\t', ' '); // prettier-ignore
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const url = `https://${pieces.join('')}`;
        if ('status' in at(url)) return;
        const { protocol, username, host } = new URL(url);
        expect([protocol, username, host]).toEqual(['https:', '', 'mcp.example.com']);
      }),
      { numRuns: 10_000 },
    );
  });
});

test.each<[string, string | Buffer]>([
  ['no JSON', 'server_name=s'],
  ['UTF-16', Buffer.from('{"type":"stdio"}', 'utf16le')],
  ['what only Python takes for JSON', '{"server_name": NaN}'],
  ['not UTF-8', Buffer.from('{"server_name":"\xff"}', 'latin1')],
  ['a list', '[{"type":"stdio"}]'],
  ['a config in text', '{"config":"{}"}'],
  ['deeply nested', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
])('a body that is %s is refused', (_what, body) => {
  expect(judgeMcpBody(Buffer.from(body), ALLOWED)).toMatchObject({ status: 400 });
});

test('Letta reads what was judged: one key of each name, in UTF-8', () => {
  const judged = judgeMcpBody(Buffer.from('{"type":"stdio","type":"sse","server_name":"ü"}'), ALLOWED);
  expect('body' in judged && judged.body.toString()).toBe('{"type":"sse","server_name":"ü"}');
});

describe('in the API front', () => {
  const start = apiFronts();
  const front = (opened: RouteGroup[] = [RouteGroup.MCP_SERVERS]) =>
    start({ openRoutes: new Set(opened), allowedEgress: ALLOWED });
  const json = { ...AUTH, 'content-type': 'application/json' };
  const stdio = JSON.stringify({ server_name: 's', command: 'id', args: [], config: { command: 'id' } });
  const inChunks = () => new Blob([stdio]).stream();

  test.each([
    ['POST', '/v1/mcp-servers/'],
    ['PATCH', '/v1/mcp-servers/mcp_server-1'],
    ['PUT', '/v1/tools/mcp/servers'],
    ['PATCH', '/latest/tools/mcp/servers/s'],
    ['POST', '/v1/tools/mcp/servers/test'],
    ['POST', '/v1/tools/mcp/servers/connect'],
  ])('%s %s is judged, also with all that can be opened', async (method, path) => {
    const { origin, seen } = await front(Object.values(RouteGroup));
    const ask = async (body: string | ReadableStream, headers: Record<string, string> = json) =>
      (await fetch(origin + path, { method, headers, body, duplex: 'half' } as RequestInit)).status;
    expect(await ask(stdio)).toBe(403);
    expect(await ask(stdio, { ...AUTH, 'content-type': 'text/plain' })).toBe(403);
    expect(await ask(inChunks())).toBe(403);
    expect(await ask(`{"a":"${'a'.repeat(65_536)}"}`)).toBe(413);
    expect(seen).toEqual([]);
    const body = JSON.stringify({
      server_url: 'https://mcp.example.com/mcp',
      custom_headers: { 'X-Key': '{{ KEY }}' },
    });
    expect(await ask(body)).toBe(200);
    expect(seen.map((request) => request.body.toString())).toEqual([body]);
  });

  test.each(['/v1/mcp-servers/mcp_server-1/tools/tool-1/run', '/v1/tools/mcp/servers/s/tools/t/execute'])(
    'arguments of a tool pass as they are: %s',
    async (path) => {
      const { origin, seen } = await front();
      const body = '{"args": {"command": "stdio", "id": 12345678901234567890}}';
      expect((await fetch(origin + path, { method: 'POST', headers: json, body })).status).toBe(200);
      expect(seen[0].body.toString()).toBe(body);
    },
  );

  test('what has no body needs none', async () => {
    const { origin, seen } = await front();
    for (const [method, path] of [
      ['PATCH', '/v1/mcp-servers/m/refresh'],
      ['POST', '/v1/tools/mcp/servers/s/resync'],
    ]) {
      expect((await fetch(origin + path, { method, headers: AUTH })).status).toBe(200);
    }
    expect(seen).toHaveLength(2);
  });
});
