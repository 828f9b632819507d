import { Deployed } from './deployed';
import { agentsSuite } from './suites/agents';
import { connectionsSuite } from './suites/connections';
import { migrationSuite } from './suites/migration';
import { openRoutesSuite } from './suites/open-routes';
import { restrictionsSuite } from './suites/restrictions';
import { routeTableSuite } from './suites/route-table';
import { secretsSuite } from './suites/secrets';
import { stopSuite } from './suites/stop';

describe('LettaBedrockStack, deployed', () => {
  const deployed = new Deployed();
  agentsSuite(deployed);
  restrictionsSuite(deployed);
  routeTableSuite(deployed);
  openRoutesSuite(deployed);
  migrationSuite(deployed);
  connectionsSuite(deployed);
  stopSuite(deployed);
  secretsSuite(deployed);

  describe('what was said', () => {
    test('is not in the gateway’s log', () => {
      const lines = deployed.containerLines('gateway').join('\n');
      expect(lines).toContain('"model-call"');
      for (const said of ['teal', 'cat named Vector', 'Good morning']) expect(lines).not.toContain(said);
    });
  });
});
