import { Annotations, App, Stack, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockModel, LettaBedrockStack, LettaChecks } from '../lib';

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
Validations.of(app).addPlugins(new LettaChecks());

/** What a flag says, if it is given. @throws for what does not look like it should */
function flag(name: string, form: RegExp, example: string): string | undefined {
  const value: unknown = app.node.tryGetContext(name);
  if (value === undefined || (typeof value === 'string' && form.test(value))) return value;
  throw new Error(`-c ${name}: got ${JSON.stringify(value)}, wanted ${example}: change or leave out -c ${name}`);
}

/** What is made of each item of a flag; what the library says of an item is said with the flag's name. */
function list<T>(name: string, example: string, make: (item: string) => T): T[] | undefined {
  return flag(name, /^[^,]+(,[^,]+)*$/, example)
    ?.split(',')
    .map((item) => {
      try {
        return make(item.trim());
      } catch (error) {
        throw new Error(`-c ${name}: '${item.trim()}' is refused: ${(error as Error).message}`, { cause: error });
      }
    });
}

const model = (id: string): BedrockModel =>
  /^[a-z]{2,6}(-gov)?\.[a-z0-9-]+\./.test(id) ? BedrockModel.inferenceProfile(id) : BedrockModel.foundation(id);

const env = {
  account: flag('account', /^\d{12}$/, 'the 12 digits of an account'),
  region: flag('region', /^[a-z]{2,}(-[a-z]+)+-\d+$/, 'a region such as eu-west-1'),
};

/** An imported certificate wants a stack to stand in, and ours exists only once it has its certificate. */
function certificate(arn: string): acm.ICertificate {
  const region = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:certificate\/[0-9a-f-]+$/.exec(arn)?.[1];
  if (!region || (env.region && region !== env.region)) {
    throw new Error(
      `-c certificateArn: wanted the ARN of a certificate in the stack's region, like ` +
        `arn:aws:acm:${env.region ?? 'REGION'}:ACCOUNT:certificate/ID, got '${arn}'`,
    );
  }
  return acm.Certificate.fromCertificateArn(
    new Stack(new App({ outdir: app.outdir, autoSynth: false })),
    'Certificate',
    arn,
  );
}

const certificateArn = flag('certificateArn', /./, 'the ARN of a certificate');
const stack = new LettaBedrockStack(app, 'LettaBedrockStack', {
  description: 'The Letta agent server with Amazon Bedrock as its only model provider',
  env,
  ...(certificateArn ? { certificate: certificate(certificateArn) } : { http: true }),
  models: list(
    'models',
    'models such as eu.anthropic.claude-sonnet-4-5-20250929-v1:0, with commas between them',
    model,
  ),
  embeddings: list('embeddings', 'models such as amazon.titan-embed-text-v2:0, with commas between them', model),
});
list('allowFrom', 'ranges such as 10.0.0.0/8, with commas between them', (cidr) =>
  stack.service.allowFrom(ec2.Peer.ipv4(cidr)),
);

const FLAGS = ['certificateArn', 'models', 'embeddings', 'allowFrom', 'account', 'region'];
// Context also comes from cdk.json and the CLI, whose keys have a colon, a dash or an @; one plain word may be a typo.
const unknown = Object.keys(app.node.getAllContext()).filter((key) => /^[A-Za-z]+$/.test(key) && !FLAGS.includes(key));
for (const key of unknown) {
  Annotations.of(stack).addWarningV2(
    'cdk-letta:context',
    `-c ${key}: no such flag, wanted one of ${FLAGS.join(', ')}; it has no effect`,
  );
}
