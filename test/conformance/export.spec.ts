import { LettaExport } from '../../lib';
import { Port } from '../../runtime/contract';
import { Address } from '../lab/namespace';
import { Deployed } from './deployed';
import { exportSuite } from './suites/export';

describe('LettaBedrockStack with an export', () => {
  const deployed = new Deployed({
    stack: { http: true, agentImport: true },
    extend: (stack) =>
      void new LettaExport(stack, 'Export', { service: stack.service, url: `http://${Address.AWS}:${Port.API}` }),
  });
  exportSuite(deployed);
});
