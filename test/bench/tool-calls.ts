import { call, type Server } from './workload';

/** A tool that does next to nothing, and a call of it: what is measured is what its run costs beside its own work. */
interface SmallTool {
  readonly name: string;
  readonly source: string;
  readonly args: object;
  readonly returned: string;
  readonly language: 'python' | 'typescript';
  /** A run without an agent needs it: Letta does not read it in the source then. @default - it has none */
  readonly parameters?: object;
}

const python: SmallTool = {
  name: 'count_up',
  source: 'def count_up() -> str:\n    """Counts to a thousand."""\n    return str(sum(range(1001)))\n',
  args: {},
  returned: '500500',
  language: 'python',
};

const number = (type: string) => ({ type, description: 'One of them.' });
const two = (type: string) => ({
  args: { first: 2, second: 40 },
  returned: '42',
  parameters: {
    type: 'object',
    properties: { first: number(type), second: number(type) },
    required: ['first', 'second'],
  },
});

/** Letta's script for a call with arguments imports Letta itself, where it is there: on a stock server. */
const pythonWithArguments: SmallTool = {
  name: 'add_up',
  source: `def add_up(first: int, second: int) -> int:
    """Adds two numbers.

    Args:
        first (int): One.
        second (int): The other.
    """
    return first + second
`,
  language: 'python',
  ...two('integer'),
};

const typescript: SmallTool = {
  name: 'add_up_ts',
  source: 'export function add_up_ts(first: number, second: number): number {\n  return first + second;\n}\n',
  language: 'typescript',
  ...two('number'),
};

export const smallTools = { python, pythonWithArguments, typescript } as const;
export type SmallToolName = keyof typeof smallTools;

interface Message {
  readonly message_type?: string;
  readonly status?: string;
  readonly tool_return?: string;
  readonly step_id?: string;
}

/** How long the metrics of a turn's steps may take: Letta writes them after it has answered. */
const METRICS_MS = 10_000;

/**
 * `POST /v1/tools/run`, from request to whole answer, in milliseconds.
 *
 * @param agent whose sandbox it runs in @throws Error when it did not run: a failed run has no time worth knowing
 */
export async function timeRun(server: Server, name: SmallToolName, agent?: string): Promise<number> {
  const tool = smallTools[name];
  const start = performance.now();
  const answer = await call<Message>(server, 'POST', '/v1/tools/run', {
    ...definition(tool),
    name: tool.name,
    args: tool.args,
    ...(agent && { env_vars: { LETTA_AGENT_ID: agent } }),
  });
  const milliseconds = performance.now() - start;
  wantReturned(server, tool, answer);
  return milliseconds;
}

/** An agent with a small tool of its own. */
export async function agentWithTool(server: Server, name: SmallToolName): Promise<string> {
  const tool = smallTools[name];
  const { id } = await call<{ id: string }>(server, 'PUT', '/v1/tools/', definition(tool));
  const agent = await call<{ id: string }>(server, 'POST', '/v1/agents/', {
    name: 'bench',
    agent_type: 'letta_v1_agent',
    model: server.model,
    embedding: server.embedding,
    include_base_tools: false,
    tool_ids: [id],
  });
  return agent.id;
}

/** Milliseconds of a turn in which the agent calls its tool, and of that call alone, as Letta itself measures it. */
export interface ToolTurn {
  readonly turn: number;
  readonly call: number;
}

/** @throws Error when the tool did not answer */
export async function timeTurn(server: Server, agent: string, name: SmallToolName): Promise<ToolTurn> {
  const tool = smallTools[name];
  const content = `call tool ${tool.name} with ${JSON.stringify(tool.args)}`;
  const start = performance.now();
  const { messages } = await call<{ messages: Message[] }>(server, 'POST', `/v1/agents/${agent}/messages`, {
    messages: [{ role: 'user', content }],
  });
  const turn = performance.now() - start;
  const returned = messages.find(({ message_type }) => message_type === 'tool_return_message');
  wantReturned(server, tool, returned);
  return { turn, call: await toolMilliseconds(server, returned!.step_id!) };
}

async function toolMilliseconds(server: Server, step: string): Promise<number> {
  const until = performance.now() + METRICS_MS;
  for (;;) {
    const metrics = await call<{ tool_execution_ns?: number | null }>(server, 'GET', `/v1/steps/${step}/metrics`).catch(
      (error: Error) => error,
    );
    if (!(metrics instanceof Error) && metrics.tool_execution_ns) return metrics.tool_execution_ns / 1e6;
    if (performance.now() > until) {
      throw new Error(`${server.url} does not tell how long the tool of ${step} took: ${JSON.stringify(metrics)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function definition({ name, source, language, parameters }: SmallTool): object {
  return {
    source_code: source,
    source_type: language,
    ...(parameters && { json_schema: { name, description: 'Adds two numbers.', parameters } }),
  };
}

function wantReturned({ url }: Server, { name, returned }: SmallTool, got?: Message): void {
  if (got?.status === 'success' && got.tool_return === returned) return;
  throw new Error(`the tool ${name} at ${url} gave ${JSON.stringify(got)?.slice(0, 500)}, wanted ${returned}`);
}
