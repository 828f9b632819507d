import { RouteGroup } from '../../contract';
import { Fields, isObject, show } from '../foreign-json';
import { boundsExceeded } from './json-bounds';
import { judgeMcpServer } from './mcp-server';
import { buildMultipart, FormPart, MultipartError, parseMultipart } from './multipart';

/** A form that may go on to Letta, written anew, or why not. */
export type JudgedForm =
  { readonly contentType: string; readonly body: Buffer } | { readonly status: 400 | 403; readonly detail: string };

class Refused extends Error {
  constructor(
    readonly status: 400 | 403,
    detail: string,
  ) {
    super(detail);
  }
}

/** Form fields of `POST /v1/agents/import` besides `file` (`letta/server/rest_api/routers/v1/agents.py`). */
const FIELDS = new Set([
  'override_existing_tools',
  'strip_messages',
  'secrets',
  'name',
  'embedding',
  'model',
  'append_copy_suffix',
  'override_name',
  'override_embedding_handle',
  'override_model_handle',
  'project_id',
  'env_vars_json',
]);

/** Tools that Letta 0.16.8 brings along, by type (`letta/constants.py`, `upsert_base_tools_async`). */
const OWN_TOOLS: Readonly<Record<string, readonly string[]>> = {
  letta_core: ['send_message', 'conversation_search', 'archival_memory_insert', 'archival_memory_search'],
  letta_memory_core: ['core_memory_append', 'core_memory_replace', 'memory', 'memory_apply_patch'],
  letta_sleeptime_core: ['memory_replace', 'memory_insert', 'memory_rethink', 'memory_finish_edits'],
  letta_multi_agent_core: [
    'send_message_to_agent_and_wait_for_reply',
    'send_message_to_agents_matching_tags',
    'send_message_to_agent_async',
  ],
  letta_voice_sleeptime_core: ['store_memories', 'rethink_user_memory', 'finish_rethinking_memory', 'search_memory'],
  letta_builtin: ['run_code', 'run_code_with_tools', 'web_search', 'fetch_webpage'],
  letta_files_core: ['open_files', 'grep_files', 'semantic_search_files'],
};
/** What a caller's tool of an agent file may say of itself (`letta/schemas/tool.py`). */
const CUSTOM_TOOL_FIELDS = [
  'id',
  'name',
  'description',
  'tags',
  'source_code',
  'source_type',
  'json_schema',
  'args_json_schema',
  'return_char_limit',
  'pip_requirements',
  'npm_requirements',
  'default_requires_approval',
  'enable_parallel_execution',
] as const;
const TYPE_OF_OWN_TOOL = new Map(
  Object.entries(OWN_TOOLS).flatMap(([type, names]) => names.map((name) => [name, type] as const)),
);

/**
 * Reads the form of an import and lets it pass if its agent file carries no tool source, or a sandbox is there for it. Letta takes a tool's type from
 * the file and keeps its source, also of a type that runs it (`letta_multi_agent_core`), and overwrites the tool of the
 * same name that all agents share. So Letta's own tools go on as nothing but their names, `override_existing_tools` is
 * always false, and form and file are written anew: what was judged is what Letta reads, whatever it makes of duplicate
 * fields, keys or odd encodings.
 */
export function judgeImport(
  contentType: string | undefined,
  body: Buffer,
  opened: ReadonlySet<RouteGroup>,
  allowedEgress: ReadonlySet<string>,
): JudgedForm {
  try {
    const fields = new Map<string, FormPart>();
    for (const part of parseMultipart(contentType, body)) {
      if (part.name !== 'file' && !FIELDS.has(part.name)) {
        throw new Refused(400, `the form has a field ${show(part.name)} that the import does not know`);
      }
      if (fields.has(part.name)) throw new Refused(400, `the form has the field ${show(part.name)} twice`);
      if (part.isFile !== (part.name === 'file')) {
        throw new Refused(400, `the form must have one file, in the field "file"; see field ${show(part.name)}`);
      }
      fields.set(part.name, part);
    }
    const file = fields.get('file');
    if (!file) throw new Refused(400, 'the form has no field "file" with the agent file');
    const judged = JSON.stringify(judgeAgentFile(parseFile(file.value), opened, allowedEgress));
    fields.set('file', { ...file, value: Buffer.from(judged) });
    fields.set('override_existing_tools', {
      name: 'override_existing_tools',
      isFile: false,
      value: Buffer.from('false'),
    });
    return buildMultipart([...fields.values()]);
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, detail: error.message };
    if (error instanceof MultipartError) return { status: 400, detail: `the form cannot be read: ${error.message}` };
    throw error;
  }
}

