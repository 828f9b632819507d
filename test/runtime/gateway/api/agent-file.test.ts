import fc from 'fast-check';
import { RouteGroup } from '../../../../runtime/contract';
import { judgeImport } from '../../../../runtime/gateway/api/agent-file';
import { buildMultipart, MultipartError, parseMultipart } from '../../../../runtime/gateway/api/multipart';

const NONE = new Set<RouteGroup>();
const MCP = new Set<RouteGroup>([RouteGroup.MCP_SERVERS]);
const ALLOWED = new Set(['mcp.example.com:443']);

/** As Letta 0.16.8 exports one of its own tools: its source is not in the database. */
const ownTool = {
  id: 'tool-0',
  tool_type: 'letta_core',
  name: 'send_message',
  source_code: null,
  source_type: 'python',
  tags: ['letta_core'],
  json_schema: { name: 'send_message' },
  return_char_limit: 50000,
  pip_requirements: null,
};
const mcpTool = {
  id: 'tool-1',
  tool_type: 'external_mcp',
  name: 'find',
  tags: ['mcp:s'],
  source_code: 'def find(): 1',
};
const customTool = { id: 'tool-2', tool_type: 'custom', name: 'spy', source_code: 'import os' };

const agentFile = (more: object = {}) => ({
  agents: [{ id: 'agent-0', name: 'A', tool_ids: ['tool-0'] }],
  groups: [],
  blocks: [],
  files: [],
  sources: [],
  tools: [ownTool],
  mcp_servers: [],
  ...more,
});

function form(file: string | Buffer | object, fields: Record<string, string> = {}) {
  const value = typeof file === 'string' || Buffer.isBuffer(file) ? file : JSON.stringify(file);
  return buildMultipart([
    { name: 'file', isFile: true, value: Buffer.from(value) },
    ...Object.entries(fields).map(([name, text]) => ({ name, isFile: false, value: Buffer.from(text) })),
  ]);
}

function judge(file: string | Buffer | object, { fields = {}, opened = NONE as ReadonlySet<RouteGroup> } = {}) {
  const { contentType, body } = form(file, fields);
  const judged = judgeImport(contentType, body, opened, ALLOWED);
  if ('status' in judged) return judged;
  const parts = new Map(parseMultipart(judged.contentType, judged.body).map((part) => [part.name, part]));
  return {
    file: JSON.parse(parts.get('file')!.value.toString()) as Record<string, unknown>,
    text: judged.body.toString(),
    fields: Object.fromEntries(
      [...parts].filter(([name]) => name !== 'file').map(([name, { value }]) => [name, value.toString()]),
    ),
  };
}

test('a file with nothing but Letta’s own tools passes, its tools reduced to their names', () => {
  expect(judge(agentFile(), { fields: { name: 'ünï', secrets: '{"a":"b"}' } })).toMatchObject({
    file: {
      agents: [{ id: 'agent-0', name: 'A', tool_ids: ['tool-0'] }],
      tools: [
        {
          id: 'tool-0',
          name: 'send_message',
          tool_type: 'letta_core',
          tags: ['letta_core'],
          source_type: 'python',
        },
      ],
    },
    fields: { name: 'ünï', secrets: '{"a":"b"}', override_existing_tools: 'false' },
  });
});

test('tools that all agents share are never overwritten, whatever the form says', () => {
  expect(judge(agentFile(), { fields: { override_existing_tools: 'true' } })).toMatchObject({
    fields: { override_existing_tools: 'false' },
  });
});

test.each([
  ['a tool of the caller’s', customTool],
  ['one without a type, which Letta takes for the caller’s', { ...customTool, tool_type: undefined }],
  ['one named like Letta’s own', { ...customTool, name: 'send_message' }],
  ['one that says to be Letta’s own', { ...customTool, tool_type: 'letta_core' }],
  ['source in a type that Letta runs', { ...ownTool, tool_type: 'letta_multi_agent_core', source_code: 'import os' }],
  ['source in a type that Letta does not run', { ...ownTool, source_code: 'import os' }],
  ['source that is no text', { ...ownTool, source_code: ['import os'] }],
  ['a type of another release', { ...customTool, tool_type: 'external_langchain' }],
  ['a type that every object has', { ...ownTool, tool_type: 'constructor' }],
  ['a caller’s tool without source', { ...customTool, source_code: null }],
])('%s: refused, naming the tool and the prop', (_what, tool) => {
  expect(judge(agentFile({ tools: [ownTool, tool] }))).toEqual({
    status: 403,
    detail: expect.stringMatching(new RegExp(`tool "${tool.name}" .*the LettaService prop \`customTools\`$`)),
  });
});

