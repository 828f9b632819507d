import type { Server } from '../../../bench/workload';

/** A tool as a caller brings it. */
export interface CallersTool {
  /** Of the function too. */
  readonly name: string;
  readonly source: string;
  /** @default - Python */
  readonly language?: 'python' | 'typescript';
  /** @default - what Letta reads in the source; TypeScript tools need one */
  readonly parameters?: object;
  /** JSON schema that Letta makes a pydantic class of, for the arguments. */
  readonly argumentsSchema?: object;
  readonly pip?: readonly string[];
  readonly npm?: readonly string[];
}

/** What a call of a tool came to, as its agent sees it. */
export interface ToolOutcome {
  readonly status?: string;
  readonly returned?: string;
  readonly stdout?: readonly string[] | null;
  readonly stderr?: readonly string[] | null;
}

/** What a turn with a call of a tool came to. */
export interface TurnOutcome extends ToolOutcome {
  /** What the agent said afterwards. */
  readonly said: string;
}

export interface Message {
  readonly message_type: string;
  readonly status?: string;
  readonly content?: unknown;
  readonly tool_return?: string;
  readonly stdout?: string[];
  readonly stderr?: string[];
}

/** A Letta server and what is done with tools there, on ours and on a stock one alike. */
export class ToolCalls {
  constructor(private readonly server: Server) {}

  /** @returns its id */
  async make(tool: CallersTool): Promise<string> {
    const answer = await this.call<{ id: string }>('PUT', '/v1/tools/', body(tool));
    return answer.id;
  }

  /** @returns the agent's id */
  async agent(tools: readonly string[], more: object = {}): Promise<string> {
    const { model, embedding } = this.server;
    const settings = { model, embedding, agent_type: 'letta_v1_agent', include_base_tools: false };
    return (await this.call<{ id: string }>('POST', '/v1/agents/', { ...settings, tool_ids: tools, ...more })).id;
  }

  /** A call without an agent: `POST /v1/tools/run`. */
  async run(tool: CallersTool, args: object = {}): Promise<ToolOutcome> {
    const request = { ...body(tool), name: tool.name, args };
    const answer = await this.call<Message>('POST', '/v1/tools/run', request);
    return outcome(answer);
  }

  /** A turn in which the agent calls a tool of its own. */
  async turn(agent: string, name: string, args: object = {}): Promise<TurnOutcome> {
    const content = `call tool ${name} with ${JSON.stringify(args)}`;
    const { messages } = await this.call<{ messages: Message[] }>('POST', `/v1/agents/${agent}/messages`, {
      messages: [{ role: 'user', content }],
    });
    return turnOutcome(messages);
  }

  /** @throws Error that has the status and what was answered, unless it is a success */
  async call<Answer>(method: string, path: string, content?: object): Promise<Answer> {
    const { url, password } = this.server;
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...(password && { authorization: `Bearer ${password}` }) },
      body: content && JSON.stringify(content),
      signal: AbortSignal.timeout(90_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 2000)}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }
}

export function turnOutcome(messages: readonly Message[]): TurnOutcome {
  const returned = messages.find(({ message_type }) => message_type === 'tool_return_message');
  const said = messages.filter(({ message_type }) => message_type === 'assistant_message');
  return { ...(returned && outcome(returned)), said: said.map(({ content }) => String(content)).join('') };
}

function outcome({ status, tool_return, stdout, stderr }: Message): ToolOutcome {
  return { status, returned: tool_return, stdout, stderr };
}

function body({ name, source, language, parameters, argumentsSchema, pip, npm }: CallersTool): object {
  const schema = parameters && { name, description: 'A tool of a caller.', parameters };
  return {
    source_code: source,
    ...(language && { source_type: language }),
    ...(schema && { json_schema: schema }),
    ...(argumentsSchema && { args_json_schema: argumentsSchema }),
    ...(pip && { pip_requirements: pip.map((requirement) => ({ name: requirement })) }),
    ...(npm && { npm_requirements: npm.map((requirement) => ({ name: requirement })) }),
  };
}