function parseFile(bytes: Buffer): unknown {
  try {
    const value = parseBounded(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    // Letta takes a file that was encoded twice, too.
    return typeof value === 'string' ? parseBounded(value) : value;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(400, 'the agent file is not JSON in UTF-8');
  }
}

function parseBounded(text: string): unknown {
  const exceeded = boundsExceeded(text);
  if (exceeded !== undefined) throw new Refused(400, `the agent file is ${exceeded}; no prop changes this limit`);
  return JSON.parse(text);
}

function judgeAgentFile(file: unknown, opened: ReadonlySet<RouteGroup>, allowedEgress: ReadonlySet<string>): object {
  if (!isObject(file) || !Array.isArray(file.agents)) {
    throw new Refused(400, 'the agent file has no list "agents": Letta 0.16.8 refuses the older format of one agent');
  }
  for (const list of ['tools', 'mcp_servers'] as const) {
    if (!Array.isArray(file[list])) throw new Refused(400, `the agent file has no list "${list}"`);
  }
  const mcpOpened = opened.has(RouteGroup.MCP_SERVERS);
  if ((file.mcp_servers as unknown[]).length > 0 && !mcpOpened) {
    throw new Refused(403, `the agent file brings MCP servers; ${opens(RouteGroup.MCP_SERVERS)}`);
  }
  for (const server of file.mcp_servers as unknown[]) {
    if (!isObject(server)) throw new Refused(400, 'an MCP server of the agent file is not an object');
    const refusal = judgeMcpServer(server, allowedEgress);
    if (refusal) throw new Refused(refusal.status, `of the agent file ${refusal.detail}`);
    judgeWhole(server);
  }
  return { ...file, tools: (file.tools as unknown[]).map((tool) => judgeTool(tool, opened)) };
}

/** Letta keeps a server without these, and can then list none of its servers any more. */
function judgeWhole({ server_type: type, server_name: name, server_url: url }: Fields): void {
  if ((type === 'sse' || type === 'streamable_http') && typeof name === 'string' && typeof url === 'string') return;
  throw new Refused(
    400,
    `an MCP server of the agent file is of the type ${show(type)} with the name ${show(name)} and the address ` +
      `${show(url)}, wanted sse or streamable_http, a name and an http(s) address`,
  );
}

function judgeTool(tool: unknown, opened: ReadonlySet<RouteGroup>): object {
  if (!isObject(tool)) throw new Refused(400, 'a tool of the agent file is not an object');
  const { id, name, tool_type: type = 'custom', source_code: source } = tool;
  const label = `the agent file's tool ${name === undefined ? 'without a name' : show(name)}`;
  if (type === 'external_mcp') {
    if (!opened.has(RouteGroup.MCP_SERVERS))
      throw new Refused(403, `${label} belongs to an MCP server; ${opens(RouteGroup.MCP_SERVERS)}`);
    // Letta calls the server by the tool's tags and name; the wrapper it once generated is never run.
    return { ...tool, source_code: null, pip_requirements: null, npm_requirements: null };
  }
  const own = typeof name === 'string' ? TYPE_OF_OWN_TOOL.get(name) : undefined;
  if (type === 'custom' && own === undefined && opened.has(RouteGroup.CUSTOM_TOOLS))
    return judgeCustomTool(tool, label);
  if (type === 'custom' && opened.has(RouteGroup.CUSTOM_TOOLS)) {
    throw new Refused(
      403,
      `${label} has the name of a tool of Letta's own, which all agents share: give it another name`,
    );
  }
  if (own === undefined || typeof type !== 'string' || !Object.hasOwn(OWN_TOOLS, type)) {
    throw new Refused(
      403,
      `${label} of type ${show(type)} is none that Letta 0.16.8 brings along, so it would bring its own source code; ${opens(RouteGroup.CUSTOM_TOOLS)}`,
    );
  }
  if (source !== undefined && source !== null && source !== '') {
    throw new Refused(
      403,
      `${label} carries source code, which a tool of Letta's own does not; ${opens(RouteGroup.CUSTOM_TOOLS)}`,
    );
  }
  return { id, name, tool_type: own, tags: [own], source_type: 'python' };
}

/** It stays of the type that goes to the sandbox, and is what it says to the model. */
function judgeCustomTool(tool: Record<string, unknown>, label: string): object {
  const { name, source_code: source, json_schema: schema } = tool;
  if (typeof name !== 'string' || typeof source !== 'string' || source === '') {
    throw new Refused(400, `${label} lacks a name or source code, which a tool of type "custom" must have`);
  }
  if (!isObject(schema) || schema.name !== name) {
    throw new Refused(400, `${label} must have a json_schema of the same name`);
  }
  const kept = CUSTOM_TOOL_FIELDS.filter((field) => tool[field] !== undefined).map((field) => [field, tool[field]]);
  return { ...Object.fromEntries(kept), tool_type: 'custom' };
}

function opens(group: RouteGroup): string {
  return `what opens that is the LettaService prop \`${group}\``;
}
