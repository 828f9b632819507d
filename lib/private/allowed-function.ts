import { Stack, Token } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { IConstruct } from 'constructs';

/**
 * The ARN of a function that tools may invoke.
 *
 * @throws for one that is many (a wildcard), of another region, or a sandbox's own: whoever invokes that names the agent to be
 */
export function allowedFunctionArn(sandbox: IConstruct, fn: lambda.IFunction, isSandbox: boolean): string {
  const { path } = sandbox.node;
  const stack = Stack.of(sandbox);
  const arn = fn.functionArn;
  if (isSandbox) {
    throw new Error(
      `${path}: allowFunction(${fn.node.path}), which runs callers' tools, wanted a function of yours: a tool that may invoke a ` +
        "sandbox runs code as any agent it names; leave it out, or put a function between that checks what it's given",
    );
  }
  // A function by its name has an ARN of tokens with the name in it.
  const written = Token.isUnresolved(arn) ? JSON.stringify(stack.resolve(arn)) : `'${arn}'`;
  if (/[*?]/.test(written)) {
    throw new Error(
      `${path}: allowFunction(${written}), a wildcard, wanted the ARN of one function: name each by a call of its own`,
    );
  }
  const { region } = stack;
  const got = fn.env.region;
  if (!Token.isUnresolved(region) && !Token.isUnresolved(got) && got !== region) {
    throw new Error(
      `${path}: allowFunction(${fn.node.path}) is of region '${got}', wanted one of the sandbox's region '${region}', because the ` +
        "network has Lambda's endpoint of that region alone: give a function there",
    );
  }
  return arn;
}
