import {
  DefaultTokenResolver,
  IPostProcessor,
  IResolvable,
  IResolveContext,
  Reference,
  Stack,
  StringConcat,
  Tokenization,
} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { AwsCall } from '../aws-client';
import { AwsService } from '../aws-service';

/**
 * The statement of an endpoint's policy that lets a call through. ARNs made in another stack than the endpoint's are
 * replaced by all of the account that the service could act on: the other stack needs the endpoint's, so referring back
 * would be a cycle.
 */
export function endpointStatement(scope: Stack, call: AwsCall, organizationId?: string): iam.PolicyStatement {
  const resources = call.resources.flatMap((arn) =>
    refersElsewhere(arn, scope) ? call.service._accountResources(scope) : [arn],
  );
  return new iam.PolicyStatement({
    principals: [new iam.AnyPrincipal()],
    actions: call.actions,
    resources: [...new Set(resources)],
    conditions: conditions(scope, call, organizationId),
  });
}

function conditions(scope: Stack, call: AwsCall, organizationId?: string): Record<string, unknown> | undefined {
  if (call.presigned) return undefined;
  // AWS's samples of data perimeters tell the owner of a repository to `ecr.api` alone; where it is not told, it denies.
  const untold = call.service === AwsService.ECR_DOCKER;
  const withoutOwner = call.awsOwned || call.resources.includes('*') || untold;
  return {
    StringEquals: {
      'aws:PrincipalAccount': scope.account,
      ...(organizationId && { 'aws:PrincipalOrgID': organizationId }),
      ...(organizationId && !withoutOwner && { 'aws:ResourceOrgID': organizationId }),
      // A bucket's ARN has no account: whoever takes a name that has become free would be reached.
      ...(call.service.isGateway && !withoutOwner && { 'aws:ResourceAccount': scope.account }),
    },
  };
}

/** Whether a value holds a reference to something of another stack. */
export function refersElsewhere(value: string, stack: Stack): boolean {
  const resolver = new ReferenceFinder();
  Tokenization.resolve(value, { scope: stack, resolver, preparing: true });
  return resolver.found.some((reference) => Stack.of(reference.target) !== stack);
}

class ReferenceFinder extends DefaultTokenResolver {
  readonly found: Reference[] = [];

  constructor() {
    super(new StringConcat());
  }

  override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    if (Reference.isReference(token)) this.found.push(token);
    return super.resolveToken(token, context, postProcessor);
  }
}
