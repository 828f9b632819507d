import { CheckedExport } from '../../../../runtime/export/checked-export';
import { exportAgents } from '../../../../runtime/export/export-agents';
import { LettaApi } from '../../../../runtime/export/letta-api';
import { Restore } from '../../../../runtime/export/restore-agents';
import { jsonLog } from '../../../../runtime/gateway/log';
import { FakeS3Server } from '../../../runtime/export/fake-s3-server';
import type { Deployed } from '../../deployed';
import { importFile } from '../agent-import';
import { pythonTool } from './python-tool';
import { serverOf } from './server-of';
import { ToolCalls } from './tool-calls';

/** Agents travel with their tools where a sandbox runs these. */
export function travellingSuite(deployed: Deployed): void {
  describe('an agent file with a tool of a caller’s', () => {
    test('is imported, and its agent calls the tool, which runs in the sandbox', async () => {
      const calls = new ToolCalls(serverOf(deployed));
      const tool = pythonTool(
        'measure(width: int)',
        'import os\nreturn f"{width * 2} {sorted(name for name in os.environ if name.startswith(\'LETTA\'))}"',
      );
      const agent = await calls.agent([await calls.make(tool)], { name: 'surveyor' });
      const exported = await calls.call<object>('GET', `/v1/agents/${agent}/export`);
      await calls.call('DELETE', `/v1/agents/${agent}`);
      // Nobody here knows the file's tool, as at another deployment.
      const name = 'measure_elsewhere';
      const file = JSON.parse(JSON.stringify(exported).replaceAll(tool.name, name)) as object;
      const answer = await importFile(deployed, file);
      expect(answer.status).toBe(200);
      const { agent_ids } = (await answer.json()) as { agent_ids: string[] };
      expect(agent_ids).toHaveLength(1);
      const runs = () => deployed.containerLines('gateway').filter((line) => line.includes('"tool-run"')).length;
      const before = runs();
      // LETTA_PG_URI and the like would be there in Letta's container.
      expect(await calls.turn(agent_ids[0], name, { width: 7 })).toMatchObject({
        status: 'success',
        returned: `14 ['LETTA_AGENT_ID', 'LETTA_TOOL_ID']`,
      });
      expect(runs()).toBe(before + 1);
    });
  });

  test('an agent comes back from an export with its tool, which nobody has any more', async () => {
    const calls = new ToolCalls(serverOf(deployed));
    const tool = pythonTool('double(width: int)', 'return f"twice {width} is {width * 2}"');
    const id = await calls.make(tool);
    const agent = await calls.agent([id], { name: 'doubler' });
    const api = new LettaApi({ url: deployed.url, password: deployed.lab.password });
    const s3 = new FakeS3Server();
    await s3.start();
    try {
      const log = jsonLog(() => undefined);
      await exportAgents(api, s3.storage('exports'), log);
      await calls.call('DELETE', `/v1/agents/${agent}`);
      await deployed.lab.services.postgres.sql(`DELETE FROM letta.tools WHERE id = '${id}'`, 'letta');
      const source = await CheckedExport.open(s3.storage('exports'), 'latest', [agent], await api.version());
      const { restored, failed } = await new Restore(source, api, log).run();
      expect(failed).toEqual({});
      expect(await calls.turn(restored[agent], tool.name, { width: 7 })).toMatchObject({
        status: 'success',
        returned: 'twice 7 is 14',
      });
    } finally {
      s3.stop();
    }
  });
}
