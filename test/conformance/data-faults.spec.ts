import { Deployed } from './deployed';
import { connectionLimit } from './suites/faults/connection-limit';
import { fullDisk } from './suites/faults/data-full-disk';
import { killedDatabase } from './suites/faults/data-killed';
import { killedMigration } from './suites/faults/data-migration-killed';
import { unwrittenAnswers } from './suites/faults/data-unwritten';

describe('what agents remember, when the database fails', () => {
  const deployed = new Deployed();
  unwrittenAnswers(deployed);
  killedDatabase(deployed);
  fullDisk(deployed);
  connectionLimit(deployed);
  killedMigration(deployed);
});
