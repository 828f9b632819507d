import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient } from '@aws-sdk/client-ecs';
import { IsCompleteRequest, OnEventRequest } from './custom-resource';
import { explained } from './failure';
import { migrationIsComplete, MigrationClients, startMigration } from './migration';

const clients: MigrationClients = {
  ecs: new ECSClient({}),
  logs: new CloudWatchLogsClient({}),
  cloudFormation: new CloudFormationClient({}),
};

export const onEvent = explained((event: OnEventRequest) => startMigration(event, clients));
export const isComplete = explained((event: IsCompleteRequest) => migrationIsComplete(event, clients));
