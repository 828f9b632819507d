import { Duration } from 'aws-cdk-lib';
import { ToolSandbox } from '../../lib';
import { Deployed } from './deployed';
import { badInputSuite } from './suites/tools/bad-input';
import { hostileSuite } from './suites/tools/hostile';
import { ordinarySuite } from './suites/tools/ordinary';

describe('LettaBedrockStack with a sandbox for callers’ tools', () => {
  const deployed = new Deployed({
    stack: { http: true, customTools: ToolSandbox.function({ timeout: Duration.seconds(6), maxRunsPerAgent: 2 }) },
  });
  ordinarySuite(deployed);
  badInputSuite(deployed);
  hostileSuite(deployed);
});
