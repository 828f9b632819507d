import { Duration, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { ProviderFunction, ProviderFunctionProps } from '../../lib/private/provider-function';
import { asList, asText, isolatedVpc, Statement, statementsOf, Template, testStack } from './support';

function step(stack: Stack, props: Partial<ProviderFunctionProps> = {}): ProviderFunction {
  const made = new ProviderFunction(stack, 'Step', {
    bundle: 'database-setup',
    description: 'Does something',
    timeout: Duration.minutes(1),
    logRetention: logs.RetentionDays.ONE_WEEK,
    ...props,
  });
  made.run('Run', 'Custom::Test');
  return made;
}

const networkInterfaces = (stack: Stack): Statement[] =>
  statementsOf(Template.fromStack(stack), 'StepRole').filter(({ Action }) =>
    asList(Action).includes('ec2:CreateNetworkInterface'),
  );

describe('in a VPC', () => {
  test('what Lambda may do with network interfaces is denied to the code of the function', () => {
    const stack = testStack();
    step(stack, { vpc: isolatedVpc(stack) });
    const [allowed, denied] = networkInterfaces(stack);
    expect([allowed.Effect, denied.Effect]).toEqual(['Allow', 'Deny']);
    expect(denied.Action).toEqual(allowed.Action);
    expect(denied.Resource).toBe('*');
    expect(asText(denied.Condition!.ArnEquals['lambda:SourceFunctionArn'])).toMatch(/^\$\{StepFunction[^.]*\.Arn\}$/);
  });

  test('the step does not run before that is denied', () => {
    const stack = testStack();
    step(stack, { vpc: isolatedVpc(stack) });
    const [run] = Object.values(Template.fromStack(stack).findResources('Custom::Test'));
    expect(run.DependsOn).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^StepCodePolicy/),
        expect.stringMatching(/^StepRoleDefaultPolicy/),
      ]),
    );
  });
});

test('outside a VPC the function has no permission on network interfaces at all', () => {
  const stack = testStack();
  step(stack);
  expect(networkInterfaces(stack)).toEqual([]);
});

test('every log is encrypted with the key it is given', () => {
  const stack = testStack();
  step(stack, { encryptionKey: new kms.Key(stack, 'Key') });
  const groups = Object.values(Template.fromStack(stack).findResources('AWS::Logs::LogGroup'));
  expect(groups).toHaveLength(2);
  for (const { Properties } of groups) expect(asText(Properties.KmsKeyId)).toMatch(/^\$\{Key/);
});
