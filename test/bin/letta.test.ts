import { App } from 'aws-cdk-lib';

/** What the app says of its flags, as the command line hands them over: by the environment. */
function letta(context: Record<string, unknown>): void {
  process.env.CDK_CONTEXT_JSON = JSON.stringify(context);
  jest.isolateModules(() => jest.requireActual('../../bin/letta'));
}

const said = (context: Record<string, unknown>): string => {
  try {
    letta(context);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

afterEach(() => {
  delete process.env.CDK_CONTEXT_JSON;
});

const CERTIFICATE = 'arn:aws:acm:eu-west-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';
const IRELAND = {
  account: '111122223333',
  region: 'eu-west-1',
  models: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
};

test('the environment is how the command line hands context over', () => {
  process.env.CDK_CONTEXT_JSON = '{"region":"eu-west-1"}';
  expect(new App().node.tryGetContext('region')).toBe('eu-west-1');
});

test.each<[string, Record<string, unknown>]>([
  ['no flag', {}],
  [
    'all flags',
    { ...IRELAND, certificateArn: CERTIFICATE, embeddings: 'amazon.titan-embed-text-v2:0', allowFrom: '10.0.0.0/8' },
  ],
  ['blanks behind commas', { allowFrom: '10.0.0.0/8, 192.168.0.0/16' }],
])('%s: the stack is made', (_what, context) => {
  expect(said(context)).toBe('');
});

test.each<[string, string, Record<string, unknown>]>([
  ['account', '11112222333', { account: '11112222333' }],
  ['account', 'a number', { account: 111122223333 }],
  ['region', 'Ireland', { region: 'Ireland' }],
  ['region', 'nothing', { region: '' }],
  ['certificateArn', 'nothing', { certificateArn: '' }],
  ['certificateArn', 'no ARN', { certificateArn: 'letta.example.com' }],
  ['certificateArn', 'one of another region', { ...IRELAND, region: 'eu-central-1', certificateArn: CERTIFICATE }],
  ['models', 'nothing', { models: '' }],
  ['models', 'an empty item', { models: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0,' }],
  ['models', 'a list of JSON', { models: ['us.anthropic.claude-sonnet-4-5-20250929-v1:0'] }],
  ['models', 'no model', { models: 'gpt 5' }],
  ['embeddings', 'no model', { embeddings: 'titan embeddings' }],
  ['allowFrom', 'an address without a range', { allowFrom: '10.0.0.1/' }],
  ['allowFrom', 'a name', { allowFrom: 'office' }],
  ['allowFrom', 'everybody', { allowFrom: '0.0.0.0/0' }],
])('-c %s with %s fails and says which flag', (name, _what, context) => {
  expect(said(context)).toMatch(new RegExp(`^-c ${name}: `));
});

test('what the library says of an item stands behind the flag', () => {
  expect(said({ allowFrom: '10.0.0.0/8,0.0.0.0/0' })).toContain(
    "-c allowFrom: '0.0.0.0/0' is refused: LettaBedrockStack/Service: allowFrom opens the API to everybody",
  );
});

test('a region that a profile cannot be called from fails with the name of the property, which is that of the flag', () => {
  expect(said({ region: 'eu-west-1' })).toMatch(/^LettaBedrockStack\/Bedrock: .*models/);
});

test('a flag that does not exist has a warning with those that do', () => {
  process.env.CDK_CONTEXT_JSON = JSON.stringify({ ...IRELAND, modles: 'x', '@aws-cdk/core:some-flag': true });
  const warnings: string[][] = [];
  jest.isolateModules(() => {
    const { Annotations } = jest.requireActual<typeof import('aws-cdk-lib')>('aws-cdk-lib');
    jest.spyOn(Annotations.prototype, 'addWarningV2').mockImplementation((id, text) => void warnings.push([id, text]));
    jest.requireActual('../../bin/letta');
  });
  expect(warnings.filter(([id]) => id === 'cdk-letta:context').map(([, text]) => text)).toEqual([
    expect.stringMatching(/^-c modles: no such flag, wanted one of certificateArn, models, /),
  ]);
});
