import { Account, arn } from './account';
import type { AwsRecord } from './aws-record';
import type { KeyIssuer } from './credentials';
import { SignatureError, verifyPresigned } from './signature';

/** What a token for a connection must be signed for. */
export interface ConnectTokenOptions {
  /** As refusals in the record name it. */
  readonly to: 'rds' | 'elasticache';
  /** Name that it is signed for, which is its resources' too, and that of its action in policies. */
  readonly service: string;
  readonly action: string;
  /** Host, with its port if it has one. */
  readonly host: string;
  /** Query parameter with the user's name, and the name. */
  readonly user: readonly [parameter: string, name: string];
  /** Resources that the signer must be allowed to connect to, as they follow the account in an ARN. */
  readonly resources: readonly string[];
  readonly issuer: KeyIssuer;
  readonly record: AwsRecord;
}

/**
 * Verifies an IAM token of RDS or ElastiCache and returns the role that signed it.
 *
 * @throws Error with the reason, which is recorded: no client of the real ones is ever told it
 */
export async function verifyConnectToken(token: string, options: ConnectTokenOptions): Promise<string> {
  const { user, record, to } = options;
  try {
    return await verify(token, options);
  } catch (error) {
    const reason = error instanceof SignatureError ? `${error.code}: ${error.message}` : (error as Error).message;
    record.refuse(`${to} login of ${user[1]}`, reason);
    throw new Error(reason);
  }
}

async function verify(token: string, wanted: ConnectTokenOptions): Promise<string> {
  const [userParameter, user] = wanted.user;
  const { url, service, region, keys } = await verifyPresigned(token, wanted.issuer);
  const parameter = (name: string) => url.searchParams.get(name);
  if (service !== wanted.service || region !== Account.REGION) throw new Error(`signed for ${service} in ${region}`);
  if (url.host !== wanted.host || url.pathname !== '/') throw new Error(`signed for ${url.host}${url.pathname}`);
  if (parameter('Action') !== 'connect') throw new Error(`signed for action ${parameter('Action')}`);
  if (parameter(userParameter) !== user) throw new Error(`signed for user ${parameter(userParameter)}`);
  for (const name of wanted.resources) {
    const access = { action: wanted.action, resource: arn(wanted.service, name) };
    if (!wanted.record.decide(keys.role, access)) throw new Error(`role ${keys.role} may not connect to ${name}`);
  }
  return keys.role;
}
