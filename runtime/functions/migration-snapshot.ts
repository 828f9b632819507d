import {
  CreateDBSnapshotCommand,
  DBSnapshot,
  DBSnapshotAlreadyExistsFault,
  DBSnapshotNotFoundFault,
  DeleteDBSnapshotCommand,
  InvalidDBInstanceStateFault,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';
import { createHash } from 'node:crypto';
import { migrationSnapshotPrefix, MigrationSnapshotProperties } from '../contract';
import { IsCompleteRequest, IsCompleteResponse, OnEventRequest, stringProperty } from './custom-resource';

/** What the snapshot step calls. */
export interface SnapshotClients {
  readonly rds: RDSClient;
  /** Whether the stack is going back to what it was. */
  readonly isRollingBack: (stackId: string) => Promise<boolean>;
}

/**
 * Takes a snapshot of the database before another image migrates it, waits until it is there, then deletes the oldest of
 * its own beyond those that are kept. Nothing is taken at Create, when there is nothing yet, in a rollback, which must not
 * wait, and at Delete; snapshots that were taken outlive the stack.
 *
 * @throws when RDS says that the snapshot failed
 */
export async function snapshotIsComplete(
  event: IsCompleteRequest,
  { rds, isRollingBack }: SnapshotClients,
): Promise<IsCompleteResponse> {
  if (event.RequestType !== 'Update' || (await isRollingBack(event.StackId))) return { IsComplete: true };

  const properties = snapshotProperties(event);
  const prefix = migrationSnapshotPrefix(properties.databaseInstance);
  // The same in every attempt to handle this event: a second one finds the first one's snapshot.
  const identifier = prefix + createHash('sha256').update(event.RequestId).digest('hex').slice(0, 12);
  const own = await ownSnapshots(rds, properties.databaseInstance, prefix);
  const snapshot = own.find(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier === identifier);
  if (!snapshot) {
    await create(rds, identifier, properties, event);
    return { IsComplete: false };
  }
  if (snapshot.Status === 'failed') {
    throw new Error(
      `the snapshot ${identifier} of the database failed, so nothing was migrated: see the events of DB instance ` +
        `${properties.databaseInstance}, then deploy again`,
    );
  }
  if (snapshot.Status !== 'available') return { IsComplete: false };

  for (const old of own.filter((each) => each !== snapshot).slice(Number(properties.keep) - 1)) {
    await remove(rds, old.DBSnapshotIdentifier!);
  }
  return { IsComplete: true, Data: { SnapshotIdentifier: identifier } };
}

function snapshotProperties(event: OnEventRequest): MigrationSnapshotProperties {
  const keep = stringProperty(event, 'keep');
  if (!/^[1-9]\d*$/.test(keep)) throw new Error(`property keep is '${keep}', wanted a whole number from 1`);
  return {
    image: stringProperty(event, 'image'),
    databaseInstance: stringProperty(event, 'databaseInstance'),
    keep,
  };
}

/** Newest first; one that is still being made has no time yet, and none is newer. */
async function ownSnapshots(rds: RDSClient, instance: string, prefix: string): Promise<DBSnapshot[]> {
  const found: DBSnapshot[] = [];
  const pages = paginateDescribeDBSnapshots(
    { client: rds },
    { DBInstanceIdentifier: instance, SnapshotType: 'manual' },
  );
  for await (const { DBSnapshots = [] } of pages) found.push(...DBSnapshots);
  const time = ({ SnapshotCreateTime }: DBSnapshot) => SnapshotCreateTime?.getTime() ?? Infinity;
  return found
    .filter(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier?.startsWith(prefix))
    .sort((one, other) => (time(one) === time(other) ? 0 : time(other) - time(one)));
}

async function create(
  rds: RDSClient,
  identifier: string,
  { databaseInstance, image }: MigrationSnapshotProperties,
  event: IsCompleteRequest,
): Promise<void> {
  const tags = { 'cdk-letta:stack': event.StackId, 'cdk-letta:to-image': image, ...fromImage(event) };
  const command = new CreateDBSnapshotCommand({
    DBInstanceIdentifier: databaseInstance,
    DBSnapshotIdentifier: identifier,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value: taggable(Value) })),
  });
  try {
    await rds.send(command);
  } catch (error) {
    // The instance is changing, e.g. by this very deployment: the next attempt finds it ready.
    if (error instanceof InvalidDBInstanceStateFault || error instanceof DBSnapshotAlreadyExistsFault) return;
    throw error;
  }
}

function fromImage({ OldResourceProperties }: OnEventRequest): Record<string, string> {
  const image = OldResourceProperties?.image;
  return typeof image === 'string' && image !== '' ? { 'cdk-letta:from-image': image } : {};
}

/** What RDS takes as a tag's value (Amazon RDS User Guide, "Tagging Amazon RDS resources"). */
function taggable(value: string): string {
  return value.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '-').slice(0, 256);
}

async function remove(rds: RDSClient, identifier: string): Promise<void> {
  try {
    await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: identifier }));
  } catch (error) {
    // Somebody else deleted it.
    if (!(error instanceof DBSnapshotNotFoundFault)) throw error;
  }
}
