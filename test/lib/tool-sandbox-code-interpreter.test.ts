import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { ToolSandboxCodeInterpreter, ToolSandboxCodeInterpreterProps } from '../../lib';
import { statementsOf, Template, testApp, warningsOf } from './support';

function codeInterpreter(props: ToolSandboxCodeInterpreterProps = {}) {
  const stack = new Stack(testApp(), 'Test');
  const made = new ToolSandboxCodeInterpreter(stack, 'Tools', props);
  return { stack, codeInterpreter: made, template: () => Template.fromStack(stack) };
}

test('is in the sandbox network of AgentCore', () => {
  codeInterpreter()
    .template()
    .hasResourceProperties('AWS::BedrockAgentCore::CodeInterpreterCustom', {
      NetworkConfiguration: { NetworkMode: 'SANDBOX' },
    });
});

test('has a role that is denied everything, and that AgentCore assumes for this account alone', () => {
  const template = codeInterpreter().template();
  expect(statementsOf(template, 'ToolsRole')).toEqual([{ Effect: 'Deny', Action: '*', Resource: '*' }]);
  const [role] = Object.values(template.findResources('AWS::IAM::Role'));
  expect(role.Properties.ManagedPolicyArns).toBeUndefined();
  expect(role.Properties.AssumeRolePolicyDocument.Statement[0].Condition.StringEquals).toEqual({
    'aws:SourceAccount': { Ref: 'AWS::AccountId' },
  });
});

test('is run in by those who may start, use and end its sessions', () => {
  const [call] = codeInterpreter().codeInterpreter.runCalls;
  expect(call.service.name).toBe('bedrock-agentcore');
  expect(call.actions.map((action) => action.split(':')[1])).toEqual([
    'StartCodeInterpreterSession',
    'InvokeCodeInterpreter',
    'StopCodeInterpreterSession',
  ]);
  expect(call.resources).toHaveLength(1);
});

test.each([59, 28_801])('fails with a session that is kept for %d s', (seconds) => {
  expect(() => codeInterpreter({ sessionIdle: Duration.seconds(seconds) })).toThrow(
    `sessionIdle is ${seconds} s, wanted 60 to 28800 s`,
  );
});

test('fails with a time-out that the gateway does not wait for', () => {
  expect(() => codeInterpreter({ timeout: Duration.minutes(5) })).toThrow('timeout is 300 s, wanted 1 to 270 s');
});

test('has no way out, whatever is asked of it', () => {
  const { codeInterpreter: made, stack } = codeInterpreter();
  const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:orders';
  const fn = lambda.Function.fromFunctionArn(stack, 'Orders', arn);
  const sandbox: { allowFunction(fn: lambda.IFunction): void; allowEndpoint(endpoint: string): void } = made;
  expect(() => sandbox.allowFunction(fn)).toThrow('allowFunction on a code interpreter, wanted a function');
  expect(() => sandbox.allowEndpoint('api.example.com:443')).toThrow('use ToolSandbox.function()');
});

test('warns that its sandbox network reaches Amazon S3 and resolves names', () => {
  const { stack } = codeInterpreter();
  Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('reaches Amazon S3.*resolves names'));
});

test.each([
  ['me-south-1', true],
  ['eu-central-1', false],
  [undefined, false],
])('in region %s a warning is given: %p', (region, warns) => {
  const app = testApp();
  new ToolSandboxCodeInterpreter(new Stack(app, 'Test', { env: { region } }), 'Tools');
  const found = warningsOf(app).filter((warning) => warning.includes('ToolSandboxCodeInterpreter.region]'));
  expect(found).toHaveLength(warns ? 1 : 0);
});
