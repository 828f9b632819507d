import { Environment, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import {
  BedrockAccess,
  BedrockModel,
  ILettaDatabase,
  LettaCache,
  LettaDatabase,
  LettaService,
  LettaServiceProps,
} from '../../lib';
import { asText, Template, testApp, warningsOf } from './support';

export interface Parts {
  readonly stack: Stack;
  readonly vpc: ec2.IVpc;
  readonly database: ILettaDatabase;
}

/** A service on a database and a cache that exist already. */
export function service(
  props: Partial<LettaServiceProps> | ((parts: Parts) => Partial<LettaServiceProps>) = {},
  maxConnections?: number,
  env?: Environment,
): { stack: Stack; service: LettaService; template: () => Template; warnings: () => string[] } {
  const app = testApp();
  const stack = new Stack(app, 'Test', { env });
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    // A known account and region would have them looked up.
    availabilityZones: env && ['a', 'b'].map((zone) => `${env.region}${zone}`),
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  const database = LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
    host: 'db.example.com',
    resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    securityGroup: new ec2.SecurityGroup(stack, 'DatabaseGroup', { vpc, allowAllOutbound: false }),
    maxConnections,
  });
  const made = new LettaService(stack, 'Letta', {
    vpc,
    http: true,
    database,
    cache: LettaCache.fromLettaCacheAttributes(stack, 'Cache', {
      host: 'cache.example.com',
      replicationGroupId: 'letta-cache',
      userId: 'letta',
      securityGroup: new ec2.SecurityGroup(stack, 'CacheGroup', { vpc, allowAllOutbound: false }),
    }),
    bedrock: new BedrockAccess(stack, 'Bedrock', {
      models: env?.region?.startsWith('eu-')
        ? [BedrockModel.EU_CLAUDE_SONNET_4_6]
        : [BedrockModel.US_CLAUDE_SONNET_4_6, BedrockModel.US_CLAUDE_HAIKU_4_5],
      embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    }),
    ...(typeof props === 'function' ? props({ stack, vpc, database }) : props),
  });
  return { stack, service: made, template: () => Template.fromStack(stack), warnings: () => warningsOf(app) };
}

export interface Container {
  readonly Name: string;
  readonly Environment: { Name: string; Value: unknown }[];
  readonly [property: string]: unknown;
}

export function containers(template: Template, task: 'service' | 'migration' = 'service'): Record<string, Container> {
  const definitions = Object.entries(template.findResources('AWS::ECS::TaskDefinition'));
  const [, definition] = definitions.find(([id]) => id.includes('Migration') === (task === 'migration'))!;
  return Object.fromEntries(definition.Properties.ContainerDefinitions.map((c: Container) => [c.Name, c]));
}

export function environment(container: Container): Record<string, string> {
  return Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, asText(Value)]));
}
