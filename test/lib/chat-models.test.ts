import { BedrockModel, LettaBedrockStack } from '../../lib';
import { GatewayVariable } from '../../runtime/contract';
import { readConfiguration } from '../../runtime/gateway/configuration';
import { Template, testApp } from './support';

interface ContainerDefinition {
  readonly Name: string;
  readonly Environment?: { readonly Name: string; readonly Value: unknown }[];
}

function environments(models: BedrockModel[]): Record<string, Record<string, unknown>> {
  const stack = new LettaBedrockStack(testApp(), 'LettaBedrockStack', {
    env: { account: '111122223333', region: 'us-east-1' },
    http: true,
    models,
  });
  const tasks = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'));
  const containers = tasks.flatMap((task) => task.Properties.ContainerDefinitions as ContainerDefinition[]);
  const variables = ({ Environment = [] }: ContainerDefinition) =>
    Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value]));
  const of = (variable: string) =>
    containers.map(variables).find((environment) => environment[variable] !== undefined) ?? {};
  return { gateway: of(GatewayVariable.CHAT_MODELS), letta: of('LETTA_DEFAULT_LLM_HANDLE') };
}

test("the first model is Letta's default one, by the handle that Letta knows it by", () => {
  const handle = (models: BedrockModel[]) => environments(models).letta.LETTA_DEFAULT_LLM_HANDLE;
  const [nova, claude] = [BedrockModel.US_NOVA_PRO, BedrockModel.US_CLAUDE_SONNET_4_6];
  expect(handle([nova, claude])).toBe('ollama/us.amazon.nova-pro-v1:0');
  expect(handle([claude, nova])).toBe('bedrock/us.anthropic.claude-sonnet-4-6');
});

test('the gateway is told what it has to know of each model, in words that it understands', () => {
  const { gateway } = environments([BedrockModel.US_NOVA_PRO, BedrockModel.US_CLAUDE_SONNET_4_6]);
  // What only a deployment knows is of no matter here.
  const literal = Object.entries(gateway).filter(([, value]) => typeof value === 'string') as [string, string][];
  expect(JSON.parse(gateway[GatewayVariable.CHAT_MODELS] as string)).toEqual([
    {
      id: 'us.amazon.nova-pro-v1:0',
      format: 'converse',
      contextLength: 300_000,
      maxOutputTokens: 10_000,
      features: ['images', 'streamedTools', 'anyTool', 'namedTool'],
    },
    { id: 'us.anthropic.claude-sonnet-4-6', format: 'anthropic' },
  ]);
  expect(() =>
    readConfiguration({
      ...Object.fromEntries(literal),
      [GatewayVariable.LISTENERS]: 'aws',
      [GatewayVariable.URL_SUFFIX]: 'amazonaws.com',
      [GatewayVariable.SERVICE_NAME]: 'Agents',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/abc',
    }),
  ).not.toThrow();
});
