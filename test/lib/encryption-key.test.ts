import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { BedrockModel, Guardrail, LettaBedrockStack, LettaCache, LettaDatabase, SealedNetwork } from '../../lib';
import { encryptedLogGroup } from '../../lib/private/encrypted-log-group';
import { requireUsableKey } from '../../lib/private/encryption-key';
import { asText, Template, testApp, testStack, warningsOf } from './support';

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-2222-3333-444444444444';
const EU = { account: '111122223333', region: 'eu-central-1' };

const vpcOf = (stack: Stack): ec2.IVpc =>
  (stack.node.tryFindChild('Net') as SealedNetwork | undefined)?.vpc ?? new SealedNetwork(stack, 'Net').vpc;

const logsStatements = (template: Template): { Condition: unknown; Principal: { Service: unknown } }[] =>
  Object.values(template.findResources('AWS::KMS::Key'))
    .flatMap(({ Properties }) => Properties.KeyPolicy.Statement)
    .filter(({ Principal }) => Principal.Service);

test('a key made in the app lets CloudWatch Logs use it for log groups of this account alone, said once a stack', () => {
  const stack = testStack(EU);
  const key = new kms.Key(stack, 'Key');
  encryptedLogGroup(stack, 'One', { encryptionKey: key });
  encryptedLogGroup(stack, 'Two', { encryptionKey: key });
  const [statement, ...more] = logsStatements(Template.fromStack(stack));
  expect(more).toEqual([]);
  expect(asText(statement.Principal.Service)).toBe('logs.eu-central-1.${AWS::URLSuffix}');
  expect(Object.keys(statement.Condition as object)).toEqual(['ArnLike']);
  expect(JSON.stringify(statement.Condition)).toContain(':logs:eu-central-1:111122223333:log-group:*');
});

describe('an imported key, whose policy cannot be changed', () => {
  const imported = (stack: Stack): kms.IKey => kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
  const messageOf = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  const users: [string, (stack: Stack, key: kms.IKey, encryptionKeyAllowsUse?: boolean) => unknown][] = [
    [
      'SealedNetwork',
      (stack, encryptionKey, encryptionKeyAllowsUse) =>
        new SealedNetwork(stack, 'It', { encryptionKey, encryptionKeyAllowsUse }),
    ],
    [
      'LettaDatabase',
      (stack, encryptionKey, encryptionKeyAllowsUse) =>
        new LettaDatabase(stack, 'It', { vpc: vpcOf(stack), encryptionKey, encryptionKeyAllowsUse }),
    ],
    [
      'LettaCache',
      (stack, encryptionKey, encryptionKeyAllowsUse) =>
        new LettaCache(stack, 'It', { vpc: vpcOf(stack), encryptionKey, encryptionKeyAllowsUse }),
    ],
    [
      'Guardrail',
      (stack, encryptionKey, encryptionKeyAllowsUse) =>
        new Guardrail(stack, 'It', { encryptionKey, encryptionKeyAllowsUse }),
    ],
    [
      'LettaBedrockStack',
      (stack, encryptionKey, encryptionKeyAllowsUse) => {
        const models = [BedrockModel.EU_CLAUDE_SONNET_4_6];
        const props = { env: EU, http: true, models, encryptionKey, encryptionKeyAllowsUse };
        return new LettaBedrockStack(stack.node.root as App, 'Letta', props);
      },
    ],
  ];

  test.each(users)(
    'fails in a %s, which gives the statements that the policy needs and the prop that says so',
    (_, use) => {
      const stack = new Stack(testApp(), 'Test', { env: EU });
      const message = messageOf(() => use(stack, imported(stack)));
      expect(message).toContain(`encryptionKey ${KEY_ARN} was imported`);
      expect(message).toContain('kms:GenerateDataKey*');
      expect(message).toContain('kms:EncryptionContext:aws:logs:arn');
      expect(message).toContain('"Action":"kms:*"');
      expect(message).toMatch(/encryptionKeyAllowsUse: true$/);
    },
  );

  test.each(users)('passes in a %s that says that its policy has them, without a warning', (_, use) => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: EU });
    use(stack, imported(stack), true);
    expect(warningsOf(app).filter((warning) => warning.includes('encryptionKey'))).toEqual([]);
  });

  test('is asked for no such word when the app makes it, in this stack or another', () => {
    const app = testApp();
    const key = new kms.Key(new Stack(app, 'Keys', { env: EU }), 'Key');
    for (const [name, use] of users) expect(messageOf(() => use(new Stack(app, name, { env: EU }), key))).toBe('');
  });

  test('is not let through by the word about another key', () => {
    const stack = new Stack(testApp(), 'Test', { env: EU });
    new Guardrail(stack, 'One', { encryptionKey: imported(stack), encryptionKeyAllowsUse: true });
    const other = kms.Key.fromKeyArn(stack, 'Other', KEY_ARN.replace(/0/g, '9'));
    expect(() => new Guardrail(stack, 'Two', { encryptionKey: other })).toThrow('Test/Two: encryptionKey');
  });
});

describe('fails at synth', () => {
  test('for an alias, made or imported, which neither policies nor log groups take', () => {
    const stack = testStack(EU);
    const made = new kms.Alias(stack, 'Made', { aliasName: 'alias/letta', targetKey: new kms.Key(stack, 'Key') });
    for (const alias of [made, kms.Alias.fromAliasName(stack, 'Imported', 'alias/letta')]) {
      expect(() => requireUsableKey(stack, alias)).toThrow(
        /^Test: encryptionKey is an alias, .*alias\/letta.*, wanted a key by its ARN.*kms\.Key\.fromKeyArn/,
      );
    }
  });

  test('for an alias or a key of another region in a cache', () => {
    const stack = testStack(EU);
    const cache = (encryptionKey: kms.IKey): unknown =>
      new LettaCache(stack, 'Cache', { vpc: vpcOf(stack), encryptionKey });
    expect(() => cache(kms.Alias.fromAliasName(stack, 'Alias', 'alias/letta'))).toThrow('encryptionKey is an alias');
    stack.node.tryRemoveChild('Cache');
    const elsewhere = kms.Key.fromKeyArn(stack, 'Elsewhere', KEY_ARN.replace('eu-central-1', 'eu-west-1'));
    expect(() => cache(elsewhere)).toThrow("encryptionKey is of region 'eu-west-1'");
  });

  test('for a key of another region, and takes one whose region only the deployment knows', () => {
    const stack = testStack({ ...EU, region: 'us-east-1' });
    expect(() => requireUsableKey(stack, kms.Key.fromKeyArn(stack, 'Key', KEY_ARN))).toThrow(
      "Test: encryptionKey is of region 'eu-central-1', wanted a key of the stack's region 'us-east-1': give that one, or",
    );
    const anywhere = testStack();
    expect(() => requireUsableKey(anywhere, kms.Key.fromKeyArn(anywhere, 'Key', KEY_ARN))).not.toThrow();
  });
});
