import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Name and password of the database's master user. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Reads the master secret as RDS writes it. Never cached: RDS rotates it by itself.
 *
 * @throws when it isn't JSON with `username` and `password`; the message holds nothing of it
 */
export async function masterCredentials(client: SecretsManagerClient, secretArn: string): Promise<Credentials> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  const { username, password } = parse(SecretString);
  if (typeof username === 'string' && username && typeof password === 'string' && password) {
    return { username, password };
  }
  throw new Error(`secret ${secretArn} is not JSON with username and password, as RDS writes a master secret`);
}

function parse(text = ''): { username?: unknown; password?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
