import { Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { arn } from '../lab/account';
import { Address } from '../lab/namespace';
import { Deployed } from './deployed';
import { administratorsSuite } from './suites/administrators';
import { agentImportSuite } from './suites/agent-import';
import { ALLOWED_PORT, allowedEgressSuite } from './suites/allowed-egress';
import { browsersSuite } from './suites/browsers';
import { secretsSuite } from './suites/secrets';
import { turnLimitSuite } from './suites/turn-limit';

const administrators = {
  secretArn: arn('secretsmanager', 'secret:Administrators-AbCdEf'),
  password: 'who-may-do-more-than-others-4711',
};
const origin = 'https://ade.example.com';

describe('LettaBedrockStack with doors opened by name', () => {
  const deployed = new Deployed(
    {
      stack: {
        http: true,
        agentImport: true,
        administratorPassword: Secret.fromSecretCompleteArn(new Stack(), 'Administrators', administrators.secretArn),
        allowedEgress: [`${Address.AWS}:${ALLOWED_PORT}`],
        corsOrigins: [origin],
        maxConcurrentTurns: 2,
      },
    },
    (lab) => lab.services.secrets.put(administrators.secretArn, administrators.password),
  );
  agentImportSuite(deployed);
  administratorsSuite(deployed, administrators.password);
  allowedEgressSuite(deployed);
  browsersSuite(deployed, origin);
  turnLimitSuite(deployed);
  secretsSuite(deployed);
});
