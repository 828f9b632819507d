import net from 'node:net';
import { Port } from '../../../runtime/contract';
import type { Deployed } from '../deployed';

const source =
  'def leak() -> str:\n    """Says nothing.\n\n    Returns:\n        str: nothing\n    """\n    return "x"\n';

export function restrictionsSuite(deployed: Deployed): void {
  describe('the API', () => {
    const status = async (headers: Record<string, string>) =>
      (await deployed.request('GET', '/v1/agents/', undefined, headers)).status;

    test('wants the password, in either header', async () => {
      expect(await status({ authorization: `Bearer ${deployed.lab.password}` })).toBe(200);
      expect(await status({ 'X-BARE-PASSWORD': `password ${deployed.lab.password}` })).toBe(200);
    });

    test('refuses a missing, a wrong and a nearly right password', async () => {
      const { password } = deployed.lab;
      expect(await status({})).toBe(401);
      expect(await status({ authorization: 'Bearer wrong' })).toBe(401);
      expect(await status({ authorization: `Bearer ${password}x` })).toBe(401);
      expect(await status({ 'X-BARE-PASSWORD': `password ${password.slice(1)}` })).toBe(401);
      await expect(deployed.client('wrong').agents.list()).rejects.toMatchObject({ status: 401 });
    });

    test('says that it is healthy without a password', async () => {
      const answer = await deployed.request('GET', '/v1/health/', undefined, {});
      expect(await answer.json()).toMatchObject({ status: 'ok', version: '0.16.8' });
    });

    test.each([
      ['running code', 'POST', '/v1/tools/run', { source_code: source, args: {} }, 'customTools'],
      ['making a tool', 'POST', '/v1/tools/', { source_code: source }, 'customTools'],
      [
        'a provider of the caller’s',
        'POST',
        '/v1/providers/',
        { name: 'mine', provider_type: 'openai', api_key: 'k' },
        'externalProviders',
      ],
      [
        'an MCP server',
        'POST',
        '/v1/mcp-servers/',
        { server_name: 'm', config: { mcp_server_type: 'sse', server_url: 'http://example.com' } },
        'mcpServers',
      ],
    ])('refuses %s and names the prop that opens it', async (_what, method, path, body, prop) => {
      const answer = await deployed.request(method, path, body);
      expect(answer.status).toBe(403);
      expect(((await answer.json()) as { detail: string }).detail).toContain(prop);
    });

    test('is all that listens beyond the task’s own loopback', async () => {
      const open: number[] = [];
      for (const port of Object.values(Port)) if (await accepts(deployed.lab.service!.address, port)) open.push(port);
      expect(open).toEqual([Port.API]);
    });
  });
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 2000 });
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => done(true));
    socket.on('error', () => done(false));
    socket.on('timeout', () => done(false));
  });
}
