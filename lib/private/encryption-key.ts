import { Annotations, ArnFormat, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, IConstruct } from 'constructs';

/**
 * A key that everything here can be encrypted with: known by its ARN, since policies and CloudWatch Logs take no alias, and
 * of this stack's region.
 *
 * @throws with the ARN and what to give instead
 */
export function requireUsableKey(scope: IConstruct, key: kms.IKey): void {
  const arn = Token.isUnresolved(key.keyArn) ? JSON.stringify(Stack.of(scope).resolve(key.keyArn)) : key.keyArn;
  if (/[:/]alias\//.test(arn)) {
    throw new Error(
      `${scope.node.path}: encryptionKey is an alias, ${arn}, wanted a key by its ARN, because roles are allowed to use ` +
        'keys, and log groups are encrypted by keys: give the key itself, or kms.Key.fromKeyArn(…)',
    );
  }
  const { region } = Stack.of(scope);
  const keyRegion = key.env.region;
  if (Token.isUnresolved(region) || Token.isUnresolved(keyRegion) || region === keyRegion) return;
  throw new Error(
    `${scope.node.path}: encryptionKey is of region '${keyRegion}', wanted a key of the stack's region '${region}': ` +
      'give that one, or a replica of a multi-region key there',
  );
}

const allowed = new WeakMap<kms.IKey, Set<Stack>>();

/**
 * Lets CloudWatch Logs use a key for the log groups of the stack's account and region, and for nothing else. The policy of
 * an imported key cannot be changed from here, so a warning gives the statement that it must have.
 */
export function allowLogs(scope: Construct, key: kms.IKey): void {
  const stack = Stack.of(scope);
  const stacks = allowed.get(key) ?? new Set();
  if (stacks.has(stack)) return;
  allowed.set(key, stacks.add(stack));
  const statement = new iam.PolicyStatement({
    principals: [new iam.ServicePrincipal(`logs.${stack.region}.${stack.urlSuffix}`)],
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': stack.formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: '*',
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      },
    },
  });
  const { statementAdded } = key.addToResourcePolicy(statement);
  if (statementAdded) return;
  Annotations.of(stack).addWarningV2(
    'cdk-letta:encryptionKey.policy',
    `encryptionKey ${asText(stack, key.keyArn)} was imported, so its policy is not changed here: without this statement in it ` +
      `no log group can be made. ${asText(stack, statement.toJSON())}. Roles may use the key by their own policies, which ` +
      "the key's policy must leave to IAM (the statement for the account's root that new keys have)",
  );
}

function asText(stack: Stack, value: unknown): string {
  const resolved = stack.resolve(value);
  return typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
}
