import { Duration } from 'aws-cdk-lib';
import { ToolSandbox } from '../../lib';
import { Deployed } from './deployed';
import { badInputSuite } from './suites/tools/bad-input';
import { hostileSuite } from './suites/tools/hostile';
import { hostileControlSuite } from './suites/tools/hostile-control';
import { ordinarySuite } from './suites/tools/ordinary';
import { ownNamesSuite } from './suites/tools/own-names';
import { StockBeside } from './suites/tools/stock-beside';
import { streamedSuite } from './suites/tools/streamed';
import { travellingSuite } from './suites/tools/travelling';
import { variablesSuite } from './suites/tools/variables';

describe('LettaBedrockStack with a sandbox for callers’ tools', () => {
  const deployed = new Deployed({
    stack: {
      http: true,
      agentImport: true,
      customTools: ToolSandbox.function({ timeout: Duration.seconds(6), maxRunsPerAgent: 2 }),
    },
  });
  // Its hooks, and with them its server, end before the hostile tools want both processors.
  describe('beside a stock server', () => {
    const stock = new StockBeside(deployed);
    ordinarySuite(deployed, stock);
    hostileControlSuite(stock);
  });
  streamedSuite(deployed);
  travellingSuite(deployed);
  ownNamesSuite(deployed);
  variablesSuite(deployed);
  badInputSuite(deployed);
  hostileSuite(deployed);
});
