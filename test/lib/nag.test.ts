import { App, Stack, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { LettaBedrockStack } from '../../lib';
import { enterpriseStack } from './enterprise-stack';
import { CDK_JSON_CONTEXT, testApp } from './support';

function findings(app: App): string[] {
  return new AwsSolutionsChecks(app)
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map((resource) => `${ruleName} ${(resource as { constructPath?: string }).constructPath}`),
    );
}

const stacks: [string, (app: App) => Stack][] = [
  ['the default stack', (app) => new LettaBedrockStack(app, 'LettaBedrockStack', { http: true })],
  ['an enterprise stack', enterpriseStack],
];

describe.each(stacks)('%s', (_name, make) => {
  test.each([
    ['without feature flags', {}],
    ["with cdk.json's", CDK_JSON_CONTEXT],
  ])('has no finding of AwsSolutions that is not acknowledged with a reason, %s', (_flags, context) => {
    const app = testApp(context);
    make(app);
    expect(findings(app)).toEqual([]);
  });
});

test('acknowledges no more than it means: a finding of its owner still shows', () => {
  const app = testApp();
  const stack = new LettaBedrockStack(app, 'LettaBedrockStack', { http: true });
  new s3.Bucket(stack, 'Bucket');
  expect(findings(app)).toContain('AwsSolutions-S1 LettaBedrockStack/Bucket/Resource');
});

test('every acknowledgement has a reason of its own words', () => {
  const app = testApp();
  const stack = new LettaBedrockStack(app, 'LettaBedrockStack', { http: true });
  const reasons = stack.node
    .findAll()
    .flatMap((construct) => construct.node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.values(data as Record<string, string>));
  expect(reasons.length).toBeGreaterThan(0);
  for (const reason of reasons) expect(reason.split(' ').length).toBeGreaterThan(5);
});
