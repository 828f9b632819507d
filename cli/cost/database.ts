import { CostLine, HOURS, Pricer, UnknownLine, numberOf, referenceOf } from './cost-line';

/** Kinds of storage that are billed by size alone up to a baseline of operations. */
const STORAGE = ['gp2', 'gp3'];

export const dbInstance: Pricer = (properties, resources) => {
  const engine = String(properties.Engine ?? '');
  const className = String(properties.DBInstanceClass ?? '');
  const cluster = resources[referenceOf(properties.DBClusterIdentifier) ?? '']?.Properties;
  if (engine.startsWith('aurora')) return auroraInstance(className, cluster);
  const zones = properties.MultiAZ === true ? 'multi-az' : 'single-az';
  const storage = String(properties.StorageType ?? 'gp2');
  const size = numberOf(properties.AllocatedStorage);
  const most = numberOf(properties.MaxAllocatedStorage);
  const lines: (CostLine | UnknownLine)[] = [
    { what: `${engine} ${className}, ${zones}`, price: `rds/${engine}/${zones}/${className}-hour`, quantity: HOURS },
  ];
  if (!STORAGE.includes(storage) || properties.Iops !== undefined) {
    lines.push({ what: `${storage} storage`, unknown: 'storage with operations by the second has prices of its own' });
  } else if (size === undefined) {
    // A database from a snapshot has the snapshot's size.
    lines.push({ what: `${storage} storage, ${zones}`, price: `rds/${storage}/${zones}/gb-month` });
  } else {
    lines.push({
      what: most ? `${size} to ${most} GB ${storage}, ${zones}` : `${size} GB ${storage}, ${zones}`,
      price: `rds/${storage}/${zones}/gb-month`,
      quantity: size,
      ...(most !== undefined && most > size && { most }),
    });
  }
  lines.push({ what: 'backups beyond the size of the database', price: 'rds/backup/gb-month' });
  return [...lines, ...masterSecret(properties), ...insights(properties)];
};

function auroraInstance(className: string, cluster: Record<string, unknown> | undefined): (CostLine | UnknownLine)[] {
  const storage = cluster?.StorageType === 'aurora-iopt1' ? 'io-optimized' : 'standard';
  if (className !== 'db.serverless') {
    return [{ what: `Aurora ${className}`, price: `aurora/postgresql/${storage}/${className}-hour`, quantity: HOURS }];
  }
  const scaling = cluster?.ServerlessV2ScalingConfiguration as Record<string, unknown> | undefined;
  const least = numberOf(scaling?.MinCapacity);
  const most = numberOf(scaling?.MaxCapacity);
  if (least === undefined || most === undefined) {
    return [{ what: 'Aurora Serverless', unknown: 'the template does not say its least and most capacity' }];
  }
  return [
    {
      what: least === 0 ? `0 (paused) to ${most} ACU` : `${least} to ${most} ACU`,
      price: `aurora/${storage}/acu-hour`,
      quantity: least * HOURS,
      most: most * HOURS,
    },
  ];
}

export const dbCluster: Pricer = (properties) => {
  const storage = properties.StorageType === 'aurora-iopt1' ? 'io-optimized' : 'standard';
  return [
    { what: 'Aurora storage', price: `aurora/${storage}/gb-month` },
    ...(storage === 'standard' ? [{ what: 'Aurora reads and writes', price: 'aurora/standard/io-request' }] : []),
    { what: 'backups beyond the size of the database', price: 'aurora/backup/gb-month' },
    ...masterSecret(properties),
    ...insights(properties),
  ];
};

function masterSecret({ ManageMasterUserPassword }: Record<string, unknown>): CostLine[] {
  if (ManageMasterUserPassword !== true) return [];
  return [{ what: 'secret that RDS makes', price: 'secrets-manager/secret-month', quantity: 1 }];
}

/** Seven days of Performance Insights are free; all else of it is not. */
function insights({
  DatabaseInsightsMode,
  PerformanceInsightsRetentionPeriod,
}: Record<string, unknown>): UnknownLine[] {
  const days = numberOf(PerformanceInsightsRetentionPeriod) ?? 7;
  if (DatabaseInsightsMode !== 'advanced' && days <= 7) return [];
  return [{ what: 'Database Insights', unknown: 'its advanced mode and longer memory are billed by vCPU or ACU' }];
}

export const replicationGroup: Pricer = (properties) => {
  const engine = String(properties.Engine ?? 'redis');
  const node = String(properties.CacheNodeType ?? '');
  const groups = numberOf(properties.NumNodeGroups) ?? 1;
  const replicas = numberOf(properties.ReplicasPerNodeGroup);
  const nodes = replicas === undefined ? (numberOf(properties.NumCacheClusters) ?? 1) : groups * (replicas + 1);
  return [
    { what: `${nodes} × ${engine} ${node}`, price: `elasticache/${engine}/${node}-hour`, quantity: nodes * HOURS },
    ...(numberOf(properties.SnapshotRetentionLimit)
      ? [{ what: 'snapshots beyond the first', price: 'elasticache/backup/gb-month' }]
      : []),
  ];
};
