import { RDSClient } from '@aws-sdk/client-rds';
import { deleteOldSnapshots, snapshotIsComplete, startSnapshot } from '../../../runtime/functions/migration-snapshot';
import { customResourceEvent } from './event';
import { ApiAnswer, ApiCall, fakeAwsApi } from './fake-aws-api';

const PROPERTIES = { image: '1.dkr.ecr/letta@sha256:new', databaseInstance: 'letta-db' };
const PREFIX = 'letta-db-before-migration-';

interface Snapshot {
  readonly id: string;
  status: string;
  /** Day of 2026 it was taken. */
  readonly day?: number;
}

interface Account {
  readonly snapshots: Snapshot[];
  /** Code that RDS refuses with. */
  readonly refuses?: string;
}

function answerOf({ snapshots, refuses }: Account, { action, input }: ApiCall): ApiAnswer {
  const result = (content: string): ApiAnswer => ({
    body: `<${action}Response><${action}Result>${content}</${action}Result></${action}Response>`,
  });
  const error = (code: string): ApiAnswer => ({
    status: 400,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>refused</Message></Error></ErrorResponse>`,
  });
  switch (action) {
    case 'DescribeDBSnapshots':
      return result(
        `<DBSnapshots>${snapshots
          .map(
            ({ id, status, day }) =>
              `<DBSnapshot><DBSnapshotIdentifier>${id}</DBSnapshotIdentifier><Status>${status}</Status>` +
              (day ? `<SnapshotCreateTime>2026-01-0${day}T00:00:00Z</SnapshotCreateTime>` : '') +
              '</DBSnapshot>',
          )
          .join('')}</DBSnapshots>`,
      );
    case 'CreateDBSnapshot':
      if (refuses) return error(refuses);
      snapshots.push({ id: input.DBSnapshotIdentifier, status: 'creating' });
      return result('<DBSnapshot/>');
    case 'DeleteDBSnapshot':
      if (refuses) return error(refuses);
      snapshots.splice(
        snapshots.findIndex(({ id }) => id === input.DBSnapshotIdentifier),
        1,
      );
      return result('<DBSnapshot/>');
    default:
      return error('UnknownOperation');
  }
}

async function inAccount<T>(account: Account, work: (rds: RDSClient, calls: ApiCall[]) => Promise<T>): Promise<T> {
  const api = await fakeAwsApi((call) => answerOf(account, call));
  const rds = new RDSClient(api.client);
  try {
    return await work(rds, api.calls);
  } finally {
    rds.destroy();
    await api.stop();
  }
}

const event = (type: 'Create' | 'Update' | 'Delete' = 'Update', properties: object = {}, startedAt = Date.now()) =>
  customResourceEvent(
    type,
    { ...PROPERTIES, ...properties },
    {
      OldResourceProperties: { ...PROPERTIES, image: '1.dkr.ecr/letta@sha256:old' },
      Data: { StartedAt: new Date(startedAt).toISOString() },
    },
  );
const cleaned = (keepSnapshots: string) =>
  customResourceEvent('Update', { databaseInstance: 'letta-db', keepSnapshots });
const step = (rds: RDSClient, of = event(), rollingBack = false) =>
  snapshotIsComplete(of, { rds, isRollingBack: () => Promise.resolve(rollingBack) });

test('takes one snapshot, named after the instance and tagged with stack and image, and waits for it', async () => {
  const snapshots: Snapshot[] = [];
  await inAccount({ snapshots }, async (rds, calls) => {
    expect(await step(rds)).toEqual({ IsComplete: false });
    expect(await step(rds)).toEqual({ IsComplete: false });
    expect(snapshots).toEqual([
      { id: expect.stringMatching(new RegExp(`^${PREFIX}[0-9a-f]{12}$`)), status: 'creating' },
    ]);
    snapshots[0].status = 'available';
    expect(await step(rds)).toEqual({ IsComplete: true, Data: { SnapshotIdentifier: snapshots[0].id } });
    const created = calls.filter(({ action }) => action === 'CreateDBSnapshot');
    expect(created).toHaveLength(1);
    for (const image of ['old', 'new']) expect(JSON.stringify(created[0].input)).toContain(`letta@sha256:${image}`);
    expect(JSON.stringify(created[0].input)).toContain(event().StackId);
  });
});

test('deletes the oldest of its own beyond those that are kept, and nothing of others', async () => {
  const snapshots: Snapshot[] = [
    { id: `${PREFIX}1`, status: 'available', day: 1 },
    { id: `${PREFIX}3`, status: 'available', day: 3 },
    { id: `${PREFIX}4`, status: 'creating' },
    { id: `${PREFIX}2`, status: 'available', day: 2 },
    { id: 'mine', status: 'available', day: 1 },
  ];
  await inAccount({ snapshots }, (rds) => deleteOldSnapshots(cleaned('2'), rds));
  expect(snapshots.map(({ id }) => id)).toEqual([`${PREFIX}3`, `${PREFIX}4`, 'mine']);
});

test('one that somebody else deleted meanwhile is no failure', async () => {
  const snapshots: Snapshot[] = [1, 2].map((day) => ({ id: `${PREFIX}${day}`, status: 'available', day }));
  await inAccount({ snapshots, refuses: 'DBSnapshotNotFound' }, (rds) => deleteOldSnapshots(cleaned('1'), rds));
});

test('a cluster has calls of its own', async () => {
  const calls: string[] = [];
  const api = await fakeAwsApi(({ action }) => {
    calls.push(action);
    return { body: `<${action}Response><${action}Result/></${action}Response>` };
  });
  const rds = new RDSClient(api.client);
  const of = { databaseInstance: undefined, databaseCluster: 'letta-cluster' };
  expect(await step(rds, event('Update', of))).toEqual({ IsComplete: false });
  expect(calls).toEqual(['DescribeDBClusterSnapshots', 'CreateDBClusterSnapshot']);
  rds.destroy();
  await api.stop();
});

test('the wait begins with the event, whose physical id stays', () => {
  const { PhysicalResourceId, Data } = startSnapshot(event());
  expect(PhysicalResourceId).toBe(event().PhysicalResourceId);
  expect(Date.now() - Date.parse(Data!.StartedAt)).toBeLessThan(10_000);
});

test.each([
  ['is still made', { snapshots: [] as Snapshot[] }, 'creating'],
  ['cannot be begun', { snapshots: [], refuses: 'InvalidDBInstanceState' }, 'refused'],
])('fails after 45 minutes when it %s, and says what RDS says', async (_what, account, said) => {
  const late = event('Update', {}, Date.now() - 46 * 60_000);
  await inAccount(account, async (rds) => {
    if (!('refuses' in account)) await step(rds);
    await expect(step(rds, late)).rejects.toThrow(
      new RegExp(`not there after 45 minutes, so nothing was migrated; RDS says: ${said}.* then deploy again`),
    );
  });
});

test.each(['InvalidDBInstanceState', 'DBSnapshotAlreadyExists'])('tries again when RDS says %s', async (refuses) => {
  await inAccount({ snapshots: [], refuses }, async (rds) => expect(await step(rds)).toEqual({ IsComplete: false }));
});

test.each(['SnapshotQuotaExceeded', 'AccessDenied'])('fails when RDS says %s', async (refuses) => {
  await inAccount({ snapshots: [], refuses }, (rds) => expect(step(rds)).rejects.toThrow('refused'));
});

test('fails when the snapshot failed, so that nothing is migrated', async () => {
  const snapshots: Snapshot[] = [];
  await inAccount({ snapshots }, async (rds) => {
    await step(rds);
    snapshots[0].status = 'failed';
    await expect(step(rds)).rejects.toThrow(
      /snapshot .* failed, so nothing was migrated: see the events .* deploy again/,
    );
  });
});

test.each([
  ['at Create', event('Create'), false],
  ['at Delete', event('Delete'), false],
  ['while the stack rolls back', event(), true],
  ['when the image stays the same', event('Update', { image: '1.dkr.ecr/letta@sha256:old' }), false],
])('does nothing %s', async (_when, of, rollingBack) => {
  await inAccount({ snapshots: [] }, async (rds, calls) => {
    expect(await step(rds, of, rollingBack)).toEqual({ IsComplete: true });
    expect(calls).toEqual([]);
  });
});

test.each(['0', '-1', 'many', '1.5'])('refuses to keep %s', async (keep) => {
  await inAccount({ snapshots: [] }, (rds) =>
    expect(deleteOldSnapshots(cleaned(keep), rds)).rejects.toThrow('keepSnapshots'),
  );
});
