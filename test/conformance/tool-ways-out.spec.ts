import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { ToolSandbox } from '../../lib';
import { Deployed } from './deployed';
import { WAY_OUT, waysOutSuite } from './suites/tools/ways-out';

describe('LettaBedrockStack whose tools may invoke one function and reach one endpoint', () => {
  const deployed = new Deployed({
    stack: {
      http: true,
      customTools: ToolSandbox.function({
        timeout: Duration.seconds(40),
        allowedFunctions: [lambda.Function.fromFunctionArn(new Stack(), 'Orders', WAY_OUT.functionArn)],
        allowedEndpoints: [WAY_OUT.endpoint],
      }),
    },
  });
  waysOutSuite(deployed);
});
