import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { masterCredentials } from '../../../runtime/functions/master-credentials';
import { fakeAwsApi } from './fake-aws-api';

const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-1';

async function read(...secrets: string[]) {
  const api = await fakeAwsApi(() => ({ body: { ARN, SecretString: secrets.shift() } }));
  const client = new SecretsManagerClient(api.client);
  try {
    const answers = [];
    for (let left = secrets.length; left > 0; left--) answers.push(await masterCredentials(client, ARN));
    return { answers, calls: api.calls };
  } finally {
    client.destroy();
    await api.stop();
  }
}

test('are read anew each time, since RDS rotates them', async () => {
  const { answers, calls } = await read('{"username":"m","password":"one"}', '{"username":"m","password":"two"}');
  expect(answers).toEqual([
    { username: 'm', password: 'one' },
    { username: 'm', password: 'two' },
  ]);
  expect(calls[0]).toEqual({ action: 'GetSecretValue', input: { SecretId: ARN } });
});

test.each(['pa55', '{"username":"m"}', '{"password":"pa55"}', 'null', '{"username":"m","password":7}'])(
  'are refused when the secret is %s, without telling it',
  async (secret) => {
    const error = await read(secret).catch((caught) => caught);
    expect(error.message).toBe(`secret ${ARN} is not JSON with username and password, as RDS writes a master secret`);
  },
);
