import { App, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { encryptedLogGroup } from '../../lib/private/encrypted-log-group';
import { requireUsableKey } from '../../lib/private/encryption-key';
import { asText, Template, testApp, testStack, warningsOf } from './support';

const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-2222-3333-444444444444';
const EU = { account: '111122223333', region: 'eu-central-1' };

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
  const withImported = (): { app: App; messages: () => string[] } => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: EU });
    const key = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
    encryptedLogGroup(stack, 'One', { encryptionKey: key });
    encryptedLogGroup(stack, 'Two', { encryptionKey: key });
    return { app, messages: () => warningsOf(app) };
  };

  test('gives one warning with the very statement that it needs', () => {
    const [warning, ...more] = withImported().messages();
    expect(more).toEqual([]);
    expect(warning).toContain(`encryptionKey ${KEY_ARN} was imported`);
    expect(warning).toContain('kms:GenerateDataKey*');
    expect(warning).toContain('kms:EncryptionContext:aws:logs:arn');
    expect(warning).toContain('[ack: cdk-letta:encryptionKey.policy]');
  });

  test('gives none for a key that the app makes', () => {
    const app = testApp();
    const stack = new Stack(app, 'Test', { env: EU });
    encryptedLogGroup(stack, 'One', { encryptionKey: new kms.Key(stack, 'Key') });
    expect(warningsOf(app)).toEqual([]);
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

  test('for a key of another region, and takes one whose region only the deployment knows', () => {
    const stack = testStack({ ...EU, region: 'us-east-1' });
    expect(() => requireUsableKey(stack, kms.Key.fromKeyArn(stack, 'Key', KEY_ARN))).toThrow(
      "Test: encryptionKey is of region 'eu-central-1', wanted a key of the stack's region 'us-east-1': give that one, or",
    );
    const anywhere = testStack();
    expect(() => requireUsableKey(anywhere, kms.Key.fromKeyArn(anywhere, 'Key', KEY_ARN))).not.toThrow();
  });
});
