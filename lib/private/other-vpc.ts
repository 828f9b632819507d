import { Reference, Token, Tokenization } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';

/** Whether two VPCs are known to be two: both ids are known at synth, or both are made in this app. */
export function isOtherVpc(one: ec2.IVpc, other: ec2.IVpc): boolean {
  const [first, second] = [idOf(one), idOf(other)];
  return first !== undefined && second !== undefined && first.kind === second.kind && first.id !== second.id;
}

/** An imported VPC's id may be that of one which an earlier deployment of this app made, so that the kinds don't compare. */
function idOf({ vpcId }: ec2.IVpc): { readonly kind: 'known' | 'made'; readonly id: string } | undefined {
  if (!Token.isUnresolved(vpcId)) return { kind: 'known', id: vpcId };
  const token = Tokenization.reverse(vpcId, { failConcat: false });
  return Reference.isReference(token) ? { kind: 'made', id: token.target.node.path } : undefined;
}
