import * as fs from 'fs';
import * as path from 'path';
import type { App } from 'aws-cdk-lib';
import { CDK_JSON_CONTEXT, WITHOUT_TRACES } from '../lib/support';

const folder = path.resolve(__dirname, '../../examples');

/** Gives up a standby and deletion protection on purpose, which the packs ask for: `LettaChecks` and cfn-lint judge it. */
const TRIAL = 'development.ts';

/** File names of the examples that the rule packs judge. */
export const EXAMPLES = fs.readdirSync(folder).filter((file) => /(?<!\.d)\.ts$/.test(file) && file !== TRIAL);

const made: App[] = [];

/**
 * aws-cdk-lib, whose apps have the context of `cdk.json` and are kept for `exampleApp`: an example is a program, and
 * has no other way to hand its app over. For `jest.mock('aws-cdk-lib', …)`.
 */
export function keepingApps(cdk: typeof import('aws-cdk-lib')): typeof import('aws-cdk-lib') {
  class KeptApp extends cdk.App {
    constructor(props: import('aws-cdk-lib').AppProps = {}) {
      super({ builtinCloudFormationValidation: false, context: { ...CDK_JSON_CONTEXT, ...WITHOUT_TRACES }, ...props });
      made.push(this);
    }
  }
  // Its exports are loaded when they are first read: reading all of them takes seconds.
  return new Proxy(cdk, { get: (target, name) => (name === 'App' ? KeptApp : Reflect.get(target, name)) });
}

/** The app that an example makes. */
export function exampleApp(file: string): App {
  made.length = 0;
  jest.requireActual(path.join(folder, file));
  if (made.length !== 1) throw new Error(`examples/${file} made ${made.length} apps, wanted one`);
  return made[0];
}