test('packages that a tool would install do not get through', () => {
  const judged = judge(agentFile({ tools: [{ ...ownTool, pip_requirements: [{ name: 'evil' }] }] }));
  expect(JSON.stringify(judged)).not.toContain('evil');
});

describe('with a tool sandbox', () => {
  const opened = new Set<RouteGroup>([RouteGroup.CUSTOM_TOOLS]);
  const schema = { name: 'spy', parameters: { type: 'object', properties: {} } };
  const tool = { ...customTool, json_schema: schema, pip_requirements: [{ name: 'requests' }] };

  test('a tool of the caller’s passes with its source, as what goes to the sandbox', () => {
    const more = { metadata_: { sandbox: 'modal' }, project_id: 'p', organization_id: 'o' };
    const tools = [ownTool, { ...tool, ...more, tool_type: undefined }];
    const judged = judge(agentFile({ tools }), { opened, fields: { override_existing_tools: 'true' } });
    expect(judged).toMatchObject({ fields: { override_existing_tools: 'false' } });
    expect((judged as unknown as { file: { tools: unknown[] } }).file.tools[1]).toEqual(tool);
  });

  test.each([
    [
      'of the name of one of Letta’s own',
      { ...tool, name: 'send_message', json_schema: { name: 'send_message' } },
      403,
    ],
    ['of another type', { ...tool, tool_type: 'letta_multi_agent_core' }, 403],
    ['of a type of another release', { ...tool, tool_type: 'external_langchain' }, 403],
    ['that has another name for the model', { ...tool, json_schema: { name: 'send_message' } }, 400],
    ['without a schema', { ...tool, json_schema: null }, 400],
    ['without source', { ...tool, source_code: null }, 400],
    ['of an MCP server', mcpTool, 403],
  ])('a tool %s is refused', (_what, other, status) => {
    expect(judge(agentFile({ tools: [other] }), { opened })).toMatchObject({ status });
  });

  test('a tool with the name of one of Letta’s own is told that it is the name, not that the sandbox is missing', () => {
    const other = { ...tool, name: 'send_message', json_schema: { name: 'send_message' } };
    expect(judge(agentFile({ tools: [other] }), { opened })).toEqual({
      status: 403,
      detail: `the agent file's tool "send_message" has the name of a tool of Letta's own, which all agents share: give it another name`,
    });
  });
});

describe('MCP servers and their tools', () => {
  const mcpServer = {
    id: 'mcp_server-0',
    server_type: 'sse',
    server_name: 'mine',
    server_url: 'https://mcp.example.com/sse',
  };

  test.each([
    ['a server', { mcp_servers: [{ id: 'mcp_server-0', server_type: 'sse', server_name: 's' }] }],
    ['a server’s tool', { tools: [mcpTool] }],
  ])('%s needs its prop', (_what, more) => {
    expect(judge(agentFile(more))).toEqual({ status: 403, detail: expect.stringContaining('`mcpServers`') });
  });

  test('pass with it, without the source that Letta once made for them', () => {
    const more = { tools: [mcpTool], mcp_servers: [mcpServer] };
    expect(judge(agentFile(more), { opened: MCP })).toMatchObject({
      file: { mcp_servers: [mcpServer], tools: [{ ...mcpTool, source_code: null }] },
    });
    expect(judge(agentFile({ tools: [customTool] }), { opened: MCP })).toMatchObject({ status: 403 });
  });

  test.each([
    ['over stdio', { server_type: 'stdio', stdio_config: { command: 'id', args: [] } }, 403],
    ['with a process beside its address', { server_url: 'https://mcp.example.com/', stdio_config: {} }, 403],
    ['that nothing may reach', { server_type: 'sse', server_url: 'https://evil.example.com/' }, 403],
    ['with a password in its address', { server_type: 'sse', server_url: 'https://a:b@mcp.example.com/' }, 400],
  ])('a server %s is refused with it as well', (_what, server, status) => {
    expect(judge(agentFile({ mcp_servers: [server] }), { opened: MCP })).toMatchObject({ status });
  });

  test.each([
    ['no address', { server_url: undefined }],
    ['null for an address', { server_url: null, server_type: 'streamable_http' }],
    ['no type', { server_type: undefined }],
    ['a type that Letta has not', { server_type: 'SSE' }],
    ['no name', { server_name: undefined }],
  ])('a server with %s is refused: Letta would keep it, and could list none any more', (_what, fields) => {
    expect(judge(agentFile({ mcp_servers: [{ ...mcpServer, ...fields }] }), { opened: MCP })).toEqual({
      status: 400,
      detail: expect.stringContaining('wanted sse or streamable_http, a name and an http(s) address'),
    });
  });

  test('a server that is allowed passes', () => {
    const mcp_servers = [
      { ...mcpServer, stdio_config: null },
      { ...mcpServer, server_type: 'streamable_http' },
    ];
    expect(judge(agentFile({ mcp_servers }), { opened: MCP })).toMatchObject({ file: { mcp_servers } });
  });
});

