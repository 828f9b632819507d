import { ArnFormat, Resource, Stack, Token } from 'aws-cdk-lib';
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

const allowingUse = new WeakSet<kms.IKey>();
const allowed = new WeakMap<kms.IKey, Set<Stack>>();

/** What a construct's `encryptionKeyAllowsUse` says of its `encryptionKey`, which holds for the key wherever it is used. */
export function stateKeyPolicy(key: kms.IKey | undefined, allowsUse: boolean | undefined): void {
  if (key && allowsUse) allowingUse.add(key);
}

/**
 * A key's policy must leave the use of it to IAM and, for log groups, allow CloudWatch Logs. That of an imported key cannot
 * be changed or read from here, so it must be said that it does.
 *
 * @throws with both statements, unless `encryptionKeyAllowsUse` was given with the key
 */
export function requireKeyPolicy(scope: Construct, key: kms.IKey): void {
  if (allowingUse.has(key) || Resource.isOwnedResource(key)) return;
  const stack = Stack.of(scope);
  const account = new iam.PolicyStatement({
    principals: [new iam.AccountRootPrincipal()],
    actions: ['kms:*'],
    resources: ['*'],
  });
  const statements = [account, logsStatement(stack)].map((statement) => asText(stack, statement.toJSON()));
  throw new Error(
    `${scope.node.path}: encryptionKey ${asText(stack, key.keyArn)} was imported, so its policy cannot be changed or read ` +
      `here, wanted one with these statements, or AWS may refuse to use the key: ${statements.join(', ')}. Add them ` +
      'to the policy, then say so by encryptionKeyAllowsUse: true',
  );
}

/**
 * Lets CloudWatch Logs use a key for the log groups of the stack's account and region, and for nothing else.
 *
 * @throws for an imported key of which it is not said that its policy allows this
 */
export function allowLogs(scope: Construct, key: kms.IKey): void {
  requireKeyPolicy(scope, key);
  const stack = Stack.of(scope);
  const stacks = allowed.get(key) ?? new Set();
  if (stacks.has(stack)) return;
  allowed.set(key, stacks.add(stack));
  key.addToResourcePolicy(logsStatement(stack));
}

function logsStatement(stack: Stack): iam.PolicyStatement {
  return new iam.PolicyStatement({
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
}

function asText(stack: Stack, value: unknown): string {
  const resolved = stack.resolve(value);
  return typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
}
