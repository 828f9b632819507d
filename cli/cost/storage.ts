import { Pricer, UnknownLine } from './cost-line';

export const kmsKey: Pricer = ({ EnableKeyRotation }) => [
  // Each of the first two rotations adds as much again: https://aws.amazon.com/kms/pricing
  { what: 'KMS key', price: 'kms/key-month', quantity: 1, ...(EnableKeyRotation === true && { most: 3 }) },
  { what: 'KMS requests', price: 'kms/request' },
];

export const secret: Pricer = () => [
  { what: 'secret', price: 'secrets-manager/secret-month', quantity: 1 },
  { what: 'reads of secrets', price: 'secrets-manager/request' },
];

export const logGroup: Pricer = ({ LogGroupClass }) => [
  {
    what: 'logs taken in',
    price: LogGroupClass === 'INFREQUENT_ACCESS' ? 'logs/infrequent/gb' : 'logs/standard/gb',
  },
  { what: 'logs kept', price: 'logs/stored/gb-month' },
];

export const alarm: Pricer = ({ Metrics, Period }) => {
  const queries = Array.isArray(Metrics) ? Metrics.filter((each) => each?.MetricStat).length : 1;
  const kind = typeof Period === 'number' && Period < 60 ? 'high-resolution' : 'standard';
  return [
    {
      what: queries === 1 ? 'alarm' : `alarm on ${queries} metrics`,
      price: `cloudwatch/${kind}/alarm-month`,
      quantity: queries,
    },
  ];
};

export const compositeAlarm: Pricer = () => [
  { what: 'composite alarm', price: 'cloudwatch/composite-alarm-month', quantity: 1 },
];

export const dashboard: Pricer = () => [{ what: 'dashboard', price: 'cloudwatch/dashboard-month', quantity: 1 }];

export const bucket: Pricer = () => [{ what: 'files in buckets', price: 's3/standard/gb-month' }];

export const backupVault: Pricer = () => [{ what: 'backups of the database in a vault', price: 'rds/backup/gb-month' }];

export const restoreTest = (): UnknownLine[] => [
  { what: 'restore tests', unknown: 'each makes a database for some hours; its size depends on what is restored' },
];

export const ecsCluster: Pricer = ({ ClusterSettings }) =>
  /"containerInsights","Value":"(enabled|enhanced)"/.test(JSON.stringify(ClusterSettings ?? ''))
    ? [{ what: 'metrics of Container Insights', price: 'cloudwatch/metric-month' }]
    : [];

export const guardrail: Pricer = () => [{ what: 'text through the guardrail', price: 'bedrock/guardrail/text-unit' }];
