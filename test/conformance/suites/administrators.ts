import type { Deployed } from '../deployed';

export function administratorsSuite(deployed: Deployed, administratorPassword: string): void {
  describe('routes for administrators', () => {
    const as = (password: string) => ({ authorization: `Bearer ${password}`, 'content-type': 'application/json' });

    test.each([
      ['GET', '/v1/providers/'],
      ['GET', '/v1/admin/users/'],
      ['POST', '/v1/tools/add-base-tools'],
    ])('%s %s is for holders of their password only', async (method, path) => {
      const refused = await deployed.request(method, path, undefined, as(deployed.lab.password));
      expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('administratorPassword')]);
      expect((await deployed.request(method, path, undefined, as(administratorPassword))).status).toBe(200);
    });

    test('are not all: the same password opens what everybody may do, and nothing that a prop closes', async () => {
      const status = async (method: string, path: string, body?: object) =>
        (await deployed.request(method, path, body, as(administratorPassword))).status;
      expect(await status('GET', '/v1/agents/')).toBe(200);
      expect(await status('POST', '/v1/tools/run', { source_code: 'import os', args: {} })).toBe(403);
      expect(await status('GET', '/v1/messages/')).toBe(403);
    });
  });
}
