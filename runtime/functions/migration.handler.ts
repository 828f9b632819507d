import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient } from '@aws-sdk/client-ecs';
import { RDSClient } from '@aws-sdk/client-rds';
import { MIGRATION_SNAPSHOT } from '../contract';
import { IsCompleteRequest, OnEventRequest } from './custom-resource';
import { explained } from './failure';
import { isRollingBack, migrationIsComplete, MigrationClients, startMigration } from './migration';
import { SnapshotClients, snapshotIsComplete, startSnapshot } from './migration-snapshot';

const cloudFormation = new CloudFormationClient({});
const clients: MigrationClients & SnapshotClients = {
  cloudFormation,
  ecs: new ECSClient({}),
  logs: new CloudWatchLogsClient({}),
  rds: new RDSClient({}),
  isRollingBack: (stackId) => isRollingBack(cloudFormation, stackId),
};

/** Two custom resources, one after the other: the snapshot, and the migration. */
export const onEvent = explained(async (event: OnEventRequest) =>
  event.ResourceType === MIGRATION_SNAPSHOT ? startSnapshot(event) : await startMigration(event, clients),
);
export const isComplete = explained((event: IsCompleteRequest) =>
  event.ResourceType === MIGRATION_SNAPSHOT ? snapshotIsComplete(event, clients) : migrationIsComplete(event, clients),
);
