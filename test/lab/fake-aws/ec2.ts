import { Account } from '../account';
import { type FakeService, type SignedCall, unknownOperation } from './service';

/** EC2, as far as the stack asks it: the prefix list of S3 in the region. */
export class FakeEc2 implements FakeService {
  readonly host = 'ec2';
  readonly signingName = 'ec2';

  async handle(call: SignedCall): Promise<void> {
    const parameters = new URLSearchParams(call.request.body.toString('utf8'));
    const action = parameters.get('Action') ?? '';
    if (action !== 'DescribeManagedPrefixLists') throw unknownOperation('EC2', action);
    call.authorize({ action: 'ec2:DescribeManagedPrefixLists', resource: '*' });
    const names = ['s3', 'dynamodb'].map((service) => `com.amazonaws.${Account.REGION}.${service}`);
    const wanted = parameters.get('Filter.1.Value.1');
    const items = names
      .filter((name) => parameters.get('Filter.1.Name') !== 'prefix-list-name' || name === wanted)
      .map((name, index) => item(`pl-0000000${index + 1}`, name));
    call.response.writeHead(200, { 'content-type': 'text/xml' });
    call.response.end(
      '<DescribeManagedPrefixListsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>lab</requestId>' +
        `<prefixListSet>${items.join('')}</prefixListSet></DescribeManagedPrefixListsResponse>`,
    );
  }
}

function item(id: string, name: string): string {
  return (
    `<item><prefixListId>${id}</prefixListId><prefixListName>${name}</prefixListName><ownerId>AWS</ownerId>` +
    '<addressFamily>IPv4</addressFamily><state>create-complete</state></item>'
  );
}
