import { App } from 'aws-cdk-lib';
import { BedrockModel, LettaBedrockStack } from '../../lib';
import { reportFigure } from '../gate/figures';
import { decide } from './access';
import { bounded, NO_MODELS, ownKey, underRegions } from './decisions/hardened';
import { Names } from './decisions/names';
import { stolenCredentials } from './decisions/stolen-credentials';
import { questions, type Row } from './decisions/table';
import { defaultDeployment, EUROPE, hardenedDeployment } from './deployments';

const standard = new Names(defaultDeployment());
const hardened = new Names(hardenedDeployment());
const boundedStack = new Names(hardenedDeployment(NO_MODELS));
let decisions = 0;

const SONNET = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const tables: [string, Names, Row[]][] = [
  ['the key that the stack makes', hardened, ownKey(hardened)],
  [
    'an organization in Europe',
    hardened,
    underRegions(
      hardened,
      'eu.anthropic.claude-sonnet-4-6',
      Object.fromEntries(EUROPE.map((region) => [region, 'allowed' as const])),
      EUROPE,
    ),
  ],
  [
    'an organization in Virginia alone, where calls fail by chance: the prop `modelRegions` says so at synth',
    standard,
    underRegions(standard, `us.${SONNET}`, { 'us-east-1': 'allowed', 'us-east-2': 'denied', 'us-west-2': 'denied' }, [
      'us-east-1',
    ]),
  ],
  [
    'the theft of its credentials',
    hardened,
    stolenCredentials(hardened, {
      profiles: [hardened.profile('eu.anthropic.claude-sonnet-4-6')],
      embedding: hardened.model('amazon.titan-embed-text-v2:0'),
      guardrail: hardened.deployment.attribute('AWS::Bedrock::Guardrail', 'Guardrail', 'GuardrailArn'),
      guardrailVersion: 1,
      guardrailKey: hardened.deployment.attribute('AWS::KMS::Key', 'Key', 'Arn'),
    }),
  ],
  ['a permissions boundary', boundedStack, bounded(boundedStack)],
];

describe.each(tables)('under %s', (_name, { deployment }, rows) => {
  test.each(rows.map((row) => [row.expected, row.what, row] as const))('%s: %s', async (expected, _what, row) => {
    for (const question of questions(row)) {
      const { action, resource } = question;
      const verdict = await decide(deployment, question);
      expect({ action, resource, verdict }).toEqual({ action, resource, verdict: expected });
      decisions += 1;
    }
  });
});

test('a boundary bounds every role, those of the framework too', () => {
  const roles = boundedStack.deployment.roles();
  expect(roles.filter(({ boundary }) => boundary === undefined).map(({ name }) => name)).toEqual([]);
  expect(roles.length).toBeGreaterThan(10);
});

test('a profile that may leave the regions of the organization is refused at synth, by its name', () => {
  const make = (models: BedrockModel[]): unknown =>
    new LettaBedrockStack(new App(), 'Letta', {
      ...{ env: { region: 'us-east-1' }, http: true, models, modelRegions: ['us-east-1'] },
    });
  expect(() => make([BedrockModel.US_CLAUDE_SONNET_4_5])).toThrow('us.anthropic.claude-sonnet-4-5');
  expect(() => make([BedrockModel.GLOBAL_CLAUDE_SONNET_4_6])).toThrow('global.anthropic.claude-sonnet-4-6');
});

afterAll(() => reportFigure('decisions', decisions));
