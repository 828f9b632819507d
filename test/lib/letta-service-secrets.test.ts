import { Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { LettaServiceProps } from '../../lib';
import { containers, environment, service } from './letta-service-support';
import { asList, asText, Statement, statementsOf, Template } from './support';

const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444';
const ARN = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:letta/admins';

const reading = (template: Template): Statement[] =>
  statementsOf(template, 'LettaTaskDefinitionTaskRole').filter(({ Action }) =>
    asList(Action).some((action) => action.startsWith('secretsmanager:')),
  );

function withAdministrators(secret: (stack: Stack) => secretsmanager.ISecret): Template {
  return service(({ stack }) => ({ administratorPassword: secret(stack) })).template();
}

describe('the task role', () => {
  test.each<[string, (stack: Stack) => secretsmanager.ISecret, RegExp]>([
    ['made in the app', (stack) => new secretsmanager.Secret(stack, 'Admins'), /^\$\{Admins\w+\}$/],
    [
      'of a whole ARN',
      (stack) => secretsmanager.Secret.fromSecretCompleteArn(stack, 'Admins', `${ARN}-AbCdEf`),
      /secret:letta\/admins-AbCdEf$/,
    ],
    [
      'of an ARN without its suffix',
      (stack) => secretsmanager.Secret.fromSecretPartialArn(stack, 'Admins', ARN),
      /secret:letta\/admins-\?{6}$/,
    ],
    [
      'of a name',
      (stack) => secretsmanager.Secret.fromSecretNameV2(stack, 'Admins', 'letta/admins'),
      /secret:letta\/admins-\?{6}$/,
    ],
  ])('reads the values of the two passwords and nothing about them: %s', (_what, secret, resource) => {
    const statements = reading(withAdministrators(secret));
    expect(statements.flatMap(({ Action }) => asList(Action))).toEqual(
      statements.map(() => 'secretsmanager:GetSecretValue'),
    );
    const resources = statements.flatMap(({ Resource }) => asList(Resource)).map(asText);
    expect(resources).toHaveLength(2);
    expect(resources).toContainEqual(expect.stringMatching(/^\$\{LettaApiPassword\w+\}$/));
    expect(resources).toContainEqual(expect.stringMatching(resource));
  });

  test.each<[string, (stack: Stack) => kms.IKey, RegExp]>([
    ['made in the app', (stack) => new kms.Key(stack, 'Key'), /^\$\{Key\w+\.Arn\}$/],
    ['imported', (stack) => kms.Key.fromKeyArn(stack, 'Key', KEY_ARN), new RegExp(`^${KEY_ARN}$`)],
  ])("decrypts with a secret's own key, %s, through Secrets Manager only", (_what, key, resource) => {
    const template = withAdministrators(
      (stack) => new secretsmanager.Secret(stack, 'Admins', { encryptionKey: key(stack) }),
    );
    const decrypting = statementsOf(template, 'LettaTaskDefinitionTaskRole').filter(({ Action }) =>
      asList(Action).includes('kms:Decrypt'),
    );
    expect(decrypting).toHaveLength(1);
    expect(asText(decrypting[0].Resource)).toMatch(resource);
    expect(asText(decrypting[0].Condition!.StringEquals['kms:ViaService'])).toBe(
      'secretsmanager.${AWS::Region}.amazonaws.com',
    );
  });
});

describe("the administrators' password", () => {
  const variable = (template: Template): string | undefined =>
    environment(containers(template).gateway).GATEWAY_ADMINISTRATOR_PASSWORD_SECRET_ARN;

  test('is nobody’s unless given', () => {
    expect(variable(service().template())).toBeUndefined();
  });

  test('is told to the gateway by its ARN', () => {
    expect(variable(withAdministrators((stack) => new secretsmanager.Secret(stack, 'Admins')))).toMatch(/^\$\{Admins/);
  });

  test('fails when it is the API password', () => {
    expect(() =>
      service(({ stack }): Partial<LettaServiceProps> => {
        const secret = new secretsmanager.Secret(stack, 'Both');
        return { apiPassword: secret, administratorPassword: secret };
      }),
    ).toThrow('Test/Letta: administratorPassword and apiPassword are the same secret, wanted two');
  });
});
