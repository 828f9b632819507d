import path from 'node:path';
import { logFiles } from '../../../lab/logs';
import type { Deployed } from '../../deployed';
import { pythonTool } from './python-tool';
import { serverOf } from './server-of';
import { ToolCalls } from './tool-calls';

const [FOR_ALL, FOR_ONE] = ['SHOP_KEY', 'SHOP_USER'];
const VALUES = { all: 'a-value-for-all-agents-4711', one: 'a-value-for-one-agent-4712', over: 'a-value-over-4713' };
const tells = pythonTool(
  'tells_variables()',
  `import os\nreturn " ".join(os.environ.get(name, "none") for name in ("${FOR_ALL}", "${FOR_ONE}"))`,
);

/** Variables that users set for their tools are there in the sandbox, and in no log. */
export function variablesSuite(deployed: Deployed): void {
  describe('a variable that a user sets for tools', () => {
    let calls: ToolCalls;
    let tool: string;
    const told = async (secrets: Record<string, string>) =>
      (await calls.turn(await calls.agent([tool], { secrets }), tells.name)).returned;

    beforeAll(async () => {
      calls = new ToolCalls(serverOf(deployed));
      tool = await calls.make(tells);
    });

    test('is not there before it is set', async () => {
      expect(await told({})).toBe('none none');
    });

    test('for all agents reaches each, and one for an agent reaches that agent’s tools alone', async () => {
      const { id } = await calls.call<{ id: string }>('POST', '/v1/sandbox-config/e2b/default');
      const path = `/v1/sandbox-config/${id}/environment-variable`;
      const variable = await calls.call<{ id: string }>('POST', path, { key: FOR_ALL, value: VALUES.all });
      expect(await told({ [FOR_ONE]: VALUES.one })).toBe(`${VALUES.all} ${VALUES.one}`);
      expect(await told({})).toBe(`${VALUES.all} none`);
      expect(await told({ [FOR_ALL]: VALUES.over })).toBe(`${VALUES.over} none`);
      await calls.call('DELETE', `/v1/sandbox-config/environment-variable/${variable.id}`);
      expect(await told({})).toBe('none none');
    });

    test('is not there for what runs in no agent’s name, unless it is for all', async () => {
      expect(await calls.run(tells)).toMatchObject({ status: 'success', returned: 'none none' });
    });

    test('is in no log, neither Letta’s, the gateway’s nor the sandbox’s', () => {
      const lines = deployed.lab.logLines();
      for (const source of ['/task/letta/', '/task/gateway/']) {
        expect(lines.filter(({ file }) => file.includes(source))).not.toEqual([]);
      }
      // The function prints nothing while all goes well: its log is there, and may be empty.
      const files = logFiles(path.join(deployed.lab.folder, 'logs'));
      expect(files.filter((file) => path.basename(file).startsWith('function-'))).not.toEqual([]);
      const forms = Object.values(VALUES).flatMap((value) => [
        value,
        encodeURIComponent(value),
        Buffer.from(value).toString('base64').replace(/=+$/, ''),
      ]);
      expect(lines.filter(({ line }) => forms.some((form) => line.includes(form)))).toEqual([]);
    });
  });
}
