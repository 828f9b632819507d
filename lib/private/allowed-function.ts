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
  const arn = fn.functionArn;
  if (isSandbox) {
    throw new Error(
      `${path}: allowFunction(${fn.node.path}), which runs callers' tools, wanted a function of yours: a tool that may invoke a ` +
        "sandbox runs code as any agent it names; leave it out, or put a function between that checks what it's given",
    );
  }
  if (!Token.isUnresolved(arn) && /[*?]/.test(arn)) {
    throw new Error(
      `${path}: allowFunction('${arn}'), a wildcard, wanted the ARN of one function: name each by a call of its own`,
    );
  }
  const { region } = Stack.of(sandbox);
  const got = fn.env.region;
  if (!Token.isUnresolved(region) && !Token.isUnresolved(got) && got !== region) {
    throw new Error(
      `${path}: allowFunction(${fn.node.path}) is of region '${got}', wanted one of the sandbox's region '${region}', because the ` +
        "network has Lambda's endpoint of that region alone: give a function there",
    );
  }
  return arn;
}
