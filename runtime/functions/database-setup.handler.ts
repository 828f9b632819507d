import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SetupVariable } from '../contract';
import { OnEventRequest, variable } from './custom-resource';
import { setUpDatabase } from './database-setup';
import { explained } from './failure';
import { masterCredentials } from './master-credentials';

const secrets = new SecretsManagerClient({});

export const onEvent = explained((event: OnEventRequest) =>
  setUpDatabase(event, {
    host: variable(SetupVariable.HOST),
    port: Number(variable(SetupVariable.PORT)),
    database: variable(SetupVariable.NAME),
    // The bundle step puts it beside the code.
    ca: readFileSync(path.join(__dirname, 'rds.pem'), 'utf8'),
    credentials: () => masterCredentials(secrets, variable(SetupVariable.MASTER_SECRET)),
  }),
);
