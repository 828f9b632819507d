import { isAllowed, type Statement } from './iam-policy';

const profile = 'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.x';
const model = 'arn:aws:bedrock:us-west-2::foundation-model/anthropic.x';
const statements: Statement[] = [
  { Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: profile },
  {
    Effect: 'Allow',
    Action: ['bedrock:InvokeModel'],
    Resource: [model],
    Condition: { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
  },
  { Effect: 'Allow', Action: 'ecs:Describe*', Resource: 'arn:aws:ecs:*:1:task/lab/*' },
];
const invoke = (resource: string, context?: Record<string, string>) =>
  isAllowed(statements, { action: 'bedrock:InvokeModel', resource, context });

describe('the policy evaluator', () => {
  test('allows what a statement allows, and nothing else', () => {
    expect(invoke(profile)).toBe(true);
    expect(invoke(`${profile}y`)).toBe(false);
    expect(isAllowed(statements, { action: 'bedrock:InvokeModelWithResponseStream', resource: profile })).toBe(false);
    expect(isAllowed([], { action: 'bedrock:InvokeModel', resource: profile })).toBe(false);
  });

  test('holds a statement to its condition', () => {
    expect(invoke(model, { 'bedrock:InferenceProfileArn': profile })).toBe(true);
    expect(invoke(model, { 'bedrock:InferenceProfileArn': `${profile}y` })).toBe(false);
    expect(invoke(model)).toBe(false);
  });

  test('lets a denial win, where its condition holds', () => {
    const all = [
      { Effect: 'Allow', Action: 'ec2:CreateNetworkInterface', Resource: '*' },
      {
        Effect: 'Deny',
        Action: 'ec2:CreateNetworkInterface',
        Resource: '*',
        Condition: { ArnEquals: { 'lambda:SourceFunctionArn': 'arn:f' } },
      },
    ];
    const request = { action: 'ec2:CreateNetworkInterface', resource: 'arn:eni' };
    expect(isAllowed(all, request)).toBe(true);
    expect(isAllowed(all, { ...request, context: { 'lambda:SourceFunctionArn': 'arn:f' } })).toBe(false);
  });

  test('holds a call to the VPC it must come through, and one that comes through none', () => {
    const bound = [
      { Effect: 'Allow', Action: 's:G', Resource: 'r', Condition: { StringEquals: { 'aws:SourceVpc': 'vpc-1' } } },
    ];
    const from = (vpc?: string) =>
      isAllowed(bound, { action: 's:G', resource: 'r', context: { 'aws:SourceVpc': vpc } });
    expect([from('vpc-1'), from('vpc-2'), from(undefined)]).toEqual([true, false, false]);
  });

  test('knows wildcards in actions and resources', () => {
    expect(isAllowed(statements, { action: 'ecs:DescribeTasks', resource: 'arn:aws:ecs:eu-west-1:1:task/lab/7' })).toBe(
      true,
    );
    expect(isAllowed(statements, { action: 'ecs:RunTask', resource: 'arn:aws:ecs:eu-west-1:1:task/lab/7' })).toBe(
      false,
    );
    expect(isAllowed(statements, { action: 'ecs:DescribeTasks', resource: 'arn:aws:ecs:eu-west-1:1:task/b/7' })).toBe(
      false,
    );
  });

  test('lets a denial win', () => {
    const denied = [...statements, { Effect: 'Deny', Action: '*', Resource: '*' }];
    expect(isAllowed(denied, { action: 'bedrock:InvokeModel', resource: profile })).toBe(false);
  });

  test('fails on what it does not know, instead of guessing', () => {
    const unknown = {
      Effect: 'Allow',
      Action: '*',
      Resource: '*',
      Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } },
    };
    expect(() => isAllowed([unknown], { action: 'a:b', resource: '*' })).toThrow("operator 'IpAddress'");
    const inverted = { Effect: 'Allow', NotAction: 'a:b', Action: '*', Resource: '*' } as Statement;
    expect(() => isAllowed([inverted], { action: 'a:b', resource: '*' })).toThrow('NotAction');
  });

  test('NotAction and NotResource mean everything but what they name', () => {
    const sealed: Statement[] = [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', NotAction: 'lambda:InvokeFunction', Resource: '*' },
      { Effect: 'Deny', Action: 'lambda:InvokeFunction', NotResource: 'arn:aws:lambda:us-east-1:1:function:allowed' },
    ];
    const decide = (action: string, name: string) =>
      isAllowed(sealed, { action, resource: `arn:aws:lambda:us-east-1:1:function:${name}` });
    expect(decide('lambda:InvokeFunction', 'allowed')).toBe(true);
    expect(decide('lambda:InvokeFunction', 'another')).toBe(false);
    expect(decide('lambda:UpdateFunctionCode', 'allowed')).toBe(false);
  });
});
