import type { Deployed } from '../deployed';

/** Letta always has this tool, and runs it outside of its own process with the model's argument names as code. */
const MULTI_AGENT_TOOL = 'send_message_to_agents_matching_tags';
const ARGUMENT_THAT_IS_CODE = "globals()[print('code' + '-ran')]";

/** What a turn says about a call whose argument's name is Python. */
export async function callWithCode(deployed: Deployed): Promise<string> {
  const agent = await makeAgent(deployed, { tools: [MULTI_AGENT_TOOL] });
  const args = { message: 'hello', match_all: [], match_some: ['nobody'], [ARGUMENT_THAT_IS_CODE]: 1 };
  return callTool(deployed, agent, MULTI_AGENT_TOOL, args);
}

/** On routes that are open to everybody with the password, the body must not open what the route table closes. */
export function openRoutesSuite(deployed: Deployed): void {
  describe('a body on an open route', () => {
    const planted = 'PLANTED-4711';
    const article = `<html><body><article><h1>Plan</h1><p>${'This sentence makes an article of it. '.repeat(12)}${planted}</p>`;

    test('runs no code through a tool that Letta brings along', async () => {
      const answer = await callWithCode(deployed);
      expect(answer).toContain('tool_return_message');
      expect(answer).not.toContain('code-ran');
    }, 90_000);

    test('does not let a tool fetch what Letta answers behind the gateway', async () => {
      await makeAgent(deployed, { system: article });
      const agent = await makeAgent(deployed, { tools: ['fetch_webpage'] });
      const url = 'http://127.0.0.1:8284/v1/messages/?limit=100';
      const answer = await callTool(deployed, agent, 'fetch_webpage', { url });
      expect(answer).toContain('tool_return_message');
      expect(answer).not.toContain(planted);
    }, 90_000);

    test.each(['http', 'ws'])(
      'does not lead a model call of Letta’s to a closed route by %s:',
      async (scheme) => {
        const agent = await makeAgent(deployed, {
          llm_config: {
            model: 'm',
            context_window: 30000,
            model_endpoint_type: 'openai',
            model_endpoint: `${scheme}://127.0.0.1:8284/v1/tools/run?x=`,
          },
        });
        const refusedBefore = refusals(deployed);
        await send(deployed, agent, 'hello');
        expect(refusals(deployed)).toBeGreaterThan(refusedBefore);
        // Only the proxy answered: Letta itself would have said 422 to what the model client sends.
        const answered = deployed
          .containerLines('letta')
          .filter((line) => /tools\/run.*HTTP\/1\.1 (?!403 )/.test(line));
        expect(answered).toEqual([]);
      },
      90_000,
    );

    test('does not make Letta look for Google’s metadata server, and stand still for all others meanwhile', async () => {
      const agent = await makeAgent(deployed, {
        llm_config: { model: 'm', context_window: 30000, model_endpoint_type: 'google_vertex' },
      });
      const startedAt = Date.now();
      const turn = send(deployed, agent, 'hello');
      expect((await deployed.request('GET', '/v1/agents/count')).status).toBe(200);
      await turn;
      // Looking for it takes 12 s in a network that answers nothing.
      expect(Date.now() - startedAt).toBeLessThan(8_000);
    }, 90_000);
  });
}

function refusals(deployed: Deployed): number {
  return deployed
    .containerLines('gateway')
    .filter((line) => line.includes('"egress-refused"') && line.includes('127.0.0.1:8284')).length;
}

async function makeAgent(deployed: Deployed, body: object): Promise<string> {
  const answer = await deployed.request('POST', '/v1/agents/', { include_base_tools: false, ...body });
  const made = (await answer.json()) as { id?: string };
  if (!made.id) throw new Error(`no agent was made: ${answer.status} ${JSON.stringify(made)}`);
  return made.id;
}

async function send(deployed: Deployed, agent: string, content: string): Promise<string> {
  const body = { messages: [{ role: 'user', content }] };
  return (await deployed.request('POST', `/v1/agents/${agent}/messages`, body)).text();
}

function callTool(deployed: Deployed, agent: string, tool: string, args: object): Promise<string> {
  return send(deployed, agent, `call tool ${tool} with ${JSON.stringify(args)}`);
}
