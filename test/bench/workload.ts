import type { Span } from './statistics';

/** A Letta server as a client sees it. */
export interface Server {
  readonly url: string;
  readonly password?: string;
  /** Handle of the model that all its agents use. */
  readonly model: string;
  readonly embedding: string;
}

export type TurnKind = 'plain' | 'tool';

interface Message {
  readonly message_type: string;
  readonly status?: string;
}

/** An agent with the tool that the turns call, the same on every server. */
export async function createAgent(server: Server): Promise<string> {
  const agent = await call<{ id: string }>(server, 'POST', '/v1/agents/', {
    name: 'bench',
    agent_type: 'letta_v1_agent',
    model: server.model,
    embedding: server.embedding,
    include_base_tools: true,
    tools: ['memory_insert'],
    memory_blocks: [{ label: 'human', value: 'The user measures turns.' }],
  });
  return agent.id;
}

export async function deleteAgent(server: Server, id: string): Promise<void> {
  await call(server, 'DELETE', `/v1/agents/${id}`);
}

/**
 * One turn, from request to whole answer: a message and its reply, or a message, a call of a memory tool and the reply.
 *
 * @throws Error when it did not do that: a turn that failed has no time worth knowing
 */
export async function turn(server: Server, agent: string, kind: TurnKind): Promise<Span> {
  const order = 'call tool memory_insert with {"label": "human", "new_string": "Another turn."}';
  const content = kind === 'plain' ? 'Good morning.' : order;
  const start = performance.now();
  const { messages } = await call<{ messages: Message[] }>(server, 'POST', `/v1/agents/${agent}/messages`, {
    messages: [{ role: 'user', content }],
  });
  const end = performance.now();
  const returned = messages.filter(({ message_type }) => message_type === 'tool_return_message');
  const wanted = kind === 'plain' ? returned.length === 0 : returned.length === 1 && returned[0].status === 'success';
  if (!wanted || !messages.some(({ message_type }) => message_type === 'assistant_message')) {
    throw new Error(`a ${kind} turn at ${server.url} went differently: ${JSON.stringify(messages)}`);
  }
  return { start, end };
}

/** Turns one after another. */
export async function turns(server: Server, agent: string, kind: TurnKind, count: number): Promise<Span[]> {
  const spans: Span[] = [];
  for (let number = 0; number < count; number++) spans.push(await turn(server, agent, kind));
  return spans;
}

/** Plain turns of several agents at once, each its next one right after the last, until `milliseconds` are over. */
export async function turnsAtOnce(server: Server, agents: string[], milliseconds: number) {
  const window = { start: performance.now(), end: performance.now() + milliseconds };
  const client = async (agent: string): Promise<Span[]> => {
    const spans: Span[] = [];
    while (performance.now() < window.end) spans.push(await turn(server, agent, 'plain'));
    return spans;
  };
  const spans = await Promise.all(agents.map(client));
  return { window, spans: spans.flat() };
}

export async function call<Answer>(server: Server, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (server.password) headers.authorization = `Bearer ${server.password}`;
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${method} ${server.url}${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Answer;
}
