import { RDSClient } from '@aws-sdk/client-rds';
import { createHash } from 'node:crypto';
import { migrationSnapshotPrefix } from '../contract';
import {
  IsCompleteRequest,
  IsCompleteResponse,
  OnEventRequest,
  OnEventResponse,
  stableId,
  stringProperty,
} from './custom-resource';
import { clusterSnapshots, instanceSnapshots, Snapshot, SnapshotSource } from './snapshot-source';

/** What the snapshot step calls. */
export interface SnapshotClients {
  readonly rds: RDSClient;
  /** Whether the stack is going back to what it was. */
  readonly isRollingBack: (stackId: string) => Promise<boolean>;
}

/**
 * RDS cannot do it now, e.g. because this very deployment changes the database, or has done it: the next attempt finds out.
 * The names are the errors' of the SDK.
 */
const LATER = [
  'InvalidDBInstanceStateFault',
  'InvalidDBClusterStateFault',
  'DBSnapshotAlreadyExistsFault',
  'DBClusterSnapshotAlreadyExistsFault',
];
/** Somebody else deleted it. */
const GONE = ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault'];

/** CDK's provider framework gives up after 50 minutes, and cannot say why. */
const PATIENCE_MS = 45 * 60_000;

/** Notes when the wait for the snapshot began. */
export function startSnapshot(event: OnEventRequest): OnEventResponse {
  return { PhysicalResourceId: stableId(event), Data: { StartedAt: new Date().toISOString() } };
}

/**
 * Takes a snapshot of the database before another image migrates it, and waits until it is there. Nothing is taken at Create,
 * when there is nothing yet, in a rollback, which must not wait, when the image is the same, and at Delete.
 *
 * @throws when RDS says that the snapshot failed, or it takes too long
 */
export async function snapshotIsComplete(
  event: IsCompleteRequest,
  { rds, isRollingBack }: SnapshotClients,
): Promise<IsCompleteResponse> {
  const { image } = event.OldResourceProperties ?? {};
  if (event.RequestType !== 'Update' || image === stringProperty(event, 'image')) return { IsComplete: true };
  if (await isRollingBack(event.StackId)) return { IsComplete: true };

  const { source, prefix } = sourceOf(event, rds);
  // The same in every attempt to handle this event: a second one finds the first one's snapshot.
  const identifier = prefix + createHash('sha256').update(event.RequestId).digest('hex').slice(0, 12);
  const snapshot = (await source.list()).find((each) => each.identifier === identifier);
  if (snapshot?.status === 'available') return { IsComplete: true, Data: { SnapshotIdentifier: identifier } };
  if (snapshot?.status === 'failed') {
    throw new Error(
      `the snapshot ${identifier} failed, so nothing was migrated: see the events of ${source.name}, then deploy again`,
    );
  }
  const refusal = snapshot ? undefined : await unless(LATER, source.create(identifier, tagsOf(event)));
  if (Date.now() - Date.parse(event.Data?.StartedAt ?? '') > PATIENCE_MS) {
    throw new Error(
      `the snapshot ${identifier} of ${source.name} was not there after ${PATIENCE_MS / 60_000} minutes, so nothing was migrated; RDS ` +
        `says: ${refusal ?? snapshot?.status ?? 'nothing'}. Wait until the database is available and has the snapshot, then deploy again`,
    );
  }
  return { IsComplete: false };
}

/**
 * Deletes the oldest of the snapshots that were taken before migrations, beyond those that are kept. Called when a migration went
 * well: deployments that fail one after the other must not push out the snapshot from before the first of them.
 */
export async function deleteOldSnapshots(event: OnEventRequest, rds: RDSClient): Promise<void> {
  const { source, prefix } = sourceOf(event, rds);
  const keep = kept(event);
  const own = (await source.list()).filter((each) => each.identifier.startsWith(prefix)).sort(newestFirst);
  for (const old of own.slice(keep)) await unless(GONE, source.delete(old.identifier));
}

function sourceOf(event: OnEventRequest, rds: RDSClient): { source: SnapshotSource; prefix: string } {
  const isCluster = event.ResourceProperties.databaseCluster !== undefined;
  const database = stringProperty(event, isCluster ? 'databaseCluster' : 'databaseInstance');
  const source = isCluster ? clusterSnapshots(rds, database) : instanceSnapshots(rds, database);
  return { source, prefix: migrationSnapshotPrefix(database) };
}

function kept(event: OnEventRequest): number {
  const keep = stringProperty(event, 'keepSnapshots');
  if (/^[1-9]\d*$/.test(keep)) return Number(keep);
  throw new Error(`${event.LogicalResourceId}: property keepSnapshots is '${keep}', wanted a whole number from 1`);
}

/** One that is still being made has no time yet, and none is newer. */
function newestFirst(one: Snapshot, other: Snapshot): number {
  const [time, otherTime] = [one, other].map(({ created }) => created?.getTime() ?? Infinity);
  return time === otherTime ? 0 : otherTime - time;
}

function tagsOf(event: OnEventRequest): Record<string, string> {
  const from = event.OldResourceProperties?.image;
  return {
    'cdk-letta:stack': event.StackId,
    'cdk-letta:to-image': stringProperty(event, 'image'),
    ...(typeof from === 'string' && from !== '' && { 'cdk-letta:from-image': from }),
  };
}

/** @returns what RDS said, if it is one of these. @throws anything else */
async function unless(names: string[], call: Promise<void>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return error.message;
    throw error;
  }
}
