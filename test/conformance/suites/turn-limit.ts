import { waitFor } from '../../lab/wait';
import type { Deployed } from '../deployed';

export function turnLimitSuite(deployed: Deployed): void {
  describe('turns in flight', () => {
    test('above maxConcurrentTurns are told to come back; the others are answered, and their places are free again', async () => {
      const agents = await Promise.all(
        Array.from({ length: 4 }, () => deployed.client().agents.create({ include_base_tools: false })),
      );
      const turn = async (id: string, content: string) => {
        const body = { messages: [{ role: 'user', content }] };
        const answer = await deployed.request('POST', `/v1/agents/${id}/messages`, body);
        return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() };
      };
      const answers = await Promise.all(agents.map(({ id }) => turn(id, 'count slowly to 5')));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
      for (const { retryAfter, text } of answers.filter(({ status }) => status === 429)) {
        expect(Number(retryAfter)).toBeGreaterThan(0);
        expect(text).toContain('maxConcurrentTurns');
      }
      for (const { id } of agents) expect((await turn(id, 'Good morning.')).status).toBe(200);
      // The gateway sums refusals up and writes them every few seconds.
      await waitFor('two refused turns in the metrics', () => turnsRefused(deployed) === 2, { timeout: 15_000 });
    }, 120_000);
  });
}

function turnsRefused(deployed: Deployed): number {
  const counts = deployed.containerLines('gateway').map((line) => /"TurnsRefused":(\d+)/.exec(line)?.[1]);
  return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
}
