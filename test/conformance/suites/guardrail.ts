import type { AwsCall } from '../../lab/aws-record';
import { isAllowed } from '../../lab/iam-policy';
import { rolePolicies } from '../../lab/role-policies';
import type { Deployed } from '../deployed';

const KEY = 'bedrock:GuardrailIdentifier';

/** @param guardrail ARN with its version, as AWS puts it into the condition key */
export function guardrailSuite(deployed: Deployed, guardrail: string): void {
  describe('the guardrail', () => {
    let calls: AwsCall[];
    const embeds = ({ resource }: AwsCall) => resource.includes('titan-embed');
    beforeAll(async () => {
      const before = deployed.lab.services.record.calls.length;
      const client = deployed.client();
      const { id } = await client.agents.create({});
      expect(await deployed.turn(id, 'Guard this.')).toContain('You said: Guard this.');
      const stream = await client.agents.messages.stream(id, {
        messages: [{ role: 'user', content: 'Guard this stream.' }],
        stream_tokens: true,
      });
      for await (const piece of stream) void piece;
      await client.agents.passages.create(id, { text: 'Guardrails are for chats.' });
      calls = deployed.lab.services.record.calls.slice(before);
    }, 90_000);
    const invocations = () => calls.filter(({ action }) => action.startsWith('bedrock:Invoke'));

    test('is on every chat call, streamed or not, and on no embedding', () => {
      const chats = invocations().filter((call) => !embeds(call));
      expect(new Set(chats.map(({ action }) => action))).toEqual(
        new Set(['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream']),
      );
      expect(new Set(chats.map(({ context }) => context?.[KEY]))).toEqual(new Set([guardrail]));
      const embeddings = invocations().filter(embeds);
      expect(embeddings.length).toBeGreaterThan(0);
      expect(embeddings.filter(({ context }) => context?.[KEY] !== undefined)).toEqual([]);
    });

    test('is allowed to the role that calls', () => {
      const applied = calls.filter(({ action }) => action === 'bedrock:ApplyGuardrail');
      expect(applied.length).toBeGreaterThan(0);
      expect(deployed.lab.services.record.calls.filter(({ allowed }) => !allowed)).toEqual([]);
    });

    test.each([
      ['none', undefined],
      ['another version', guardrail.replace(/:\d+$/, ':6')],
      ['another guardrail', guardrail.replace('abc123', 'xyz789')],
    ])('cannot be left out: the same chat call with %s is not allowed to the role', (_what, other) => {
      const judged = invocations().map((call) => ({
        embeds: embeds(call),
        allowed: isAllowed(rolePolicies(deployed.lab.template, call.role), {
          ...call,
          context: { ...call.context, [KEY]: other },
        }),
      }));
      // Embeddings are judged without a condition: what they carry makes no difference.
      expect(judged.filter(({ embeds: isEmbedding, allowed }) => isEmbedding !== allowed)).toEqual([]);
    });
  });
}
