import { Deployed } from './deployed';
import { bedrockFaults } from './suites/faults/bedrock';
import { identityFaults } from './suites/faults/identity';
import { lettaFaults } from './suites/faults/letta';
import { startFaults } from './suites/faults/start';
import { storeFaults } from './suites/faults/stores';
import { rollingSuite } from './suites/rolling';
import { secretsSuite } from './suites/secrets';

describe('LettaBedrockStack, when something fails', () => {
  const deployed = new Deployed();
  rollingSuite(deployed);
  bedrockFaults(deployed);
  storeFaults(deployed);
  identityFaults(deployed);
  startFaults(deployed);
  lettaFaults(deployed);
  secretsSuite(deployed);
});
