import { Address } from '../../lab/namespace';
import type { Deployed } from '../deployed';
import { Outsider } from './outsider';

export const ALLOWED_PORT = 9443;
const OTHER_PORT = 9444;

export function allowedEgressSuite(deployed: Deployed): void {
  describe('the way out', () => {
    const outsiders = { allowed: new Outsider(400), other: new Outsider(400) };
    beforeAll(() => Promise.all([outsiders.allowed.listen(ALLOWED_PORT), outsiders.other.listen(OTHER_PORT)]));
    afterAll(() => Object.values(outsiders).forEach((outsider) => outsider.stop()));

    const turnBy = async (port: number) => {
      const llm_config = {
        model: 'm',
        context_window: 30_000,
        model_endpoint_type: 'openai',
        model_endpoint: `http://${Address.AWS}:${port}/v1`,
      };
      const made = await deployed.request('POST', '/v1/agents/', { include_base_tools: false, llm_config });
      const { id } = (await made.json()) as { id: string };
      await deployed.request('POST', `/v1/agents/${id}/messages`, { messages: [{ role: 'user', content: 'hello' }] });
    };
    const lines = (event: string) => deployed.containerLines('gateway').filter((line) => line.includes(`"${event}"`));

    test('leads to the host and port that allowedEgress names, and the passage is in the log', async () => {
      await turnBy(ALLOWED_PORT);
      expect(outsiders.allowed.asked[0]).toMatch(/^POST \/v1\//);
      expect(lines('egress-request').join()).toContain(`${Address.AWS}:${ALLOWED_PORT}`);
    }, 90_000);

    test('leads to no other port of that host, and who tried is in the log', async () => {
      await turnBy(OTHER_PORT);
      expect(outsiders.other.asked).toEqual([]);
      expect(lines('egress-refused').join()).toContain(`${Address.AWS}:${OTHER_PORT}`);
    }, 90_000);
  });
}
