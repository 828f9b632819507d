import type { Deployed } from '../deployed';

export function browsersSuite(deployed: Deployed, origin: string): void {
  describe('browsers', () => {
    const preflight = (from: string) =>
      deployed.request('OPTIONS', '/v1/agents/', undefined, {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      });

    test('of a configured origin are answered before they have a password, and read the answers', async () => {
      const answer = await preflight(origin);
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
      const read = await deployed.request('GET', '/v1/agents/', undefined, {
        authorization: `Bearer ${deployed.lab.password}`,
        origin,
      });
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    });

    test('of any other origin are not, Letta’s own web application included', async () => {
      for (const other of ['https://app.letta.com', 'https://evil.example.com', 'null']) {
        const answer = await preflight(other);
        expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
      }
    });
  });
}
