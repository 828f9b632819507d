import { RouteGroup } from '../contract';

/**
 * What the API front does with each route of Letta 0.16.8, from its routers (`letta/server/rest_api/routers/v1`). A route
 * that is not in the table is refused: a server that grows a route does not grow a hole.
 */
type Rule =
  | { readonly kind: 'open' }
  /** Closed until every one of these groups is opened. */
  | { readonly kind: 'closed'; readonly groups: readonly RouteGroup[]; readonly why: string }
  | { readonly kind: 'never'; readonly why: string };

export type Verdict =
  | { readonly allowed: true; readonly route: string }
  | { readonly allowed: false; readonly status: 403 | 404; readonly detail: string; readonly route?: string };

const open: Rule = { kind: 'open' };
const closed = (why: string, ...groups: RouteGroup[]): Rule => ({ kind: 'closed', groups, why });
const never = (why: string): Rule => ({ kind: 'never', why });

const toolCode = closed(
  "it puts or runs a caller's code in the Letta container",
  RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
);
const provider = closed('it adds or uses a model provider other than Amazon Bedrock', RouteGroup.EXTERNAL_PROVIDERS);
const mcp = closed('it makes the server connect to or start an MCP server', RouteGroup.MCP_SERVERS);
/** Agent files carry tool source, so an import is also a way to place code. */
const agentFile = closed(
  'an agent file may carry tool source code',
  RouteGroup.AGENT_IMPORT,
  RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
);
const everybody = never('it answers with the messages of every organization');
const administration = never('it creates, lists and removes organizations and users whoever asks');
const passThrough = never("it forwards the call to another company's API");
const internal = never("it belongs to the vendor's own cloud");

