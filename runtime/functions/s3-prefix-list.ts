import { DescribeManagedPrefixListsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { OnEventRequest, OnEventResponse, stableId } from './custom-resource';

/**
 * Looks up the id of the region's prefix list of S3, which a security group's egress rule needs and CloudFormation
 * cannot return.
 *
 * @throws when the region has no such list
 */
export async function findS3PrefixList(
  event: OnEventRequest,
  ec2: EC2Client,
  region: string,
): Promise<OnEventResponse> {
  const PhysicalResourceId = stableId(event);
  if (event.RequestType === 'Delete') return { PhysicalResourceId };

  const name = `com.amazonaws.${region}.s3`;
  const filter = { Filters: [{ Name: 'prefix-list-name', Values: [name] }] };
  const { PrefixLists = [] } = await ec2.send(new DescribeManagedPrefixListsCommand(filter));
  const id = PrefixLists.find((list) => list.PrefixListName === name)?.PrefixListId;
  if (!id) {
    throw new Error(`region ${region} has no prefix list named ${name}; give the network its id by prop instead`);
  }
  return { PhysicalResourceId, Data: { PrefixListId: id } };
}
