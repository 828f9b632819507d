import { Duration } from 'aws-cdk-lib';
import { LettaRetention } from '../../lib';
import { Deployed } from './deployed';
import { retentionSuite } from './suites/retention';

describe('LettaBedrockStack with a retention of 90 days, and one on trial', () => {
  const deployed = new Deployed({
    stack: { http: true },
    extend: (stack) => {
      const [database, service, messages] = [stack.ownDatabase!, stack.service, Duration.days(90)];
      new LettaRetention(stack, 'Trial', { database, service, messages, dryRun: true });
      new LettaRetention(stack, 'Retention', { database, service, messages });
    },
  });
  retentionSuite(deployed);
});
