import {
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  DeleteDBClusterSnapshotCommand,
  DeleteDBSnapshotCommand,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';

/** A manual snapshot, of an instance or of a cluster. */
export interface Snapshot {
  readonly identifier: string;
  /** `creating`, `available`, `failed` … */
  readonly status: string;
  /** Unset while it is being made. */
  readonly created?: Date;
}

/** What snapshots are taken of: RDS has calls of their own for instances and for clusters. */
export interface SnapshotSource {
  /** For messages, e.g. `DB instance letta`. */
  readonly name: string;
  list(): Promise<Snapshot[]>;
  create(snapshot: string, tags: Record<string, string>): Promise<void>;
  delete(snapshot: string): Promise<void>;
}

export function instanceSnapshots(rds: RDSClient, instance: string): SnapshotSource {
  const DBInstanceIdentifier = instance;
  return {
    name: `DB instance ${instance}`,
    async list() {
      const found: Snapshot[] = [];
      const pages = paginateDescribeDBSnapshots({ client: rds }, { DBInstanceIdentifier, SnapshotType: 'manual' });
      for await (const { DBSnapshots = [] } of pages) {
        for (const { DBSnapshotIdentifier: identifier = '', Status: status = '', SnapshotCreateTime } of DBSnapshots)
          found.push({ identifier, status, created: SnapshotCreateTime });
      }
      return found;
    },
    async create(DBSnapshotIdentifier, tags) {
      await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier, DBSnapshotIdentifier, Tags: tagList(tags) }));
    },
    async delete(DBSnapshotIdentifier) {
      await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier }));
    },
  };
}

export function clusterSnapshots(rds: RDSClient, cluster: string): SnapshotSource {
  const DBClusterIdentifier = cluster;
  return {
    name: `DB cluster ${cluster}`,
    async list() {
      const found: Snapshot[] = [];
      const pages = paginateDescribeDBClusterSnapshots(
        { client: rds },
        { DBClusterIdentifier, SnapshotType: 'manual' },
      );
      for await (const { DBClusterSnapshots = [] } of pages) {
        for (const each of DBClusterSnapshots) {
          const { DBClusterSnapshotIdentifier: identifier = '', Status: status = '', SnapshotCreateTime } = each;
          found.push({ identifier, status, created: SnapshotCreateTime });
        }
      }
      return found;
    },
    async create(DBClusterSnapshotIdentifier, tags) {
      const Tags = tagList(tags);
      await rds.send(new CreateDBClusterSnapshotCommand({ DBClusterIdentifier, DBClusterSnapshotIdentifier, Tags }));
    },
    async delete(DBClusterSnapshotIdentifier) {
      await rds.send(new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier }));
    },
  };
}

function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value: taggable(Value) }));
}

/** What RDS takes as a tag's value (Amazon RDS User Guide, "Tagging Amazon RDS resources"). */
function taggable(value: string): string {
  return value.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '-').slice(0, 256);
}
