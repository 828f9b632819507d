import { RouteGroup } from '../../contract';

/**
 * What the API front does with each route of Letta 0.16.8, from its routers (`letta/server/rest_api/routers/v1`). A route
 * that is not in the table is refused: a server that grows a route does not grow a hole.
 */
export type Rule = (
  | { readonly kind: 'open' }
  /** For holders of the administrators' password; for everybody once `group` is opened. */
  | { readonly kind: 'administrators'; readonly why: string; readonly group?: RouteGroup }
  /** Closed until this group is opened, to administrators as well: what may run is the deployment's decision. */
  | {
      readonly kind: 'closed';
      readonly why: string;
      readonly group: RouteGroup;
      /** Opens it as well. */
      readonly or?: RouteGroup;
    }
  | { readonly kind: 'never'; readonly why: string }
) &
  RouteTraits;

export interface RouteTraits {
  /** It calls a model while the request is open: it counts against the turns in flight. */
  readonly turn?: true;
  /** Its body is read, and judged, before it is forwarded. */
  readonly body?: 'agent-file' | 'mcp-server';
  /** Unset: what any body may have. */
  readonly maxBodyBytes?: number;
}

const open: Rule = { kind: 'open' };
const turn: Rule = { kind: 'open', turn: true };
const closed = (why: string, group: RouteGroup): Rule => ({ kind: 'closed', why, group });
const administrators = (why: string, group?: RouteGroup): Rule => ({ kind: 'administrators', why, group });
const never = (why: string): Rule => ({ kind: 'never', why });

/** Letta parses a tool's source while everybody waits: above the sandbox's limit of code, and far below a file's. */
const MAX_TOOL_BYTES = 2 * 1024 * 1024;

const toolCode: Rule = {
  kind: 'closed',
  why: "it brings or runs a caller's code",
  group: RouteGroup.CUSTOM_TOOLS,
  or: RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
  maxBodyBytes: MAX_TOOL_BYTES,
};
/** It removes and fills whatever folder of the container a caller names: `sandbox_configs.py` of letta 0.16.8. */
const localSandbox = closed(
  'it removes folders and installs packages in the Letta container',
  RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
);
const provider = closed('it adds or uses a model provider other than Amazon Bedrock', RouteGroup.EXTERNAL_PROVIDERS);
const mcp = closed('it makes the server connect to or start an MCP server', RouteGroup.MCP_SERVERS);
const mcpServer: Rule = { ...mcp, body: 'mcp-server' };
const agentFile: Rule = {
  ...closed("an agent file brings agents, and may bring tools' source code and MCP servers", RouteGroup.AGENT_IMPORT),
  body: 'agent-file',
};

/** Letta answers `api_key_enc`, which without an encryption key is the key itself. */
const providerKeys = administrators('it answers with the keys of model providers that callers have added');
const sharedTools = administrators(
  'a tool belongs to all agents, and is gone for all of them',
  RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER,
);
const baseTools = administrators("it rewrites Letta's own tools, which all agents share");
/** `provider_traces` keeps each request and answer whole, and neither editing nor deleting a message changes them. */
const traces = administrators('it answers with raw model calls, in which messages and memory since removed remain');
const sizes = administrators("it counts everybody's embeddings, however many there are");
/** Users and organizations are not looked up by the caller's own: `letta/server/rest_api/routers/v1/users.py`. */
const directory = administrators('it creates, lists, changes and removes organizations and users whoever asks');

const everybody = never('it answers with the messages of every organization');
const passThrough = never("it forwards the call to another company's API");
const internal = never("it belongs to the vendor's own cloud");
const forged = never(
  'it writes history that never happened; it serves the pass-through to other companies, closed too',
);

/** Paths below `/v1` and `/latest`, without trailing slash; `*` is one segment, `**` the folder and all in it. */
export const ROUTES: Readonly<Record<string, readonly (readonly [methods: string, rule: Rule])[]>> = {
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
  '/agents/*/messages': [
    ['GET', open],
    ['POST', turn],
  ],
  '/agents/*/messages/stream': [['POST', turn]],
  '/agents/*/messages/cancel': [['POST', open]],
  '/agents/*/messages/async': [['POST', open]],
  '/agents/*/messages/preview-raw-payload': [['POST', open]],
  '/agents/*/messages/capture': [['POST', forged]],
  '/agents/*/messages/*': [['PATCH', open]],
  '/agents/*/reset-messages': [['PATCH', open]],
  '/agents/*/generate': [['POST', turn]],
  '/agents/*/groups': [['GET', open]],
  '/agents/*/summarize': [['POST', turn]],

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

  '/chat/completions': [['POST', turn]],

  '/conversations': [['GET POST', open]],
  '/conversations/*': [['GET PATCH DELETE', open]],
  '/conversations/*/fork': [['POST', open]],
  '/conversations/*/messages': [
    ['GET', open],
    ['POST', turn],
  ],
  '/conversations/*/messages/preview-raw-payload': [['POST', open]],
  '/conversations/*/stream': [['POST', open]],
  '/conversations/*/cancel': [['POST', open]],
  '/conversations/*/recompile': [['POST', open]],
  '/conversations/*/compact': [['POST', turn]],

  '/embeddings/total_storage_size': [['GET', sizes]],

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
    ['GET', providerKeys],
    ['POST', provider],
  ],
  '/providers/check': [['POST', provider]],
  '/providers/*': [
    ['GET', providerKeys],
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
  '/runs/*/trace': [['GET', traces]],
  '/runs/*/stream': [['POST', open]],

  '/steps': [['GET', open]],
  '/steps/*': [['GET', open]],
  '/steps/*/metrics': [['GET', open]],
  '/steps/*/trace': [['GET', traces]],
  '/steps/*/messages': [['GET', open]],
  '/steps/*/feedback': [['PATCH', open]],
  '/steps/*/transaction/*': [['PATCH', open]],

  '/tags': [['GET', open]],
  '/telemetry/*': [['GET', traces]],

  '/tools': [
    ['GET', open],
    ['POST PUT', toolCode],
  ],
  '/tools/count': [['GET', open]],
  '/tools/search': [['POST', open]],
  '/tools/add-base-tools': [['POST', baseTools]],
  '/tools/run': [['POST', toolCode]],
  '/tools/generate-tool': [['POST', { ...toolCode, turn: true }]],
  '/tools/generate-schema': [['POST', toolCode]],
  '/tools/*': [
    ['GET', open],
    ['DELETE', sharedTools],
    ['PATCH', toolCode],
  ],
  // A tool's arguments are the caller's own, and go on as they are.
  '/tools/mcp/servers/*/tools/*/execute': [['POST', mcp]],
  '/tools/mcp/**': [
    ['GET DELETE', mcp],
    ['POST PUT PATCH', mcpServer],
  ],

  '/mcp-servers/*/tools/*/run': [['POST', mcp]],
  '/mcp-servers/**': [
    ['GET DELETE', mcp],
    ['POST PATCH', mcpServer],
  ],

  '/sandbox-config/**': [['GET POST PATCH DELETE', toolCode]],
  '/sandbox-config/local/**': [['GET POST PATCH DELETE', localSandbox]],

  // The low-latency voice agent talks to OpenAI itself.
  '/voice-beta/*/chat/completions': [['POST', { ...provider, turn: true }]],

  '/admin/orgs': [['GET POST PATCH DELETE', directory]],
  '/admin/users': [['GET POST PUT DELETE', directory]],
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
