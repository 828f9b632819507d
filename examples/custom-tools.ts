import { App, Validations } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LettaBedrockStack, LettaChecks, ToolSandbox } from '../lib';

/**
 * Callers bring tools of their own. Their code runs in a Lambda function without a network, and may call one function of the
 * company's, which looks orders up.
 */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const stack = new LettaBedrockStack(app, 'Letta', {
  env: { account: '111122223333', region: 'us-east-1' },
  http: true,
  customTools: ToolSandbox.function({ memorySize: 2048, maxRunsPerAgent: 2 }),
});

const orders = 'arn:aws:lambda:us-east-1:111122223333:function:look-up-orders';
const sandbox = stack.service.toolSandbox!;
sandbox.allowFunction(lambda.Function.fromFunctionArn(stack, 'Orders', orders));
Validations.of(sandbox).acknowledge({
  id: 'Annotation::cdk-letta:ToolSandboxFunction.allowFunction',
  reason: 'the function looks orders up and does nothing else, whatever it is sent',
});
