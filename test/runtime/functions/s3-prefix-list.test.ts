import { EC2Client } from '@aws-sdk/client-ec2';
import { findS3PrefixList } from '../../../runtime/functions/s3-prefix-list';
import { customResourceEvent } from './event';
import { ApiCall, fakeAwsApi } from './fake-aws-api';

function answerOf(...lists: [string, string][]): string {
  const items = lists.map(
    ([id, name]) => `<item><prefixListId>${id}</prefixListId><prefixListName>${name}</prefixListName></item>`,
  );
  return `<DescribeManagedPrefixListsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><prefixListSet>${items.join('')}</prefixListSet></DescribeManagedPrefixListsResponse>`;
}

async function find(
  type: 'Create' | 'Update' | 'Delete',
  body: string,
): Promise<{ answer: unknown; calls: ApiCall[] }> {
  const api = await fakeAwsApi(() => ({ body }));
  const ec2 = new EC2Client(api.client);
  try {
    return { answer: await findS3PrefixList(customResourceEvent(type, {}), ec2, 'eu-central-1'), calls: api.calls };
  } finally {
    ec2.destroy();
    await api.stop();
  }
}

test('answers the id of the region’s S3 list, asked for by name', async () => {
  const { answer, calls } = await find('Create', answerOf(['pl-6ea54007', 'com.amazonaws.eu-central-1.s3']));
  expect(answer).toMatchObject({ Data: { PrefixListId: 'pl-6ea54007' } });
  expect(calls).toEqual([
    {
      action: 'DescribeManagedPrefixLists',
      input: expect.objectContaining({
        'Filter.1.Name': 'prefix-list-name',
        'Filter.1.Value.1': 'com.amazonaws.eu-central-1.s3',
      }),
    },
  ]);
});

test('does not take a list of another name', async () => {
  await expect(find('Create', answerOf(['pl-1', 'com.amazonaws.eu-central-1.s3express']))).rejects.toThrow(
    'region eu-central-1 has no prefix list named com.amazonaws.eu-central-1.s3; give the network its id by prop instead',
  );
});

test('fails clearly where the region has none', async () => {
  await expect(find('Create', answerOf())).rejects.toThrow('has no prefix list named');
});

test('keeps its physical id on update', async () => {
  const { answer } = await find('Update', answerOf(['pl-2', 'com.amazonaws.eu-central-1.s3']));
  expect(answer).toEqual({ PhysicalResourceId: 'the-id-it-was-created-with', Data: { PrefixListId: 'pl-2' } });
});

test('asks nothing on delete', async () => {
  const { answer, calls } = await find('Delete', answerOf());
  expect(answer).toEqual({ PhysicalResourceId: 'the-id-it-was-created-with' });
  expect(calls).toEqual([]);
});