/** Paths below `/v1` and `/latest`, without trailing slash; `*` is one segment, `**` the folder and all in it. */
const ROUTES: Readonly<Record<string, readonly (readonly [methods: string, rule: Rule])[]>> = {
  '/health': [['GET', open]],
  '/ready': [['GET', open]],

  '/agents': [['GET POST', open]],
  '/agents/count': [['GET', open]],
  '/agents/import': [['POST', agentFile]],
  '/agents/messages/search': [['POST', open]],
  '/agents/*': [['GET PATCH DELETE', open]],
  '/agents/*/export': [['GET POST', open]],
  '/agents/*/context': [['GET', open]],
  '/agents/*/tools': [['GET', open]],
  '/agents/*/tools/attach/*': [['PATCH', open]],
  '/agents/*/tools/detach/*': [['PATCH', open]],
  '/agents/*/tools/approval/*': [['PATCH', open]],
  '/agents/*/tools/*/run': [['POST', toolCode]],
  '/agents/*/sources': [['GET', open]],
  '/agents/*/sources/attach/*': [['PATCH', open]],
  '/agents/*/sources/detach/*': [['PATCH', open]],
  '/agents/*/folders': [['GET', open]],
  '/agents/*/folders/attach/*': [['PATCH', open]],
  '/agents/*/folders/detach/*': [['PATCH', open]],
  '/agents/*/files': [['GET', open]],
  '/agents/*/files/close-all': [['PATCH', open]],
  '/agents/*/files/*/open': [['PATCH', open]],
  '/agents/*/files/*/close': [['PATCH', open]],
  '/agents/*/core-memory': [['GET', open]],
  '/agents/*/core-memory/blocks': [['GET', open]],
  '/agents/*/core-memory/blocks/*': [['GET PATCH', open]],
  '/agents/*/core-memory/blocks/attach/*': [['PATCH', open]],
  '/agents/*/core-memory/blocks/detach/*': [['PATCH', open]],
  '/agents/*/recompile': [['POST', open]],
  '/agents/*/system-prompt/recompile': [['POST', open]],
  '/agents/*/archives/attach/*': [['PATCH', open]],
  '/agents/*/archives/detach/*': [['PATCH', open]],
  '/agents/*/identities/attach/*': [['PATCH', open]],
  '/agents/*/identities/detach/*': [['PATCH', open]],
  '/agents/*/archival-memory': [['GET POST', open]],
  '/agents/*/archival-memory/search': [['GET', open]],
  '/agents/*/archival-memory/*': [['DELETE', open]],
  '/agents/*/messages': [['GET POST', open]],
  '/agents/*/messages/stream': [['POST', open]],
  '/agents/*/messages/cancel': [['POST', open]],
  '/agents/*/messages/async': [['POST', open]],
  '/agents/*/messages/preview-raw-payload': [['POST', open]],
  '/agents/*/messages/capture': [['POST', open]],
  '/agents/*/messages/*': [['PATCH', open]],
  '/agents/*/reset-messages': [['PATCH', open]],
  '/agents/*/generate': [['POST', open]],
  '/agents/*/groups': [['GET', open]],
  '/agents/*/summarize': [['POST', open]],

  '/archives': [['GET POST', open]],
  '/archives/*': [['GET PATCH DELETE', open]],
  '/archives/*/agents': [['GET', open]],
  '/archives/*/passages': [['POST', open]],
  '/archives/*/passages/batch': [['POST', open]],
  '/archives/*/passages/*': [['DELETE', open]],

  '/blocks': [['GET POST', open]],
  '/blocks/count': [['GET', open]],
  '/blocks/*': [['GET PATCH DELETE', open]],
  '/blocks/*/agents': [['GET', open]],
  '/blocks/*/identities/attach/*': [['PATCH', open]],
  '/blocks/*/identities/detach/*': [['PATCH', open]],

  '/chat/completions': [['POST', open]],

  '/conversations': [['GET POST', open]],
  '/conversations/*': [['GET PATCH DELETE', open]],
  '/conversations/*/fork': [['POST', open]],
  '/conversations/*/messages': [['GET POST', open]],
  '/conversations/*/messages/preview-raw-payload': [['POST', open]],
  '/conversations/*/stream': [['POST', open]],
  '/conversations/*/cancel': [['POST', open]],
  '/conversations/*/recompile': [['POST', open]],
  '/conversations/*/compact': [['POST', open]],

  '/embeddings/total_storage_size': [['GET', open]],

  ...bothNames(['/folders', '/sources'], {
    '': [['GET POST', open]],
    '/count': [['GET', open]],
    '/metadata': [['GET', open]],
    '/name/*': [['GET', open]],
    '/*': [['GET PATCH DELETE', open]],
    '/*/upload': [['POST', open]],
    '/*/agents': [['GET', open]],
    '/*/passages': [['GET', open]],
    '/*/files': [['GET', open]],
    '/*/files/*': [['GET', open]],
    '/*/*': [['DELETE', open]],
  }),

  '/groups': [['GET POST', open]],
  '/groups/count': [['GET', open]],
  '/groups/*': [['GET PATCH DELETE', open]],
  '/groups/*/messages': [['GET', open]],
  '/groups/*/messages/*': [['PATCH', open]],
  '/groups/*/reset-messages': [['PATCH', open]],
  '/groups/*/blocks/attach/*': [['PATCH', open]],
  '/groups/*/blocks/detach/*': [['PATCH', open]],

  '/identities': [['GET POST PUT', open]],
  '/identities/count': [['GET', open]],
  '/identities/*': [['GET PATCH DELETE', open]],
  '/identities/*/properties': [['PUT', open]],
  '/identities/*/agents': [['GET', open]],
  '/identities/*/blocks': [['GET', open]],

  '/jobs': [['GET', open]],
  '/jobs/active': [['GET', open]],
  '/jobs/*': [['GET DELETE', open]],
  '/jobs/*/cancel': [['PATCH', open]],

  '/models': [['GET', open]],
  '/models/embedding': [['GET', open]],

  '/messages': [['GET', everybody]],
  '/messages/search': [['POST', open]],
  // Batches go to Anthropic's own batch API, which Bedrock does not offer under this name.
  '/messages/batches': [
    ['GET', open],
    ['POST', provider],
  ],
  '/messages/batches/*': [['GET', open]],
  '/messages/batches/*/messages': [['GET', open]],
  '/messages/batches/*/cancel': [['PATCH', open]],
  '/messages/*': [['GET', open]],

  '/passages/search': [['POST', open]],

  '/providers': [
    ['GET', open],
    ['POST', provider],
  ],
  '/providers/check': [['POST', provider]],
  '/providers/*': [
    ['GET', open],
    ['PATCH DELETE', provider],
  ],
  '/providers/*/check': [['POST', provider]],
  '/providers/*/refresh': [['PATCH', provider]],

  '/runs': [['GET', open]],
  '/runs/active': [['GET', open]],
  '/runs/*': [['GET DELETE', open]],
  '/runs/*/messages': [['GET', open]],
  '/runs/*/usage': [['GET', open]],
  '/runs/*/metrics': [['GET', open]],
  '/runs/*/steps': [['GET', open]],
  '/runs/*/trace': [['GET', open]],
  '/runs/*/stream': [['POST', open]],

  '/steps': [['GET', open]],
  '/steps/*': [['GET', open]],
  '/steps/*/metrics': [['GET', open]],
  '/steps/*/trace': [['GET', open]],
  '/steps/*/messages': [['GET', open]],
  '/steps/*/feedback': [['PATCH', open]],
  '/steps/*/transaction/*': [['PATCH', open]],

  '/tags': [['GET', open]],
  '/telemetry/*': [['GET', open]],

  '/tools': [
    ['GET', open],
    ['POST PUT', toolCode],
  ],
  '/tools/count': [['GET', open]],
  '/tools/search': [['POST', open]],
  '/tools/add-base-tools': [['POST', open]],
  '/tools/run': [['POST', toolCode]],
  '/tools/generate-tool': [['POST', toolCode]],
  '/tools/generate-schema': [['POST', toolCode]],
  '/tools/*': [
    ['GET DELETE', open],
    ['PATCH', toolCode],
  ],
  '/tools/mcp/**': [['GET POST PUT PATCH DELETE', mcp]],

  '/mcp-servers/**': [['GET POST PATCH DELETE', mcp]],

  '/sandbox-config/**': [['GET POST PATCH DELETE', toolCode]],

  // The low-latency voice agent talks to OpenAI itself.
  '/voice-beta/*/chat/completions': [['POST', provider]],

  '/admin/**': [['*', administration]],
  '/anthropic/**': [['*', passThrough]],
  '/zai/**': [['*', passThrough]],
  '/auth': [['*', never('it exchanges the password of a server that has none')]],
  '/git/**': [['*', never("it runs git with the server's rights")]],
  '/_internal_agents/**': [['*', internal]],
  '/_internal_blocks/**': [['*', internal]],
  '/_internal_runs/**': [['*', internal]],
  '/_internal_search/**': [['*', internal]],
  '/_internal_templates/**': [['*', internal]],
};

