import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import {
  BedrockAccess,
  BedrockModel,
  LettaAuroraDatabase,
  LettaBackup,
  LettaBedrockStack,
  LettaCache,
  LettaDatabase,
  LettaExport,
  LettaService,
  SealedNetwork,
  ToolSandbox,
} from '../../lib';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { GoldenTemplate } from './stateful-changes';

/**
 * Stacks as their owners wrote them once. They stay as they are when the library goes on, or the templates of released versions
 * would be compared with another app's: add a stack for what is new.
 */
const STACKS: Record<string, () => Stack> = {
  'default-stack': () => new LettaBedrockStack(testApp(CDK_JSON_CONTEXT), 'Letta', { http: true }),

  'stack-of-all-props': () => {
    const stack = new LettaBedrockStack(testApp(CDK_JSON_CONTEXT), 'Letta', {
      http: true,
      customerManagedKey: true,
      guardrailFilters: {},
      customTools: ToolSandbox.function(),
      loadBalancerDeletionProtection: true,
    });
    new LettaBackup(stack, 'Backup', {
      database: stack.ownDatabase!,
      encryptionKey: stack.encryptionKey,
      vaultLock: { minRetention: Duration.days(7) },
    });
    return stack;
  },

  'stack-with-export': () => {
    const stack = new LettaBedrockStack(testApp(CDK_JSON_CONTEXT), 'Letta', { http: true, customerManagedKey: true });
    new LettaExport(stack, 'Export', { service: stack.service });
    return stack;
  },

  // Without feature flags, as in an app of somebody else's.
  'single-constructs': () => {
    const stack = new Stack(testApp(), 'Platform');
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    const encryptionKey = new kms.Key(stack, 'Key', { enableKeyRotation: true });
    const arn = 'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-1111-2222-3333-444444444444';
    new LettaService(stack, 'Service', {
      vpc,
      certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', arn),
      database: new LettaDatabase(stack, 'Database', { vpc, encryptionKey, multiAz: false, allocatedStorage: 200 }),
      cache: new LettaCache(stack, 'Cache', { vpc, encryptionKey }),
      bedrock: new BedrockAccess(stack, 'Bedrock', {
        models: [BedrockModel.EU_CLAUDE_SONNET_4_6],
        embeddings: [BedrockModel.COHERE_EMBED_MULTILINGUAL_V3],
      }),
      encryptionKey,
    });
    return stack;
  },

  'aurora-database': () => {
    const stack = new Stack(testApp(CDK_JSON_CONTEXT), 'Data');
    const network = new SealedNetwork(stack, 'Network');
    const encryptionKey = new kms.Key(stack, 'Key', { enableKeyRotation: true });
    const database = new LettaAuroraDatabase(stack, 'Database', { vpc: network.vpc, encryptionKey });
    network.serve(database.setupClient);
    database.startsAfter(network);
    new LettaBackup(stack, 'Backup', { database });
    return stack;
  },
};

/** The stacks' templates by name, as this version of the library makes them. */
export function templatesNow(): Record<string, GoldenTemplate> {
  return Object.fromEntries(
    Object.entries(STACKS).map(([name, make]) => [name, Template.fromStack(make()).toJSON() as GoldenTemplate]),
  );
}
