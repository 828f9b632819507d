import { Duration } from 'aws-cdk-lib';
import { ToolSandbox } from '../../lib';
import { Deployed } from './deployed';
import { interpreterSuite } from './suites/tools/interpreter';

describe('LettaBedrockStack with a code interpreter for callers’ tools', () => {
  const deployed = new Deployed({
    stack: {
      http: true,
      customTools: ToolSandbox.codeInterpreter({ timeout: Duration.seconds(6), sessionIdle: Duration.minutes(1) }),
    },
  });
  interpreterSuite(deployed);
});
