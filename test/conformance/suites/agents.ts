import { textOf, type Deployed } from '../deployed';

const sonnet = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const haiku = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const titan = 'amazon.titan-embed-text-v2:0';
/** Always listed by the server; leads to a service outside of AWS. */
const external = 'letta/letta-free';

const blocks = [
  { label: 'human', value: 'The human is called Ada.' },
  { label: 'persona', value: 'Short answers.' },
];

export function agentsSuite(deployed: Deployed): void {
  const newAgent = async (model?: string) => {
    const tools = ['archival_memory_insert', 'archival_memory_search', 'core_memory_append'];
    return (await deployed.client().agents.create({ memory_blocks: blocks, tools, model })).id;
  };

  describe('models', () => {
    test('are those the stack allows, out of all the account has', async () => {
      const handles = (await deployed.client().models.list()).map(({ handle }) => handle);
      expect(handles.filter((handle) => handle !== external).sort()).toEqual([`bedrock/${haiku}`, `bedrock/${sonnet}`]);
    });

    test('for embeddings are those the stack allows', async () => {
      const handles = (await deployed.client().models.embeddings.list()).map(({ handle }) => handle);
      expect(handles.filter((handle) => handle !== external)).toEqual([`ollama/${titan}`]);
    });

    test('that are not allowed can be given to no agent', async () => {
      const agent = newAgent('bedrock/us.anthropic.claude-3-opus-20240229-v1:0');
      await expect(agent).rejects.toThrow(/not found|not supported|must be one of/i);
    });

    test('that are not allowed are refused by the gateway, should Letta ever call one', async () => {
      const foreign = 'us.anthropic.claude-3-opus-20240229-v1:0';
      const id = await newAgent();
      const { llm_config } = await deployed.client().agents.retrieve(id);
      // Letta checks handles, but takes a whole configuration as it comes.
      const changed = await deployed.request('PATCH', `/v1/agents/${id}`, {
        llm_config: { ...llm_config, model: foreign, handle: `bedrock/${foreign}` },
      });
      expect(changed.status).toBe(200);
      const before = deployed.lab.services.record.calls.length;
      await expect(deployed.messages(id, 'Hello, Opus.')).rejects.toThrow();
      const refused = deployed.containerLines('gateway').filter((line) => line.includes('"model-refused"'));
      expect(refused.join()).toContain(foreign);
      const called = deployed.lab.services.record.calls.slice(before);
      expect(called.filter(({ action }) => action.startsWith('bedrock:Invoke'))).toEqual([]);
    });

    test('outside of AWS lead nowhere: the turn fails, and the gateway has refused the way out', async () => {
      const answer = await deployed.request('POST', '/v1/agents/', {
        model: external,
        embedding: `ollama/${titan}`,
        memory_blocks: blocks,
      });
      if (answer.ok) {
        const { id } = (await answer.json()) as { id: string };
        await expect(deployed.messages(id, 'Hello.')).rejects.toThrow();
        const refused = deployed.containerLines('gateway').filter((line) => line.includes('"egress-refused"'));
        expect(refused.join()).toContain('inference.letta.com');
      } else {
        expect(answer.status).toBe(403);
      }
    });
  });

  describe('an agent', () => {
    let agent: string;
    beforeAll(async () => {
      agent = await newAgent();
    });

    test('has the stack’s first models by default', async () => {
      const { llm_config, embedding_config } = await deployed.client().agents.retrieve(agent);
      expect(llm_config.handle).toBe(`bedrock/${sonnet}`);
      expect(embedding_config?.handle).toBe(`ollama/${titan}`);
      expect(embedding_config?.embedding_dim).toBe(1024);
    });

    test('answers', async () => {
      expect(await deployed.turn(agent, 'Good morning.')).toContain('You said: Good morning.');
    });

    test('answers from its memory blocks', async () => {
      expect(await deployed.turn(agent, 'How is the human called?')).toContain('Ada');
    });

    test('answers with the other model of the stack', async () => {
      const before = deployed.lab.services.record.calls.length;
      expect(await deployed.turn(await newAgent(`bedrock/${haiku}`), 'Hello, Haiku.')).toContain('Hello, Haiku.');
      const asked = deployed.lab.services.record.calls.slice(before).map(({ resource }) => resource);
      expect(asked.join()).toContain(haiku);
    });

    test('streams its answer in pieces', async () => {
      const stream = await deployed.client().agents.messages.stream(agent, {
        messages: [{ role: 'user', content: 'Tell me in many pieces.' }],
        stream_tokens: true,
      });
      const pieces: object[] = [];
      for await (const piece of stream) pieces.push(piece);
      expect(textOf(pieces)).toContain('You said: Tell me in many pieces.');
      expect(pieces.filter((piece) => textOf([piece]) !== '').length).toBeGreaterThan(5);
    });

    test('calls a tool, which changes its memory', async () => {
      const order = 'call tool core_memory_append with {"label": "human", "content": "Ada owns a cat named Vector."}';
      const { messages } = await deployed.messages(agent, order);
      const types = messages.map(({ message_type }) => message_type);
      expect(types).toEqual(['tool_call_message', 'tool_return_message', 'assistant_message']);
      expect(messages[1]).toMatchObject({ status: 'success' });
      const block = await deployed.client().agents.blocks.retrieve('human', { agent_id: agent });
      expect(block.value).toContain('a cat named Vector');
    });

    test('finds in its archive what means the question, not what came last', async () => {
      const texts = [
        'The Eiffel tower stands in Paris.',
        'Pgvector stores embeddings in Postgres.',
        'Cats like to sleep all day.',
      ];
      for (const text of texts) await deployed.client().agents.passages.create(agent, { text });
      const search = async (query: string) =>
        (await deployed.client().agents.passages.search(agent, { query, top_k: 3 })).results[0].content;
      expect(await search('Where are embeddings stored?')).toBe(texts[1]);
      expect(await search('Which city has the tower?')).toBe(texts[0]);
      expect(await search('sleeping cats')).toBe(texts[2]);
    });

    test('searches its archive by a tool', async () => {
      const order = 'call tool archival_memory_search with {"query": "tower in Paris", "top_k": 1}';
      expect(await deployed.turn(agent, order)).toContain('The Eiffel tower stands in Paris.');
    });

    test('inserts into its archive by a tool', async () => {
      await deployed.turn(agent, 'call tool archival_memory_insert with {"content": "Ada was born in London."}');
      const { results } = await deployed.client().agents.passages.search(agent, { query: 'born in London', top_k: 1 });
      expect(results[0].content).toBe('Ada was born in London.');
    });

    test('works in the background until it has the answer', async () => {
      const { id } = await deployed.client().agents.messages.createAsync(agent, {
        messages: [{ role: 'user', content: 'Say this in the background.' }],
      });
      expect(await runEnded(id)).toBe('completed');
      const messages = await deployed.client().runs.messages.list(id);
      expect(textOf(messages.items)).toContain('Say this in the background.');
    });

    test('stops in the background when it is told to', async () => {
      const stream = await deployed.client().agents.messages.stream(agent, {
        messages: [{ role: 'user', content: 'count slowly to 120' }],
        stream_tokens: true,
        background: true,
      });
      const started = Date.now();
      let run: string | undefined;
      let numbers = 0;
      for await (const piece of stream) {
        run ??= (piece as { run_id?: string }).run_id;
        if (textOf([piece]) !== '') numbers++;
        if (numbers === 3 && run) await deployed.client().agents.messages.cancel(agent, { run_ids: [run] });
      }
      // It would take a minute to the end.
      expect(Date.now() - started).toBeLessThan(30_000);
      expect(run && (await deployed.client().runs.retrieve(run)).status).toBe('cancelled');
      expect(numbers).toBeLessThan(60);
    }, 90_000);

    test('remembers after Letta was restarted', async () => {
      await deployed.turn(agent, 'My favourite colour is teal.');
      await deployed.lab.restartService();
      expect(await deployed.turn(agent, 'What is my favourite colour?')).toContain('My favourite colour is teal.');
      expect(await deployed.turn(agent, 'Which cat does Ada own?')).toContain('Vector');
      const { results } = await deployed.client().agents.passages.search(agent, { query: 'embeddings', top_k: 1 });
      expect(results[0].content).toBe('Pgvector stores embeddings in Postgres.');
    }, 300_000);

    const runEnded = async (id: string) => {
      for (let tries = 0; ; tries++) {
        const { status } = await deployed.client().runs.retrieve(id);
        if (status === 'completed' || status === 'failed' || status === 'cancelled' || tries > 100) return status;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
  });
}
