import { App, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { LettaAuroraDatabase, LettaBackup, LettaBedrockStack, SealedNetwork, ToolSandbox } from '../../lib';
import { enterpriseStack } from '../lib/enterprise-stack';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { exampleApp, EXAMPLES } from './example-apps';

function made(make: (app: App) => unknown): App {
  const app = testApp(CDK_JSON_CONTEXT);
  make(app);
  return app;
}

function stackOnAurora(app: App): void {
  const data = new Stack(app, 'Data');
  const network = new SealedNetwork(data, 'Network');
  const encryptionKey = new kms.Key(data, 'Key', { enableKeyRotation: true });
  const database = new LettaAuroraDatabase(data, 'Database', { vpc: network.vpc, encryptionKey });
  network.serve(database.setupClient);
  database.startsAfter(network);
  new LettaBackup(data, 'Backup', { database, encryptionKey });
  new LettaBedrockStack(app, 'LettaBedrockStack', { http: true, network, database });
}

/** Every app that the rule packs judge: the default stack, an enterprise's, all examples. */
export function gateApps(): [string, App][] {
  return [
    ['the default stack', made((app) => new LettaBedrockStack(app, 'LettaBedrockStack', { http: true }))],
    ['an enterprise stack', made((app) => enterpriseStack(app).service.scaleOnTurns({ maxCapacity: 4 }))],
    [
      'a stack with a code interpreter',
      made(
        (app) =>
          new LettaBedrockStack(app, 'LettaBedrockStack', { http: true, customTools: ToolSandbox.codeInterpreter() }),
      ),
    ],
    ['a stack on Aurora', made(stackOnAurora)],
    ...EXAMPLES.map((file): [string, App] => [`examples/${file}`, exampleApp(file)]),
  ];
}
