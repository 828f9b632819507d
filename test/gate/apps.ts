import { App } from 'aws-cdk-lib';
import { LettaBedrockStack, ToolSandbox } from '../../lib';
import { enterpriseStack } from '../lib/enterprise-stack';
import { CDK_JSON_CONTEXT, testApp } from '../lib/support';
import { exampleApp, EXAMPLES } from './example-apps';

function made(make: (app: App) => unknown): App {
  const app = testApp(CDK_JSON_CONTEXT);
  make(app);
  return app;
}

/** Every app that the rule packs judge: the default stack, an enterprise's, all examples. */
export function gateApps(): [string, App][] {
  return [
    ['the default stack', made((app) => new LettaBedrockStack(app, 'LettaBedrockStack', { http: true }))],
    ['an enterprise stack', made(enterpriseStack)],
    [
      'a stack with a code interpreter',
      made(
        (app) =>
          new LettaBedrockStack(app, 'LettaBedrockStack', { http: true, customTools: ToolSandbox.codeInterpreter() }),
      ),
    ],
    ...EXAMPLES.map((file): [string, App] => [`examples/${file}`, exampleApp(file)]),
  ];
}
