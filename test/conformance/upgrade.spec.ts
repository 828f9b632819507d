import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BedrockModel } from '../../lib';
import { letta0160 } from '../lab/parts/letta-0-16-0';
import { Deployed } from './deployed';
import { damageSuite, restoreSuite } from './suites/restore';
import { upgradeSuite } from './suites/upgrade';

const stack = { http: true, models: [BedrockModel.US_NOVA_PRO, BedrockModel.US_CLAUDE_SONNET_4_6] };
const folder = mkdtempSync(path.join(os.tmpdir(), 'letta-snapshot-'));
const snapshot = path.join(folder, 'data');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('LettaBedrockStack with Letta 0.16.0, upgraded to the release', () => {
  const deployed = new Deployed({
    stack,
    letta: letta0160,
    // 0.16.0 ends at its start when it is given keys: its Bedrock provider asks for a field that nobody fills in.
    lettaVariables: { AWS_ACCESS_KEY_ID: '' },
  });
  upgradeSuite(deployed, snapshot);
  damageSuite(deployed);
});

describe('LettaBedrockStack of the release, made of the snapshot before that upgrade', () => {
  const stages: { what: string; at: number }[] = [];
  const deployed = new Deployed({
    stack: { ...stack, databaseSnapshotIdentifier: 'letta-before-migration' },
    snapshot,
    progress: (what) => stages.push({ what, at: Date.now() }),
  });
  restoreSuite(deployed, stages);
});
