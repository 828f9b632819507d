import fc from 'fast-check';
import { RouteGroup } from '../../../../runtime/contract';
import { parseRequestTarget } from '../../../../runtime/gateway/api/request-target';
import { routeJudge, routeTable } from '../../../../runtime/gateway/api/route-verdicts';

const NONE = new Set<RouteGroup>();
const ALL = new Set<RouteGroup>(Object.values(RouteGroup));

function judge(request: string, opened: ReadonlySet<RouteGroup> = NONE, administrator = false) {
  const [method, raw] = request.split(' ');
  const parsed = parseRequestTarget(raw);
  if (!('target' in parsed)) throw new Error(`not in normal form: ${raw}`);
  return routeJudge(opened)(method, parsed.target.segments, administrator);
}

describe.each([
  [
    RouteGroup.CUSTOM_TOOLS,
    [
      'POST /v1/tools/',
      'POST /v1/tools',
      'PUT /v1/tools/',
      'PATCH /v1/tools/tool-1',
      'POST /v1/tools/run',
      'POST /v1/tools/run/',
      'POST /latest/tools/run',
      'POST /v1/tools/generate-tool',
      'POST /v1/tools/generate-schema',
      'POST /v1/agents/agent-1/tools/my_tool/run',
      'GET /v1/sandbox-config/',
      'PATCH /v1/sandbox-config/environment-variable/x',
    ],
  ],
  [
    RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
    ['POST /v1/sandbox-config/local', 'POST /v1/sandbox-config/local/recreate-venv'],
  ],
  [
    RouteGroup.EXTERNAL_PROVIDERS,
    [
      'POST /v1/providers/',
      'PATCH /v1/providers/provider-1',
      'DELETE /v1/providers/provider-1',
      'POST /v1/providers/check',
      'POST /v1/providers/provider-1/check',
      'PATCH /v1/providers/provider-1/refresh',
      'POST /v1/messages/batches',
      'POST /v1/voice-beta/agent-1/chat/completions',
    ],
  ],
  [
    RouteGroup.MCP_SERVERS,
    [
      'GET /v1/mcp-servers/',
      'POST /v1/mcp-servers/',
      'POST /v1/mcp-servers/mcp-1/tools/tool-1/run',
      'GET /v1/mcp-servers/connect/mcp-1',
      'GET /v1/tools/mcp/servers',
      'PUT /v1/tools/mcp/servers',
      'POST /v1/tools/mcp/servers/connect',
      'POST /v1/tools/mcp/servers/a/b',
      'GET /v1/tools/mcp/oauth/callback',
    ],
  ],
])('routes that %s opens', (group, requests) => {
  test.each(requests)('%s', (request) => {
    expect(judge(request)).toMatchObject({
      allowed: false,
      status: 403,
      detail: expect.stringContaining(`\`${group}\``),
    });
    // Tools in the Letta container are as much a caller's as those of a sandbox.
    const same = group === RouteGroup.CUSTOM_TOOLS ? RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER : group;
    const others = new Set([...ALL].filter((other) => other !== group && other !== same));
    expect(judge(request, others)).toMatchObject({ allowed: false });
    expect(judge(request, new Set([group]))).toMatchObject({ allowed: true });
  });
});

test('an import of agents is opened by its prop, and its body is read before it is forwarded', () => {
  const request = 'POST /v1/agents/import';
  expect(judge(request)).toMatchObject({ status: 403, detail: expect.stringContaining('`agentImport`') });
  const opened = judge(request, new Set([RouteGroup.AGENT_IMPORT]));
  expect(opened).toMatchObject({ allowed: true, traits: { body: 'agent-file' } });
});

describe.each([
  'GET /v1/admin/users/',
  'POST /v1/admin/users',
  'PUT /v1/admin/users/',
  'DELETE /v1/admin/orgs/',
  'PATCH /latest/admin/orgs/',
  'GET /v1/providers/',
  'GET /v1/providers/provider-1',
  'DELETE /v1/tools/tool-1',
  'POST /v1/tools/add-base-tools',
  'GET /v1/steps/step-1/trace',
  'GET /v1/runs/run-1/trace',
  'GET /v1/telemetry/step-1',
  'GET /v1/embeddings/total_storage_size',
])('%s', (request) => {
  test('is open to administrators, and tells everybody else how one becomes one', () => {
    expect(judge(request, NONE, true)).toMatchObject({ allowed: true });
    expect(judge(request)).toMatchObject({
      status: 403,
      detail: expect.stringMatching(/open to administrators only: .+ `administratorPassword`/),
    });
  });
});

test('what opens tools in the Letta container opens what a sandbox for them does', () => {
  const [sandbox, unsafe] = [RouteGroup.CUSTOM_TOOLS, RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER];
  for (const request of ['POST /v1/tools/', 'POST /v1/tools/run', 'GET /v1/sandbox-config/']) {
    expect(judge(request, new Set([sandbox]))).toMatchObject({ allowed: true });
    expect(judge(request, new Set([unsafe]))).toMatchObject({ allowed: true });
  }
  expect(judge('POST /v1/sandbox-config/local/recreate-venv', new Set([sandbox]))).toMatchObject({ allowed: false });
});