describe('what another parser might read differently', () => {
  const text = JSON.stringify(agentFile());

  test('keys given twice: Letta gets the one that was judged', () => {
    const twice = text.replace('"tools":', `"tools":[${JSON.stringify(customTool)}],"tools":`);
    expect(judge(twice)).toMatchObject({ text: expect.not.stringContaining('import os') });
    const other = `${text.slice(0, -1)},"tools":[${JSON.stringify(customTool)}]}`;
    expect(judge(other)).toMatchObject({ status: 403 });
  });

  test('a file that is encoded twice is read as Letta reads it', () => {
    expect(judge(JSON.stringify(text))).toMatchObject({ file: { agents: [{ id: 'agent-0' }] } });
    expect(judge(JSON.stringify(JSON.stringify(agentFile({ tools: [customTool] }))))).toMatchObject({ status: 403 });
  });

  test.each([
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['NaN, which Python takes', text.replace('"groups":[]', '"groups":NaN')],
    ['no JSON', 'agents: []'],
    ['the format of one agent', JSON.stringify({ agent_type: 'x', tools: [customTool] })],
    ['agents that are no list', JSON.stringify(agentFile({ agents: {} }))],
    ['tools that are no list', JSON.stringify(agentFile({ tools: { 0: customTool } }))],
    ['no tools', JSON.stringify(agentFile({ tools: undefined }))],
    ['MCP servers that are no list', JSON.stringify(agentFile({ mcp_servers: { 0: {} } }))],
    ['a tool that is no object', JSON.stringify(agentFile({ tools: ['send_message'] }))],
  ])('%s: 400', (_what, file) => {
    expect(judge(file)).toMatchObject({ status: 400, detail: expect.any(String) });
  });

  const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const holding = (value: string) => text.replace('"groups":[]', `"groups":${value}`);
  const keys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join()}}`;

  test.each([
    ['nested without end', '['.repeat(2_000_000), 'nested deeper than 64 levels'],
    ['nested deeply, again and again', holding(`[${Array(500).fill(lists(2_000)).join()}]`), 'nested deeper than 64'],
    ['of very many keys', holding(keys(50_001)), 'of more than 50000 values'],
    ['of very many lists', holding(`[${Array(50_001).fill('[]').join()}]`), 'of more than 50000 values'],
    ['of very many keys, encoded twice', JSON.stringify(holding(keys(50_001))), 'of more than 50000 values'],
  ])('%s: 400, before it is parsed', (_what, file, detail) => {
    expect(judge(file)).toEqual({ status: 400, detail: expect.stringContaining(`the agent file is ${detail}`) });
  });

  test('what only looks like that within a text is a text', () => {
    const value = JSON.stringify(`\\"${'['.repeat(100)}${','.repeat(60_000)}`);
    expect(judge(holding(`[${lists(61)},${value}]`))).toMatchObject({
      file: { groups: [expect.anything(), JSON.parse(value)] },
    });
    expect(judge(holding(lists(64)))).toMatchObject({ status: 400 });
  });

  const clean = { name: 'file', isFile: true, value: Buffer.from(text) };
  test.each([
    ['two files', [clean, clean], /twice/],
    ['a field that the import does not know', [clean, { name: 'x', isFile: false, value: Buffer.from('') }], /"x"/],
    ['a file in another field', [clean, { name: 'name', isFile: true, value: Buffer.from('') }], /one file/],
    ['no file', [{ name: 'name', isFile: false, value: Buffer.from('') }], /no field "file"/],
    ['a file without a file name', [{ ...clean, isFile: false }], /one file/],
  ])('%s: 400', (_what, parts, detail) => {
    const { contentType, body } = buildMultipart(parts);
    expect(judgeImport(contentType, body, NONE, ALLOWED)).toEqual({
      status: 400,
      detail: expect.stringMatching(detail),
    });
  });

  const part = (headers: string) => `--b\r\n${headers}\r\n\r\nx\r\n--b--\r\n`;
  const plain = 'Content-Disposition: form-data; name="a"';
  test.each([
    ['no boundary', 'multipart/form-data', part(plain)],
    ['a second parameter', 'multipart/form-data; boundary=b; boundary=c', part(plain)],
    ['another type', 'application/json', '{}'],
    ['something before the first boundary', 'multipart/form-data; boundary=b', `x\r\n${part(plain)}`],
    ['something after the last one', 'multipart/form-data; boundary=b', `${part(plain)}x`],
    ['no last boundary', 'multipart/form-data; boundary=b', '--b\r\n\r\nx'],
    ['a boundary that goes on', 'multipart/form-data; boundary=b', part(plain).replace('x\r\n--b', 'x\r\n--bc\r\n--b')],
    ['a boundary that runs into a header', 'multipart/form-data; boundary=b', part(plain).replace('\r\n', 'xx')],
    ['bare line feeds', 'multipart/form-data; boundary=b', part(plain).replaceAll('\r\n', '\n')],
    ['a transfer encoding', 'multipart/form-data; boundary=b', part(`${plain}\r\nContent-Transfer-Encoding: base64`)],
    ['a header twice', 'multipart/form-data; boundary=b', part(`${plain}\r\n${plain}`)],
    ['a folded header', 'multipart/form-data; boundary=b', part(`${plain}\r\n ; filename="x"`)],
    ['an escaped name', 'multipart/form-data; boundary=b', part('Content-Disposition: form-data; name="a\\"b"')],
    ['a name twice', 'multipart/form-data; boundary=b', part(`${plain}; name="file"`)],
    ['an extended name', 'multipart/form-data; boundary=b', part(`Content-Disposition: form-data; name*=utf-8''a`)],
    ['no name', 'multipart/form-data; boundary=b', part('Content-Disposition: form-data')],
  ])('a form with %s is refused', (_what, contentType, body) => {
    expect(() => parseMultipart(contentType, Buffer.from(body))).toThrow(MultipartError);
  });

  test('a form is written so that it reads the same again, whatever is in it', () => {
    const value = fc.oneof(
      fc.uint8Array(),
      fc.constantFrom('\r\n--', '--b--\r\n', '\r\n\r\n').map((s) => Buffer.from(s)),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.constantFrom('a', 'b'), isFile: fc.boolean(), value })), (parts) => {
        const wanted = parts.map((one) => ({ ...one, value: Buffer.from(one.value) }));
        const { contentType, body } = buildMultipart(wanted);
        expect(parseMultipart(contentType, body)).toEqual(wanted);
      }),
    );
  });

  test('no bytes make the reader throw anything but its refusal', () => {
    const piece = fc.constantFrom('--b', '\r\n', '--', plain, '\r\n\r\n', '; filename="f"', text, '{}', '\0', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const judged = judgeImport(
          'multipart/form-data; boundary=b',
          Buffer.from(`--b\r\n${pieces.join('')}`),
          NONE,
          ALLOWED,
        );
        expect('status' in judged ? [400, 403].includes(judged.status) : judged.body.length > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
