import { CfnParameter, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import fc from 'fast-check';
import {
  BedrockAccess,
  BedrockModel,
  Guardrail,
  GuardrailPii,
  GuardrailProps,
  GuardrailStrength,
  GuardrailTopic,
} from '../../lib';
import { asText, Match, statementsOf, Template, testApp, testStack } from './support';

interface Filter {
  readonly type: string;
  readonly inputStrength: string;
  readonly outputStrength: string;
}

function synth(props: GuardrailProps = {}): Template {
  const stack = testStack();
  new Guardrail(stack, 'Guardrail', props);
  return Template.fromStack(stack);
}

const only = (
  template: Template,
  type: string,
): [string, { Properties: Record<string, never> } & Record<string, unknown>] =>
  Object.entries(template.findResources(type))[0] as never;
const filters = (template: Template): Filter[] =>
  (
    only(template, 'AWS::Bedrock::Guardrail')[1].Properties.ContentPolicyConfig as unknown as {
      FiltersConfig: object[];
    }
  ).FiltersConfig.map(
    (filter) =>
      Object.fromEntries(Object.entries(filter).map(([k, v]) => [k[0].toLowerCase() + k.slice(1), v])) as never,
  );
const pii = (template: Template): Record<string, string> =>
  Object.fromEntries(
    (
      only(template, 'AWS::Bedrock::Guardrail')[1].Properties.SensitiveInformationPolicyConfig as never as {
        PiiEntitiesConfig: { Type: string; Action: string }[];
      }
    ).PiiEntitiesConfig.map(({ Type, Action }) => [Type, Action]),
  );

describe('by default', () => {
  test('filters every kind of harmful content both ways, and attacks on the way in', () => {
    const made = filters(synth());
    expect(made.map(({ type }) => type)).toEqual([
      'HATE',
      'INSULTS',
      'SEXUAL',
      'VIOLENCE',
      'MISCONDUCT',
      'PROMPT_ATTACK',
    ]);
    for (const { type, inputStrength, outputStrength } of made) {
      expect([inputStrength, outputStrength]).toEqual(['HIGH', type === 'PROMPT_ATTACK' ? 'NONE' : 'HIGH']);
    }
  });

  test('stops credentials and payment cards, and hides numbers of identity, but not the names agents remember', () => {
    const made = pii(synth());
    expect([made.PASSWORD, made.AWS_SECRET_KEY, made.CREDIT_DEBIT_CARD_NUMBER]).toEqual(['BLOCK', 'BLOCK', 'BLOCK']);
    expect(made.US_SOCIAL_SECURITY_NUMBER).toBe('ANONYMIZE');
    expect([made.NAME, made.EMAIL, made.ADDRESS]).toEqual([undefined, undefined, undefined]);
  });

  test('has no topics, no words, and messages that give nothing away', () => {
    synth().hasResourceProperties('AWS::Bedrock::Guardrail', {
      TopicPolicyConfig: Match.absent(),
      WordPolicyConfig: Match.absent(),
      BlockedInputMessaging: 'This message cannot be processed.',
      BlockedOutputsMessaging: 'This answer cannot be shown.',
      KmsKeyArn: Match.absent(),
    });
  });
});

test('whatever the strengths, prompt attacks have no output strength and a filter that is off is left out', () => {
  const strength = fc.constantFrom(...Object.values(GuardrailStrength));
  fc.assert(
    fc.property(strength, strength, (hate, promptAttack) => {
      const made = filters(synth({ hate, promptAttack }));
      expect(made.find(({ type }) => type === 'HATE')?.inputStrength).toBe(hate === 'NONE' ? undefined : hate);
      expect(made.find(({ type }) => type === 'PROMPT_ATTACK')).toEqual(
        promptAttack === 'NONE'
          ? undefined
          : { type: 'PROMPT_ATTACK', inputStrength: promptAttack, outputStrength: 'NONE' },
      );
    }),
    { numRuns: 20, seed: 7 },
  );
});

test('denies topics, words and swear words', () => {
  const topic: GuardrailTopic = {
    name: 'Investments',
    definition: 'Advice on how to invest.',
    examples: ['Buy gold?'],
  };
  synth({ deniedTopics: [topic], blockedWords: ['Acme'], profanity: true }).hasResourceProperties(
    'AWS::Bedrock::Guardrail',
    {
      TopicPolicyConfig: {
        TopicsConfig: [
          { Name: 'Investments', Definition: 'Advice on how to invest.', Examples: ['Buy gold?'], Type: 'DENY' },
        ],
      },
      WordPolicyConfig: { WordsConfig: [{ Text: 'Acme' }], ManagedWordListsConfig: [{ Type: 'PROFANITY' }] },
    },
  );
});

test('what is blocked on request is no longer only anonymized', () => {
  const made = pii(synth({ blockedPii: [GuardrailPii.US_SOCIAL_SECURITY_NUMBER] }));
  expect([made.US_SOCIAL_SECURITY_NUMBER, made.PASSWORD]).toEqual(['BLOCK', undefined]);
});

describe('the version', () => {
  const version = (props?: GuardrailProps) => only(synth(props), 'AWS::Bedrock::GuardrailVersion');

  test('is another resource when the content is another one, so that AWS makes a new version', () => {
    const ids = [
      undefined,
      { hate: GuardrailStrength.LOW },
      { blockedWords: ['x'] },
      { blockedInputMessage: 'No.' },
    ].map((props) => version(props)[0]);
    expect(new Set(ids).size).toBe(4);
  });

  test('is the same one when the content is the same', () => {
    expect(version({ hate: GuardrailStrength.HIGH })[0]).toBe(version()[0]);
  });

  test('stays when another one follows: running tasks and roll-backs call with it', () => {
    expect(version()[1]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('is what calls carry, and what IAM demands of them', () => {
    const stack = testStack({ region: 'us-east-1', account: '111122223333' });
    const guardrail = new Guardrail(stack, 'Guardrail', { encryptionKey: new kms.Key(stack, 'Key') });
    new BedrockAccess(stack, 'Bedrock', {
      models: [BedrockModel.US_CLAUDE_SONNET_4_6],
      embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
      guardrail,
    }).grantInvoke(new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() }));
    const template = Template.fromStack(stack);
    const [versionId] = only(template, 'AWS::Bedrock::GuardrailVersion');
    const [guardrailId, { Properties }] = only(template, 'AWS::Bedrock::Guardrail');
    const demanded = statementsOf(template, 'Role').flatMap(
      ({ Condition }) => Condition?.StringEquals?.['bedrock:GuardrailIdentifier'] ?? [],
    );
    expect(demanded.map(asText)).toEqual(Array(2).fill(`\${${guardrailId}.GuardrailArn}:\${${versionId}.Version}`));
    expect(asText(Properties.KmsKeyArn)).toMatch(/^\$\{Key/);
    expect(statementsOf(template, 'Role').map(({ Action }) => Action)).toContain('kms:Decrypt');
  });
});

test('has a name of its own in every stack, that AWS takes', () => {
  const names = ['One', 'Two'].map((id) => {
    const stack = new Stack(testApp(), `${id}WithAVeryLongNameThatGoesOnAndOnAndOnUntilItIsTooLong`);
    new Guardrail(stack, 'Guardrail');
    return only(Template.fromStack(stack), 'AWS::Bedrock::Guardrail')[1].Properties.Name as string;
  });
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name).toMatch(/^[0-9a-zA-Z-_]{1,50}$/);
});

describe('fails on bad input, at synth and by name', () => {
  const topic = (over: Partial<GuardrailTopic>): GuardrailTopic => ({ name: 'T', definition: 'D', ...over });
  test.each<[string, GuardrailProps]>([
    ["hate is 'STRONG', wanted one of NONE, LOW, MEDIUM, HIGH", { hate: 'STRONG' as never }],
    ["blockedPii is 'SHOE_SIZE', wanted one of ADDRESS", { blockedPii: ['SHOE_SIZE' as never] }],
    [
      'blockedPii and anonymizedPii both name EMAIL, wanted it in one of them',
      { blockedPii: [GuardrailPii.EMAIL], anonymizedPii: [GuardrailPii.EMAIL] },
    ],
    ["blockedPii names 'PIN' twice", { blockedPii: [GuardrailPii.PIN, GuardrailPii.PIN] }],
    ['blockedInputMessage has 501 characters, wanted 1 to 500', { blockedInputMessage: 'x'.repeat(501) }],
    ['blockedOutputMessage has 0 characters', { blockedOutputMessage: '' }],
    ['blockedWords has 101 characters, wanted 1 to 100', { blockedWords: ['x'.repeat(101)] }],
    ['blockedWords has 10001 entries, wanted at most 10000', { blockedWords: Array(10_001).fill('x') }],
    ["deniedTopics has the name 'a/b'", { deniedTopics: [topic({ name: 'a/b' })] }],
    ["definition of the topic 'T' has 201 characters", { deniedTopics: [topic({ definition: 'x'.repeat(201) })] }],
    [
      "examples of the topic 'T' has 6 entries, wanted at most 5",
      { deniedTopics: [topic({ examples: Array(6).fill('x') })] },
    ],
    ['deniedTopics has 31 entries, wanted at most 30', { deniedTopics: Array(31).fill(topic({})) }],
    ["deniedTopics names 'T' twice", { deniedTopics: [topic({}), topic({})] }],
  ])('%s', (message, props) => {
    expect(() => synth(props)).toThrow(`Test/Guardrail: ${message}`);
  });

  test('a guardrail that stops nothing', () => {
    const off = GuardrailStrength.NONE;
    const strengths = { hate: off, insults: off, sexual: off, violence: off, misconduct: off, promptAttack: off };
    const nothing: GuardrailProps = { ...strengths, blockedPii: [], anonymizedPii: [] };
    expect(() => synth(nothing)).toThrow('Test/Guardrail: the guardrail stops nothing, wanted at least one filter');
    expect(() => synth({ ...nothing, profanity: true })).not.toThrow();
  });

  test('but takes text that only the deployment knows', () => {
    const stack = testStack();
    const text = new CfnParameter(stack, 'Text').valueAsString;
    expect(() => new Guardrail(stack, 'Guardrail', { blockedInputMessage: text, blockedWords: [text] })).not.toThrow();
  });
});