test('who may change tools by a prop may remove them too, without being an administrator', () => {
  const opened = new Set([RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER]);
  expect(judge('DELETE /v1/tools/tool-1', opened)).toMatchObject({ allowed: true });
  expect(judge('GET /v1/admin/users', ALL)).toMatchObject({ allowed: false });
});

test('an administrator opens nothing that a prop of the deployment closes', () => {
  const closed = ['POST /v1/tools/run', 'POST /v1/providers/', 'GET /v1/mcp-servers/', 'POST /v1/agents/import'];
  for (const request of [...closed, 'GET /v1/messages/', 'POST /v1/auth']) {
    expect([request, judge(request, NONE, true)]).toMatchObject([request, { allowed: false, status: 403 }]);
  }
});

test('turns are the routes that call a model while the request is open', () => {
  const turns = routeTable().filter(({ rule }) => rule.turn);
  expect(turns.map(({ methods, pattern }) => `${methods.join()} ${pattern}`).sort()).toEqual([
    'POST /agents/*/generate',
    'POST /agents/*/messages',
    'POST /agents/*/messages/stream',
    'POST /agents/*/summarize',
    'POST /chat/completions',
    'POST /conversations/*/compact',
    'POST /conversations/*/messages',
    'POST /tools/generate-tool',
    'POST /voice-beta/*/chat/completions',
  ]);
  expect(judge('POST /v1/agents/agent-1/messages')).toMatchObject({ traits: { turn: true } });
  expect(judge('GET /v1/agents/agent-1/messages')).toMatchObject({ traits: { turn: undefined } });
});

test.each([
  'GET /v1/messages',
  'GET /v1/messages/',
  'GET /latest/messages/',
  'POST /v1/agents/agent-1/messages/capture',
  'POST /v1/auth',
  'POST /v1/anthropic/v1/messages',
  'GET /v1/zai/v1/models',
  'GET /v1/git/agent-1/state.git/info/refs',
  'POST /v1/_internal_templates/agents',
  'GET /v1/_internal_runs/',
  'GET /v1/_internal_blocks/',
])('%s stays closed whatever is opened', (request) => {
  expect(judge(request, ALL)).toMatchObject({ allowed: false, status: 403 });
  expect(judge(request, ALL, true)).toMatchObject({ allowed: false, status: 403 });
});

test.each([
  'GET /',
  'GET /docs',
  'GET /openapi.json',
  'GET /v1',
  'GET /V1/agents/',
  'GET /v1/Agents/',
  'GET /v2/agents/',
  'GET /agents/',
  'POST /v1/new-route-of-a-later-release',
  'HEAD /v1/agents/',
  'OPTIONS /v1/agents/',
  'TRACE /v1/agents/',
  'PUT /v1/agents/',
  'get /v1/agents/',
  'POST /v1/tools/constructor',
  'GET /v1/__proto__',
  'POST /v1/tools/RUN',
])('%s is not in the table, so it is refused', (request) => {
  expect(judge(request, ALL)).toMatchObject({ allowed: false, status: 404 });
});

test.each([
  'GET /v1/health/',
  'POST /v1/agents/',
  'PATCH /v1/agents/agent-1',
  'POST /v1/agents/agent-1/messages',
  'POST /v1/agents/agent-1/messages/stream',
  'POST /v1/agents/agent-1/messages/async',
  'POST /v1/agents/agent-1/messages/cancel',
  'POST /v1/agents/agent-1/archival-memory',
  'GET /v1/agents/agent-1/archival-memory/search?query=x',
  'GET /v1/models/',
  'GET /v1/models/embedding',
  'GET /v1/tools/',
  'GET /v1/runs/run-1',
  'POST /v1/folders/source-1/upload',
  'DELETE /v1/sources/source-1/file-1',
])('%s is open', (request) => {
  expect(judge(request)).toMatchObject({ allowed: true });
});

test('no row of the table is shadowed into openness by another: every closed row judges its own paths as closed', () => {
  for (const { methods, pattern, rule } of routeTable()) {
    if (rule.kind === 'open') continue;
    const path = pattern.replace('**', 'x').replaceAll('*', 'x');
    for (const method of methods)
      expect(judge(`${method === '*' ? 'POST' : method} /v1${path}`)).toMatchObject({ allowed: false });
  }
});

test('nothing that starts with a closed folder is ever allowed, and nothing outside /v1 and /latest is', () => {
  const segment = fc.constantFrom(
    'tools',
    'run',
    'mcp',
    'servers',
    'x',
    'agents',
    'import',
    'admin',
    'users',
    'messages',
    'v1',
    'git',
  );
  const [all, none] = [routeJudge(ALL), routeJudge(NONE)];
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'PROPFIND');
  fc.assert(
    fc.property(method, fc.array(segment, { maxLength: 5 }), (verb, path) => {
      expect(
        all(
          verb,
          path.filter((part) => part !== 'v1'),
          true,
        ).allowed,
      ).toBe(false);
      for (const closed of [['git'], ['anthropic'], ['_internal_agents']]) {
        expect(all(verb, ['v1', ...closed, ...path], true).allowed).toBe(false);
      }
      for (const closed of [['tools', 'mcp'], ['mcp-servers'], ['sandbox-config']]) {
        expect(none(verb, ['v1', ...closed, ...path], true).allowed).toBe(false);
      }
    }),
    { numRuns: 1_000 },
  );
});
