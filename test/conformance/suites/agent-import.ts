import type { Deployed } from '../deployed';
import { textOf } from '../deployed';

interface AgentFile {
  agents: { name: string; system: string }[];
  tools: Record<string, unknown>[];
  mcp_servers: object[];
}

/** Agents travel between deployments as files; with `agentImport` alone they bring their memory and no code. */
export function agentImportSuite(deployed: Deployed): void {
  describe('an agent file', () => {
    let file: AgentFile;

    const imported = (content: object) => importFile(deployed, content);

    test('that Letta exported is imported, and the agent remembers', async () => {
      const agent = await deployed.client().agents.create({
        name: 'traveller',
        memory_blocks: [{ label: 'human', value: 'Ada keeps her telescope in Uppsala.' }],
      });
      file = (await (await deployed.request('GET', `/v1/agents/${agent.id}/export`)).json()) as AgentFile;
      expect(file.tools.length).toBeGreaterThan(0);
      await deployed.client().agents.delete(agent.id);

      const answer = await imported(file);
      expect(answer.status).toBe(200);
      const { agent_ids } = (await answer.json()) as { agent_ids: string[] };
      expect(agent_ids).toHaveLength(1);
      const { messages } = await deployed.messages(agent_ids[0], 'Where is the telescope of Ada?');
      expect(textOf(messages)).toContain('Uppsala');
    }, 90_000);

    test.each([
      ['a tool with source code', { name: 'leak', tool_type: 'custom', source_code: 'import os' }],
      [
        'source code under the name of Letta’s own tool',
        { name: 'memory_insert', tool_type: 'letta_sleeptime_core', source_code: 'import os' },
      ],
      [
        'a tool that says it is Letta’s own',
        { name: 'leak', tool_type: 'letta_multi_agent_core', source_code: 'import os' },
      ],
    ])('with %s is refused, naming the tool and the prop, and nothing is imported', async (_what, tool) => {
      const before = await deployed.request('GET', '/v1/agents/count');
      const count = await before.text();
      const answer = await imported({
        ...file,
        tools: [...file.tools, { id: 'tool-99', source_type: 'python', ...tool }],
      });
      const { detail } = (await answer.json()) as { detail: string };
      expect({ status: answer.status, detail }).toEqual({
        status: 403,
        detail: expect.stringContaining(`"${tool.name}"`),
      });
      expect(detail).toContain('customTools');
      expect(await (await deployed.request('GET', '/v1/agents/count')).text()).toBe(count);
    });

    test('with an MCP server is refused, naming the prop', async () => {
      const server = { id: 'mcp_server-0', server_name: 'mine', server_type: 'sse', server_url: 'http://example.com' };
      const answer = await imported({ ...file, mcp_servers: [server] });
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('mcpServers')]);
    });
  });
}

/** Brings an agent file to the deployment. */
export function importFile({ lab }: Deployed, content: object): Promise<Response> {
  const form = new FormData();
  form.set('file', new Blob([JSON.stringify(content)], { type: 'application/json' }), 'agent.af');
  form.set('append_copy_suffix', 'false');
  return fetch(`${lab.url}/v1/agents/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.password}` },
    body: form,
    signal: AbortSignal.timeout(60_000),
  });
}
