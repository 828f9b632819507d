import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { BedrockGuardrail, BedrockModel, LettaBedrockStack } from '../../lib';

/** What a bank would deploy: own key, certificate and guardrail, ARM, two workers, the public documents' pools. */
export function enterpriseStack(app: App): LettaBedrockStack {
  const env = { account: '111122223333', region: 'eu-central-1' };
  const shared = new Stack(app, 'Shared', { env });
  const stack = new LettaBedrockStack(app, 'Enterprise', {
    env,
    encryptionKey: kms.Key.fromKeyArn(
      shared,
      'Key',
      'arn:aws:kms:eu-central-1:111122223333:key/00000000-1111-2222-3333-444444444444',
    ),
    encryptionKeyAllowsUse: true,
    certificate: acm.Certificate.fromCertificateArn(
      shared,
      'Certificate',
      'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
    ),
    guardrail: BedrockGuardrail.fromGuardrailAttributes(shared, 'Guardrail', {
      guardrailArn: 'arn:aws:bedrock:eu-central-1:111122223333:guardrail/gr4ab2',
      guardrailVersion: '3',
    }),
    models: [BedrockModel.EU_CLAUDE_SONNET_4_6, BedrockModel.GLOBAL_CLAUDE_HAIKU_4_5],
    embeddings: [BedrockModel.COHERE_EMBED_MULTILINGUAL_V3],
    cpuArchitecture: ecs.CpuArchitecture.ARM64,
    cpu: 2048,
    memoryLimitMiB: 4096,
    uvicornWorkers: 2,
    pgPoolSize: 40,
    pgMaxOverflow: 10,
    corsOrigins: ['https://app.letta.com'],
    logRetention: logs.RetentionDays.ONE_YEAR,
    organizationId: 'o-a1b2c3d4e5',
  });
  stack.service.allowFrom(ec2.Peer.ipv4('10.20.0.0/16'), 'offices');
  return stack;
}
