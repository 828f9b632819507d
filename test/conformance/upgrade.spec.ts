import { BedrockModel } from '../../lib';
import { letta0160 } from '../lab/parts/letta-0-16-0';
import { Deployed } from './deployed';
import { upgradeSuite } from './suites/upgrade';

describe('LettaBedrockStack with Letta 0.16.0, upgraded to the release', () => {
  const deployed = new Deployed({
    stack: { http: true, models: [BedrockModel.US_NOVA_PRO, BedrockModel.US_CLAUDE_SONNET_4_6] },
    letta: letta0160,
    // 0.16.0 ends at its start when it is given keys: its Bedrock provider asks for a field that nobody fills in.
    lettaVariables: { AWS_ACCESS_KEY_ID: '' },
  });
  upgradeSuite(deployed);
});
