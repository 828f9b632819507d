import { App, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockModel, LettaBedrockStack } from '../lib';

/**
 * The app behind `npx cdk synth LettaBedrockStack`, and the only place that reads context or environment:
 *
 *   -c certificateArn=ARN             certificate of the load balancer; without it the API is plain HTTP
 *   -c models=ID,ID                   inference profiles or foundation models for chat, the default one first
 *   -c embeddings=ID,ID               embedding models, the default one first
 *   -c allowFrom=CIDR,CIDR            who may reach the API, e.g. 10.0.0.0/8; without it nobody
 *   -c account=ID -c region=REGION    where to deploy; without them wherever the CLI's credentials point
 */
const app = new App();
const context = (name: string): string | undefined => app.node.tryGetContext(name);
const list = (name: string): string[] | undefined =>
  context(name)
    ?.split(',')
    .map((item) => item.trim());

const model = (id: string): BedrockModel =>
  /^[a-z]{2,6}(-gov)?\.[a-z0-9-]+\./.test(id) ? BedrockModel.inferenceProfile(id) : BedrockModel.foundation(id);

/** An imported certificate wants a stack to stand in, and ours exists only once it has its certificate. */
function certificate(arn: string): acm.ICertificate {
  const region = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/[0-9a-f-]+$/.exec(arn)?.[1];
  const wanted = context('region');
  if (!region || (wanted && region !== wanted)) {
    throw new Error(
      `-c certificateArn: wanted the ARN of a certificate in the stack's region, like ` +
        `arn:aws:acm:${wanted ?? 'REGION'}:ACCOUNT:certificate/ID, got '${arn}'`,
    );
  }
  return acm.Certificate.fromCertificateArn(
    new Stack(new App({ outdir: app.outdir, autoSynth: false })),
    'Certificate',
    arn,
  );
}

const certificateArn = context('certificateArn');
const stack = new LettaBedrockStack(app, 'LettaBedrockStack', {
  description: 'The Letta agent server with Amazon Bedrock as its only model provider',
  env: { account: context('account'), region: context('region') },
  ...(certificateArn ? { certificate: certificate(certificateArn) } : { http: true }),
  models: list('models')?.map(model),
  embeddings: list('embeddings')?.map(model),
});
for (const cidr of list('allowFrom') ?? []) stack.service.allowFrom(ec2.Peer.ipv4(cidr));
