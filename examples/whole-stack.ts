import { App, Duration, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockModel, LettaBedrockStack, LettaChecks, LettaExport } from '../lib';

/** The whole stack in Frankfurt, for one office network, with the public documents' database pools and a file of every agent a day. */
const app = new App();
Validations.of(app).addPlugins(new LettaChecks());
const stack = new LettaBedrockStack(app, 'Letta', {
  env: { region: 'eu-central-1' },
  http: true,
  models: [BedrockModel.EU_CLAUDE_SONNET_4_6, BedrockModel.EU_CLAUDE_HAIKU_4_5],
  embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
  pgPoolSize: 80,
  pgMaxOverflow: 30,
  pgPoolTimeout: Duration.seconds(30),
  pgPoolRecycle: Duration.seconds(1800),
});
stack.service.allowFrom(ec2.Peer.ipv4('10.20.0.0/16'), 'office');
new LettaExport(stack, 'Export', { service: stack.service });
