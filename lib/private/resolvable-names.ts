import { Fn, Stack } from 'aws-cdk-lib';
import { AwsCall } from '../aws-client';
import { refersElsewhere } from './endpoint-policy';

/**
 * Names that every sealed network's resolver answers: its own hosts, databases, caches and load balancers, as AWS names
 * them (`….rds.REGION….cn` in China). Whoever else owns names among them is not told who asks: their zones are AWS's.
 */
export function namesOfStores({ region, urlSuffix }: Stack): string[] {
  return [
    '*.compute.internal',
    '*.ec2.internal',
    `*.${region}.rds.${urlSuffix}`,
    `*.rds.${region}.${urlSuffix}`,
    `*.cache.${urlSuffix}`,
    `*.${region}.elb.${urlSuffix}`,
    `*.elb.${region}.${urlSuffix}`,
  ];
}

/** Names that a call's client looks up: the service's host, or those by which a bucket of S3 is known. */
export function namesOfCall(stack: Stack, call: AwsCall): string[] {
  if (!call.service.isGateway) return call.service._domains(stack);
  const { region, urlSuffix } = stack;
  return call.resources.flatMap((arn) => {
    const bucket = refersElsewhere(arn, stack) ? '*' : bucketOf(arn);
    const hosts = [`s3.${region}.${urlSuffix}`, `s3.dualstack.${region}.${urlSuffix}`, `s3.${urlSuffix}`];
    return hosts.map((host) => `${bucket}.${host}`);
  });
}

/** Only the name may hold a token, or all of the ARN before the objects. */
function bucketOf(arn: string): string {
  const name = arn.split(':')[5] ?? Fn.select(5, Fn.split(':', arn.split('/')[0]));
  return name.split('/')[0];
}
