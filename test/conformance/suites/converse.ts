import type { AwsCall } from '../../lab/aws-record';
import type { ModelCall } from '../../lab/fake-aws/bedrock';
import { cutAfter, failing, type Fault, where } from '../../lab/fake-aws/faults';
import { isAllowed } from '../../lab/iam-policy';
import { rolePolicies } from '../../lab/role-policies';
import { textOf, type Deployed } from '../deployed';

const nova = 'us.amazon.nova-pro-v1:0';
const llama = 'us.meta.llama4-scout-17b-instruct-v1:0';
const KEY = 'bedrock:GuardrailIdentifier';

/**
 * Chat models that are not Claude, by agents of the real server. The deployment allows Nova Pro and Llama 4 Scout beside
 * its default model.
 *
 * @param guardrail ARN with its version, as AWS puts it into the condition key
 */
export function converseSuite(deployed: Deployed, guardrail: string): void {
  describe('an agent on a model behind Converse', () => {
    let agent: string;
    const newAgent = async (model: string, more: object = {}) => {
      const memory_blocks = [{ label: 'human', value: 'The human is called Ada.' }];
      const tools = ['core_memory_append', 'archival_memory_insert', 'archival_memory_search'];
      return (await deployed.client().agents.create({ memory_blocks, tools, model: `ollama/${model}`, ...more })).id;
    };
    const asked = () => deployed.lab.services.bedrockRuntime.calls.filter(({ model }) => [nova, llama].includes(model));
    const last = () => asked().at(-1)!;
    const stream = async (id: string, content: string) => {
      const pieces: object[] = [];
      const answer = await deployed.client().agents.messages.stream(id, {
        messages: [{ role: 'user', content }],
        stream_tokens: true,
      });
      for await (const piece of answer) pieces.push(piece);
      return pieces;
    };
    const human = async (id: string) =>
      (await deployed.client().agents.blocks.retrieve('human', { agent_id: id })).value;

    beforeAll(async () => {
      agent = await newAgent(nova);
    }, 60_000);

    test('has a model that Letta lists once, with the size of its context', async () => {
      const models = await deployed.client().models.list();
      const found = models.filter(({ handle }) => handle?.includes('nova') || handle?.includes('llama'));
      expect(found.map(({ handle, max_context_window }) => [handle, max_context_window]).sort()).toEqual([
        [`ollama/${nova}`, 300_000],
        [`ollama/${llama}`, 128_000],
      ]);
    });

    test('answers', async () => {
      expect(await deployed.turn(agent, 'Good morning, Nova.')).toContain('You said: Good morning, Nova.');
      expect(last()).toMatchObject({
        model: nova,
        operation: 'converse',
        body: { inferenceConfig: { maxTokens: 10_000 } },
      });
    }, 60_000);

    test('answers from its memory blocks', async () => {
      expect(await deployed.turn(agent, 'How is the human called?')).toContain('Ada');
    }, 60_000);

    test('calls a tool, which changes its memory, and goes on with what the tool answered', async () => {
      const order = 'call tool core_memory_append with {"label": "human", "content": "Ada owns a cat named Vector."}';
      const { messages } = await deployed.messages(agent, order);
      expect(messages.map(({ message_type }) => message_type)).toEqual([
        'tool_call_message',
        'tool_return_message',
        'assistant_message',
      ]);
      expect(await human(agent)).toContain('a cat named Vector');
      expect(await deployed.turn(agent, 'Which cat does Ada own?')).toContain('Vector');
    }, 60_000);

    test('streams its answer in pieces', async () => {
      const pieces = await stream(agent, 'Tell me in many pieces.');
      expect(textOf(pieces)).toContain('You said: Tell me in many pieces.');
      expect(pieces.filter((piece) => textOf([piece]) !== '').length).toBeGreaterThan(5);
      expect(last()).toMatchObject({ model: nova, operation: 'converse-stream' });
    }, 60_000);

    test('calls a tool in a stream', async () => {
      await stream(agent, 'call tool core_memory_append with {"label": "human", "content": "Ada plays the harp."}');
      expect(await human(agent)).toContain('Ada plays the harp.');
      expect(last().operation).toBe('converse-stream');
    }, 60_000);

    test('is answered in a stream too by a model that does not stream while it has tools', async () => {
      const id = await newAgent(llama);
      await stream(id, 'call tool core_memory_append with {"label": "human", "content": "Ada sails."}');
      expect(await human(id)).toContain('Ada sails.');
      expect(textOf(await stream(id, 'Hello, Llama.'))).toContain('You said: Hello, Llama.');
      expect(last()).toMatchObject({ model: llama, operation: 'converse' });
    }, 60_000);

    test('can be of a type that has to call a tool at each step', async () => {
      const id = await newAgent(nova, { agent_type: 'memgpt_v2_agent' });
      expect(await deployed.turn(id, 'Say it by a tool.')).toContain('Say it by a tool.');
      expect(last().body.toolConfig).toMatchObject({ toolChoice: { any: {} } });
    }, 60_000);

    test('uses embeddings beside it', async () => {
      await deployed.client().agents.passages.create(agent, { text: 'Pgvector stores embeddings in Postgres.' });
      await deployed.client().agents.passages.create(agent, { text: 'Cats like to sleep all day.' });
      const order = 'call tool archival_memory_search with {"query": "Where are embeddings stored?", "top_k": 1}';
      expect(await deployed.turn(agent, order)).toContain('Pgvector stores embeddings in Postgres.');
    }, 60_000);

    test('takes images, which go to the model as they are', async () => {
      const data = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const content = [
        { type: 'text' as const, text: 'Look at this.' },
        { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png', data } },
      ];
      await deployed.client().agents.messages.create(agent, { messages: [{ role: 'user', content }] });
      expect(JSON.stringify(last().body.messages)).toContain(`{"image":{"format":"png","source":{"bytes":"${data}"}}}`);
    }, 60_000);

    test('sums its conversation up by the same model, and goes on', async () => {
      const started = Date.now();
      await deployed.client().agents.messages.compact(agent);
      const calls = deployed.lab.services.record.calls.filter(({ at }) => at >= started);
      expect(calls.filter(({ resource }) => resource.includes(`inference-profile/${nova}`))).not.toEqual([]);
      expect(await deployed.turn(agent, 'Hello again.')).toContain('You said: Hello again.');
    }, 60_000);

    describe('while Bedrock', () => {
      let undo = () => {};
      const inject = (fault: Fault) => {
        undo = deployed.lab.services.aws.faults.inject('bedrock-runtime', where(/nova/, fault));
      };
      afterEach(() => undo());
      const events = async (content: string) => {
        const messages = [{ role: 'user', content }];
        const path = `/v1/agents/${agent}/messages/stream`;
        return (await deployed.request('POST', path, { messages, stream_tokens: true })).text();
      };

      test('throttles for a moment, notices nothing', async () => {
        let calls = 0;
        const throttling = failing(429, 'ThrottlingException', { 'retry-after': '1' });
        inject((call, next) => (calls++ === 0 ? throttling(call, next) : next()));
        expect(await deployed.turn(agent, 'Still there.')).toContain('You said: Still there.');
        expect(calls).toBe(2);
      }, 60_000);

      test('throttles for longer, says so to its client', async () => {
        inject(failing(429, 'ThrottlingException', { 'retry-after': '1' }));
        const answer = await deployed.request('POST', `/v1/agents/${agent}/messages`, {
          messages: [{ role: 'user', content: 'Still there?' }],
        });
        expect([answer.status, await answer.text()]).toEqual([429, expect.stringContaining('llm_rate_limit')]);
      }, 60_000);

      test('cuts a stream, never looks as if the answer were whole', async () => {
        inject(cutAfter(6));
        const said = await events('One two three four five six seven eight nine ten.');
        expect(said).toContain('assistant_message');
        expect(said).toContain('event: error');
        expect(said).not.toContain('end_turn');
      }, 60_000);
    });

    test('is named in the record of each of its calls, with the tokens', () => {
      const records = deployed
        .containerLines('gateway')
        .filter((line) => line.includes('"model-call"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((record) => record.model === nova && record.agent === agent && record.failure === undefined);
      expect(records.length).toBeGreaterThan(5);
      expect(new Set(records.map(({ operation }) => operation))).toEqual(new Set(['converse', 'converse-stream']));
      for (const record of records)
        expect(record).toMatchObject({ status: 200, complete: true, InputTokens: 100, OutputTokens: 10 });
    });

    test('has the guardrail on every call, and is refused without it', () => {
      const config = ({ body }: ModelCall) => body.guardrailConfig as { guardrailIdentifier: string } | undefined;
      expect(asked().filter((call) => !config(call)?.guardrailIdentifier)).toEqual([]);
      const { calls } = deployed.lab.services.record;
      const mine = calls.filter(
        ({ action, resource }) => action.startsWith('bedrock:Invoke') && resource.includes('nova'),
      );
      expect(new Set(mine.map(({ context }) => context?.[KEY]))).toEqual(new Set([guardrail]));
      const without = (call: AwsCall) => ({ ...call, context: { ...call.context, [KEY]: undefined } });
      const policies = ({ role }: AwsCall) => rolePolicies(deployed.lab.template, role);
      expect(mine.filter((call) => isAllowed(policies(call), without(call)))).toEqual([]);
    });
  });
}
