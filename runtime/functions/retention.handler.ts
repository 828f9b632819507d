import { Signer } from '@aws-sdk/rds-signer';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { RETENTION_ROLE, RetentionVariable } from '../contract';
import { variable } from './custom-resource';
import { runRetention, RunRecord } from './retention';
import { retentionPolicy } from './retention-policy';

/** A statement may take this long after the last batch is begun, and the log a moment more. */
const RESERVE_MS = 40_000;

export async function onSchedule(_event: unknown, context: { getRemainingTimeInMillis(): number }): Promise<RunRecord> {
  const [hostname, port] = [variable(RetentionVariable.HOST), Number(variable(RetentionVariable.PORT))];
  const signer = new Signer({ hostname, port, username: RETENTION_ROLE });
  return runRetention(
    retentionPolicy(),
    {
      host: hostname,
      port,
      database: variable(RetentionVariable.NAME),
      user: RETENTION_ROLE,
      // The bundle step puts it beside the code.
      ca: readFileSync(path.join(__dirname, 'rds.pem'), 'utf8'),
      password: () => signer.getAuthToken(),
    },
    { until: Date.now() + context.getRemainingTimeInMillis() - RESERVE_MS },
    (record) => console.log(JSON.stringify(record)),
  );
}