function bothNames<T>(names: readonly string[], routes: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => Object.entries(routes).map(([path, rules]) => [name + path, rules])),
  );
}

interface CompiledRoute {
  readonly pattern: string;
  readonly parts: readonly string[];
  readonly methods: ReadonlySet<string>;
  readonly rule: Rule;
}

const COMPILED = compile();

function compile(): ReadonlyMap<string, readonly CompiledRoute[]> {
  const byFirst = new Map<string, CompiledRoute[]>();
  for (const [pattern, rules] of Object.entries(ROUTES)) {
    const parts = pattern.slice(1).split('/');
    const routes = byFirst.get(parts[0]) ?? [];
    for (const [methods, rule] of rules) routes.push({ pattern, parts, methods: new Set(methods.split(' ')), rule });
    byFirst.set(parts[0], routes);
  }
  return byFirst;
}

const STRICTNESS = { open: 0, closed: 1, never: 2 } as const;

/**
 * Judges a request by its method and decoded path segments. Where several rows match, the strictest wins, so that the
 * order of rows (or of the server's own routes) never opens anything.
 */
export function judgeRoute(method: string, segments: readonly string[], opened: ReadonlySet<RouteGroup>): Verdict {
  const [prefix, ...rest] = segments;
  const candidates = prefix === 'v1' || prefix === 'latest' ? (COMPILED.get(rest[0]) ?? []) : [];
  let match: CompiledRoute | undefined;
  for (const route of candidates) {
    if (!route.methods.has(method) && !route.methods.has('*')) continue;
    if (!matches(route.parts, rest)) continue;
    if (match === undefined || STRICTNESS[route.rule.kind] >= STRICTNESS[match.rule.kind]) match = route;
  }
  if (match === undefined) {
    return { allowed: false, status: 404, detail: 'no route of this method and path is forwarded to the Letta server' };
  }
  const { rule, pattern: route } = match;
  if (rule.kind === 'open') return { allowed: true, route };
  if (rule.kind === 'never')
    return { allowed: false, status: 403, route, detail: `this route is closed for good: ${rule.why}` };
  const missing = rule.groups.filter((group) => !opened.has(group));
  if (missing.length === 0) return { allowed: true, route };
  const props = missing.map((group) => `\`${group}\``).join(' and ');
  return {
    allowed: false,
    status: 403,
    route,
    detail: `this route is closed: ${rule.why}; what opens it is the LettaService prop${missing.length > 1 ? 's' : ''} ${props}`,
  };
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.at(-1) === '**') {
    const folder = pattern.slice(0, -1);
    return segments.length >= folder.length && folder.every((part, at) => part === '*' || part === segments[at]);
  }
  return pattern.length === segments.length && pattern.every((part, at) => part === '*' || part === segments[at]);
}

/** Rows of the table, for documentation and for the check against the server's own list of routes. */
export function routeTable(): readonly {
  readonly methods: readonly string[];
  readonly pattern: string;
  readonly rule: Rule;
}[] {
  return [...COMPILED.values()].flat().map(({ methods, pattern, rule }) => ({ methods: [...methods], pattern, rule }));
}
